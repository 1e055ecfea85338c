// Memory per open stream, each side in a process of its own: 1,000 streams that have brought a page of text and wait for more.
// And an endless stream read slowly: what is held of it must not grow.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { median, ratios, table } from './report.ts';
import { answerEvents, concat } from './stream-wire.ts';

const rounds = Number(process.argv[2] ?? 5);
const openStreams = 1_000;
const deltasBefore = 400;
const goal = 1.05;

/** `/open`: a page of text, and then nothing. `/endless`: pings as fast as they are taken. */
async function serve(): Promise<void> {
  const page = answerEvents(deltasBefore).slice(0, deltasBefore);
  const pings = Buffer.from('event: ping\ndata: {"type":"ping"}\n\n'.repeat(500));
  const server = createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_bench' });
    if (!incoming.url?.startsWith('/endless')) {
      // A few events at a time, as they come from a model, and the first of them some time after the headers.
      let at = 0;
      const writeSome = (): void => {
        response.write(concat(page.slice(at, (at += 4))));
        if (at < page.length) setImmediate(writeSome);
      };
      response.flushHeaders();
      setTimeout(writeSome, 50);
      return;
    }
    response.write(concat(page.slice(0, 4)));
    const write = (): void => {
      if (response.destroyed) return;
      if (response.write(pings)) setImmediate(write);
      else response.once('drain', write);
    };
    write();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
  process.once('disconnect', () => process.exit(0));
}

const request = {
  model: 'claude-opus-5-5',
  max_tokens: 100_000,
  stream: true as const,
  messages: [{ role: 'user' as const, content: 'Go on.' }],
};

const clientFor = (side: string, port: string, path: string): Anthropic =>
  new Anthropic({ baseURL: `http://127.0.0.1:${port}/${path}`, apiKey: 'bench', middleware: side === 'held' ? [holdfast()] : [] });

async function collected(): Promise<number> {
  // The first collection finds what the second can free.
  for (let i = 0; i < 4; i += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage.rss();
}

/** Opens one stream and reads the page of text. */
async function open(client: Anthropic): Promise<AsyncIterator<unknown>> {
  const events = (await client.messages.create(request))[Symbol.asyncIterator]();
  for (let i = 0; i < deltasBefore - 1; i += 1) await events.next();
  return events;
}

async function bytesPerStream(side: string, port: string): Promise<void> {
  const client = clientFor(side, port, 'open');
  // What the first streams need once is not theirs.
  await Promise.all(Array.from({ length: 50 }, () => open(client)));
  const before = await collected();
  const streams: AsyncIterator<unknown>[] = [];
  for (let i = 0; i < openStreams; i += 50) streams.push(...(await Promise.all(Array.from({ length: 50 }, () => open(client)))));
  // Each waits for the next event, as a reader does.
  for (const stream of streams) void stream.next().catch(() => {});
  const after = await collected();
  process.send?.((after - before) / openStreams);
  process.exit(0);
}

/** A reader of one event a millisecond beside a server that never rests: how much more is in memory after a while, bytes. */
async function growth(side: string, port: string): Promise<void> {
  const body = (await clientFor(side, port, 'endless').messages.create(request).asResponse()).body as ReadableStream<Uint8Array>;
  const reader = body.getReader();
  const readSlowly = async (): Promise<number> => {
    for (let i = 0; i < 1_000; i += 1) {
      await reader.read();
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return collected();
  };
  const before = await readSlowly();
  for (let i = 0; i < 3; i += 1) await readSlowly();
  process.send?.((await readSlowly()) - before);
  process.exit(0);
}

async function inProcess(task: string, side: string, port: number): Promise<number> {
  const child = fork(import.meta.filename, [task, side, String(port)], { execArgv: [...process.execArgv, '--expose-gc'] });
  const [measured] = (await once(child, 'message')) as [number];
  return measured;
}

async function measure(): Promise<void> {
  const server = fork(import.meta.filename, ['serve']);
  const [port] = (await once(server, 'message')) as [number];
  const memory = { bare: [] as number[], held: [] as number[] };
  for (let round = 0; round < rounds; round += 1)
    for (const side of round % 2 === 0 ? (['bare', 'held'] as const) : (['held', 'bare'] as const))
      memory[side].push(await inProcess('open', side, port));
  const { middle, low, high } = ratios(memory.held, memory.bare);
  const kib = (bytes: number): string => (bytes / 1024).toFixed(1);
  console.log(`Memory per open stream, KiB of RSS, ${openStreams} streams, medians of ${rounds} processes; Node.js ${process.version}`);
  const row = [
    kib(median(memory.bare)),
    kib(median(memory.held)),
    middle.toFixed(3),
    `${low.toFixed(3)} to ${high.toFixed(3)}`,
    String(goal),
  ];
  console.log(table(['bare SDK', 'with Holdfast', 'ratio', 'middle half', 'goal'], [row]));
  const grown = { bare: await inProcess('endless', 'bare', port), held: await inProcess('endless', 'held', port) };
  console.log(
    `\nAn endless stream, read slowly: RSS grew by ${kib(grown.bare)} KiB with the bare SDK, by ${kib(grown.held)} KiB with Holdfast.`,
  );
  server.disconnect();
}

const [task, side, port] = process.argv.slice(2);
if (task === 'serve') await serve();
else if (task === 'open') await bytesPerStream(side ?? '', port ?? '');
else if (task === 'endless') await growth(side ?? '', port ?? '');
else await measure();
