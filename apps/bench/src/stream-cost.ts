// CPU per event of a healthy stream: the bare SDK and the SDK with Holdfast, in turns, in one process.
// Usage: pnpm --filter @holdfast/bench stream [rounds] [events per stream]

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { answerEvents, bodyOf, shapes, type Shape } from './stream-wire.ts';
import { median, ratios, table } from './report.ts';

const rounds = Number(process.argv[2] ?? 31);
const perStream = Number(process.argv[3] ?? 20_000);
const events = answerEvents(perStream);
/** What the healthy path may cost, beside the bare SDK. */
const goals: Record<Shape, number> = { 'chunks of 16 KiB': 1.05, 'one event per chunk': 1.07, 'one event per turn of the loop': 1.05 };

const clientOf = (shape: Shape, middleware: ReturnType<typeof holdfast>[]): Anthropic =>
  new Anthropic({
    apiKey: 'bench',
    middleware,
    fetch: async () => new Response(bodyOf(events, shape), { headers: { 'content-type': 'text/event-stream' } }),
  });

/** Reads one answer to its end; microseconds of CPU per event. */
async function once(client: Anthropic): Promise<number> {
  let characters = 0;
  const before = process.cpuUsage();
  const stream = await client.messages.create({
    model: 'claude-opus-5-5',
    max_tokens: 1024,
    stream: true,
    messages: [{ role: 'user', content: 'Go on.' }],
  });
  for await (const event of stream)
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') characters += event.delta.text.length;
  const { user, system } = process.cpuUsage(before);
  if (characters < perStream) throw new Error('the answer is not whole');
  return (user + system) / events.length;
}

const rows: string[][] = [];
for (const shape of shapes) {
  const bare = clientOf(shape, []);
  const held = clientOf(shape, [holdfast()]);
  const cost = { bare: [] as number[], held: [] as number[] };
  for (let round = -5; round < rounds; round += 1) {
    // Who goes first alternates, so that neither pays for the other's garbage.
    for (const who of round % 2 === 0 ? (['bare', 'held'] as const) : (['held', 'bare'] as const)) {
      globalThis.gc?.();
      const spent = await once(who === 'bare' ? bare : held);
      if (round >= 0) cost[who].push(spent);
    }
  }
  const { middle, low, high } = ratios(cost.held, cost.bare);
  rows.push([
    shape,
    median(cost.bare).toFixed(2),
    median(cost.held).toFixed(2),
    middle.toFixed(3),
    `${low.toFixed(3)} to ${high.toFixed(3)}`,
    String(goals[shape]),
  ]);
}
console.log(`CPU per event, µs, medians of ${rounds} rounds of ${perStream} events; Node.js ${process.version}`);
console.log(table(['shape', 'bare SDK', 'with Holdfast', 'ratio', 'middle half', 'goal'], rows));
