// What a healthy call costs through Holdfast beside the bare SDK: CPU per call over real sockets, at concurrency 64, both sides
// interleaved in one run.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { once } from 'node:events';
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { median, ratios } from './report.ts';

const rounds = 12;
const callsPerRound = 1_500;
const concurrency = 64;
const request = { model: 'claude-opus-5-5', max_tokens: 1024, messages: [{ role: 'user' as const, content: 'Hello. '.repeat(40) }] };
const answer = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: request.model,
  content: [{ type: 'text', text: 'The tide came in. '.repeat(60) }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 80, output_tokens: 300, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
});

/** The server runs in a process of its own: its work is not what is measured. */
async function serve(): Promise<void> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.writeHead(200, { 'content-type': 'application/json', 'request-id': 'req_1' }).end(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
  process.once('disconnect', () => process.exit(0));
}

async function cpuPerCall(client: Anthropic): Promise<number> {
  const before = process.cpuUsage();
  let left = callsPerRound;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while ((left -= 1) >= 0) await client.messages.create(request);
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / callsPerRound;
}

async function measure(): Promise<void> {
  const server = fork(import.meta.filename, ['serve']);
  const [port] = (await once(server, 'message')) as [number];
  const options = { baseURL: `http://127.0.0.1:${port}`, apiKey: 'bench' };
  const bare = new Anthropic(options);
  const held = new Anthropic({ ...options, middleware: [holdfast()] });
  await cpuPerCall(bare);
  await cpuPerCall(held);
  const sides: { bare: number[]; held: number[] } = { bare: [], held: [] };
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? (['bare', 'held'] as const) : (['held', 'bare'] as const);
    for (const side of order) sides[side].push(await cpuPerCall(side === 'bare' ? bare : held));
  }
  console.log(`CPU per healthy call, concurrency ${concurrency}, ${rounds} rounds of ${callsPerRound} calls, Node.js ${process.version}`);
  console.log(`  bare SDK      ${median(sides.bare).toFixed(0)} µs`);
  console.log(`  with Holdfast ${median(sides.held).toFixed(0)} µs`);
  const { middle, low, high } = ratios(sides.held, sides.bare);
  console.log(`  ratio         ${middle.toFixed(3)} (middle half ${low.toFixed(3)} to ${high.toFixed(3)})`);
  server.disconnect();
}

await (process.argv[2] === 'serve' ? serve() : measure());
