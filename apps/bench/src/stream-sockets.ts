// Events per second over live sockets: many streams at once from a server in a process of its own, the bare SDK and the SDK
// with Holdfast.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { table } from './report.ts';
import { compareSides, serveSide, spread } from './sides.ts';
import { answerEvents, concat } from './stream-wire.ts';

const rounds = 25;
const streams = 16;
const perStream = 3_000;
/** Events that leave the server together: one is a slow model, many a fast one behind a busy network. */
const bursts = [1, 8, 64];
const goal = 0.97;

/** `/1`, `/8`, `/64`: how many events are written at once. */
async function serve(): Promise<void> {
  const events = answerEvents(perStream);
  const server = createServer((incoming, response) => {
    const burst = Number(/^\/(\d+)/.exec(incoming.url ?? '')?.[1] ?? 1);
    incoming.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_bench' });
    let at = 0;
    const write = (): void => {
      if (at >= events.length) return void response.end();
      const goesOn = response.write(concat(events.slice(at, (at += burst))));
      if (goesOn) setImmediate(write);
      else response.once('drain', write);
    };
    write();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
  process.once('disconnect', () => process.exit(0));
}

async function readOne(client: Anthropic): Promise<void> {
  let characters = 0;
  const stream = await client.messages.create({
    model: 'claude-opus-5-5',
    max_tokens: 100_000,
    stream: true,
    messages: [{ role: 'user', content: 'Go on.' }],
  });
  for await (const event of stream)
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') characters += event.delta.text.length;
  if (characters < perStream) throw new Error('the answer is not whole');
}

async function eventsPerSecond(client: Anthropic): Promise<number> {
  const started = performance.now();
  await Promise.all(Array.from({ length: streams }, () => readOne(client)));
  return (streams * perStream * 1000) / (performance.now() - started);
}

async function measure(): Promise<void> {
  const server = fork(import.meta.filename, ['serve']);
  const [port] = (await once(server, 'message')) as [number];
  const rows: string[][] = [];
  for (const burst of bursts) {
    const baseURL = `http://127.0.0.1:${port}/${burst}`;
    const [bare, held] = await compareSides(import.meta.filename, ['bare SDK', 'Holdfast'], [baseURL], { rounds });
    if (!bare || !held) continue;
    rows.push([
      String(burst),
      bare.median.toFixed(0),
      held.median.toFixed(0),
      held.ratio.middle.toFixed(3),
      spread(held.ratio),
      String(goal),
    ]);
  }
  console.log(
    `Events per second over ${streams} sockets, medians of ${rounds} rounds of ${perStream} events each; Node.js ${process.version}`,
  );
  console.log(table(['events per write', 'bare SDK', 'with Holdfast', 'ratio', 'middle half', 'goal'], rows));
  server.disconnect();
}

const [task, baseURL] = process.argv.slice(2);
if (task === undefined) await measure();
else if (task === 'serve') await serve();
else {
  const client = new Anthropic({ baseURL: baseURL ?? null, apiKey: 'bench', middleware: task === 'Holdfast' ? [holdfast()] : [] });
  serveSide(() => eventsPerSecond(client));
}
