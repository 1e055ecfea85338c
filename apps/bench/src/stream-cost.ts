// CPU per event of a healthy stream: the bare SDK and the SDK with Holdfast.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { answerEvents, bodyOf, shapes, type Shape } from './stream-wire.ts';
import { table } from './report.ts';
import { compareSides, serveSide, spread } from './sides.ts';

const rounds = 31;
const perStream = 20_000;
/** What the healthy path may cost, beside the bare SDK. */
const goals: Record<Shape, number> = { 'chunks of 16 KiB': 1.05, 'one event per chunk': 1.07, 'one event per turn of the loop': 1.05 };
const request = {
  model: 'claude-opus-5-5',
  max_tokens: 1024,
  stream: true as const,
  messages: [{ role: 'user' as const, content: 'Go on.' }],
};

async function side(name: string, shape: Shape): Promise<void> {
  const events = answerEvents(perStream);
  const client = new Anthropic({
    apiKey: 'bench',
    middleware: name === 'Holdfast' ? [holdfast()] : [],
    fetch: async () => new Response(bodyOf(events, shape), { headers: { 'content-type': 'text/event-stream' } }),
  });
  // A server always has some stream in the middle of its answer: without one, V8 forgets at a collection how to read them.
  const other = (await client.messages.create(request))[Symbol.asyncIterator]();
  for (let i = 0; i < 500; i += 1) await other.next();

  serveSide(async () => {
    globalThis.gc?.();
    let characters = 0;
    const before = process.cpuUsage();
    for await (const event of await client.messages.create(request))
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') characters += event.delta.text.length;
    const { user, system } = process.cpuUsage(before);
    if (characters < perStream) throw new Error('the answer is not whole');
    return (user + system) / events.length;
  });
}

async function measure(): Promise<void> {
  const rows: string[][] = [];
  for (const shape of shapes) {
    const [bare, held] = await compareSides(import.meta.filename, ['bare SDK', 'Holdfast'], [shape], { rounds });
    if (!bare || !held) continue;
    rows.push([
      shape,
      bare.median.toFixed(2),
      held.median.toFixed(2),
      held.ratio.middle.toFixed(3),
      spread(held.ratio),
      String(goals[shape]),
    ]);
  }
  console.log(`CPU per event, µs, medians of ${rounds} rounds of ${perStream} events; Node.js ${process.version}`);
  console.log(table(['shape', 'bare SDK', 'with Holdfast', 'ratio', 'middle half', 'goal'], rows));
}

const [name, shape] = process.argv.slice(2);
await (name === undefined ? measure() : side(name, shape as Shape));
