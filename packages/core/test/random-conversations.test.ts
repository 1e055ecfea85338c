// A thousand seeded conversations with random answers, faults and misbehaving continuations. A failing seed is in the message:
// run it alone with SEED=n.

import type Anthropic from '@anthropic-ai/sdk';
import { misbehaviours, prose, referenceAnswer, ruleBreach, seededRandom, type Fault, type Scenario } from '@holdfast/testing';
import { expect, it } from 'vitest';
import { modelFacts } from '../src/policy/models.ts';
import { read, request, world } from './world.ts';

const scenarios: Scenario[] = ['text', 'short', 'multi-byte', 'multi-block', 'thinking', 'tools', 'text-and-tools'];
const models = [
  'claude-opus-5-5',
  'claude-haiku-4-5-20251001',
  'claude-opus-4-5',
  'claude-haiku-5-5',
  'claude-opus-4-6',
  'some-future-model',
];
const seeds = process.env['SEED'] ? [Number(process.env['SEED'])] : Array.from({ length: 1_000 }, (_, index) => index + 1);

function randomFault(random: () => number, size: number): Fault {
  const at = Math.floor(random() * size);
  const faults: Fault[] = [
    { cut: { afterBytes: at, how: 'reset' } },
    { cut: { afterBytes: at, how: 'end' } },
    { cut: { afterText: at / 8, how: 'end' }, crlf: true },
    { streamError: { type: 'overloaded_error', afterText: at / 8 } },
    { streamError: { type: 'serviceUnavailableException', afterText: at / 8 } },
    { cut: { afterEvents: at % 40, how: 'reset' }, unknownEvents: true },
    { connection: 'reset' },
    { status: 529 },
  ];
  return {
    ...faults[Math.floor(random() * faults.length)],
    chunking: [1, 7, 64, 'event', 'whole'][Math.floor(random() * 5)] as Fault['chunking'] & {},
  };
}

interface Said {
  readonly type: string;
  readonly text?: string;
}

/** The text and tools a reader had, without what only thinking adds. A continuation may go on in one text block where there were two. */
function spoken(content: unknown): unknown[] {
  const said: Said[] = [];
  for (const block of content as Said[]) {
    const last = said.at(-1);
    if (block.type === 'thinking') continue;
    if (block.type === 'text' && last?.type === 'text') said[said.length - 1] = { type: 'text', text: `${last.text}${block.text}` };
    else said.push(block.type === 'text' ? { type: 'text', text: block.text ?? '' } : block);
  }
  return said;
}

it(`ends ${seeds.length} conversations in the whole answer or in one documented error`, async () => {
  let whole = 0;
  for (const seed of seeds) {
    const random = seededRandom(seed);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const scenario = pick(scenarios);
    const model = pick(models);
    const size = 0.1 + random() * 0.3;
    const { claude, client, events, close } = await world({
      fake: { seed, size, scenario },
      holdfast: { breaker: false, budget: false, streams: { tools: pick(['message', 'block'] as const) } },
    });
    const misbehaviour = random() < 0.6 ? pick(misbehaviours) : null;
    claude.misbehave(misbehaviour);
    claude.script(...Array.from({ length: 1 + Math.floor(random() * 2) }, () => randomFault(random, 4_000)));

    const body: Anthropic.MessageCreateParamsNonStreaming = { ...request, model };
    const got = await read(client, body);
    const label = `seed ${seed}: ${scenario}, ${model}, ${misbehaviour ?? 'honest'}, ${JSON.stringify(claude.requests.map(({ fault, continues }) => [fault, continues]))}`;
    const expected = referenceAnswer(scenario, seed, size);

    if ('content' in got) {
      whole += 1;
      // Another answer that happens to begin with all the reader had is one whole generation too.
      const other = prose(seed + 1000, 8);
      if (misbehaviour === 'unrelated' && spoken(got.content).length === 1 && (spoken(got.content)[0] as Said).text === other) continue;
      // A turn may be closed after tool calls that arrived whole; everything else is the answer to the letter.
      const closed = events.some((event) => event.type === 'stream-broke' && event.plan === 'close');
      const all = spoken(expected.content);
      expect(spoken(got.content), label).toEqual(closed ? all.slice(0, spoken(got.content).length) : all);
      expect(got.stopReason, label).toBe(expected.stopReason);
    } else {
      expect(got.error.errorCode ?? got.error.name, `${label}: ${String(got.error)}`).toMatch(
        /^holdfast_stream_broken$|OverloadedError|^holdfast_unreachable$/,
      );
    }
    for (const sent of claude.requests) {
      expect(sent.status, `${label}: ${JSON.stringify(ruleBreach(sent.body))}`).not.toBe(400);
      const messages = sent.body?.['messages'] as { role: string }[];
      if (!modelFacts(model).acceptsPrefill) expect(messages.at(-1)?.role, label).toBe('user');
    }
    await close();
  }
  // Without this the test would pass if nothing were ever healed.
  expect(whole / seeds.length).toBeGreaterThan(seeds.length === 1 ? -1 : 0.7);
});
