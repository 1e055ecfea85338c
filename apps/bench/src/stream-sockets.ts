// Events per second over live sockets: many streams at once from a server in a process of its own, the bare SDK and the SDK
// with Holdfast in turns.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { median, ratios, table } from './report.ts';
import { answerEvents, concat } from './stream-wire.ts';

const rounds = Number(process.argv[2] ?? 15);
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
    const options = { baseURL: `http://127.0.0.1:${port}/${burst}`, apiKey: 'bench' };
    const clients = { bare: new Anthropic(options), held: new Anthropic({ ...options, middleware: [holdfast()] }) };
    const speed = { bare: [] as number[], held: [] as number[] };
    for (let round = -3; round < rounds; round += 1) {
      for (const who of round % 2 === 0 ? (['bare', 'held'] as const) : (['held', 'bare'] as const)) {
        const measured = await eventsPerSecond(clients[who]);
        if (round >= 0) speed[who].push(measured);
      }
    }
    const { middle, low, high } = ratios(speed.held, speed.bare);
    rows.push([
      String(burst),
      median(speed.bare).toFixed(0),
      median(speed.held).toFixed(0),
      middle.toFixed(3),
      `${low.toFixed(3)} to ${high.toFixed(3)}`,
      String(goal),
    ]);
  }
  console.log(
    `Events per second over ${streams} sockets, medians of ${rounds} rounds of ${perStream} events each; Node.js ${process.version}`,
  );
  console.log(table(['events per write', 'bare SDK', 'with Holdfast', 'ratio', 'middle half', 'goal'], rows));
  server.disconnect();
}

await (process.argv[2] === 'serve' ? serve() : measure());
