// A thousand seeded random calls against the fake Claude's own bill. A failing seed is in the message: run it alone with SEED=n.
//
// What must hold of every attempt:
// - What the wire told is in the ledger as told, and equals the bill: to the token, prompt cache included.
// - What broke between telling its input and telling its output has the input as told; the output is guessed and says so.
// - What told nothing has no numbers, and says that it may have cost money whenever it did.
// So the sum over all calls that do not say `estimated` is the bill of those calls.

import Anthropic from '@anthropic-ai/sdk';
import {
  fakeClaude,
  misbehaviours,
  seededRandom,
  VirtualClock,
  type FakeClaude,
  type Fault,
  type RequestRecord,
  type Scenario,
} from '@holdfast/testing';
import { expect, it } from 'vitest';
import { holdfast, ledgerTotal, type Ledger, type LedgerAttempt, type TokenCount } from '../src/index.ts';
import { request } from './world.ts';

const scenarios: Scenario[] = [
  'text',
  'short',
  'multi-byte',
  'multi-block',
  'thinking',
  'tools',
  'text-and-tools',
  'citations',
  'structured',
];
const models = ['claude-opus-5-5', 'claude-haiku-4-5', 'claude-opus-4-5', 'some-future-model'];
const seeds = process.env['SEED'] ? [Number(process.env['SEED'])] : Array.from({ length: 1_000 }, (_, index) => index + 1);

function randomFault(random: () => number): Fault {
  const at = Math.floor(random() * 4_000);
  const faults: Fault[] = [
    { cut: { afterBytes: at, how: 'reset' } },
    { cut: { afterBytes: at, how: 'end' } },
    { cut: { afterText: at / 8, how: 'stall' } },
    { cut: { afterEvents: at % 40, how: 'reset' }, unknownEvents: true },
    { streamError: { type: 'overloaded_error', afterText: at / 8 } },
    { streamError: { type: 'overloaded_error', afterEvents: 1 } },
    { body: 'truncated' },
    { body: 'html' },
    { body: 'empty' },
    { body: 'error-envelope' },
    { connection: 'reset' },
    { connection: 'stall' },
    { status: 529 },
    { status: 500 },
    { status: 400 },
    {},
  ];
  const chunking = [1, 7, 64, 'event', 'whole'][Math.floor(random() * 5)] as Fault['chunking'] & {};
  return { ...faults[Math.floor(random() * faults.length)], chunking, ...(random() < 0.2 ? { crlf: true } : {}) };
}

interface Played {
  readonly ledger: Ledger;
  readonly requests: readonly RequestRecord[];
  /** The reader left while it was being answered. */
  readonly left: boolean;
}

/** One call of seed `seed`: its ledger, and the requests it made in the order of its attempts. */
async function play(seed: number): Promise<Played> {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const options = { seed, size: 0.1 + random() * 0.3, scenario: pick(scenarios) };
  const sides = {
    primary: await fakeClaude({ ...options, target: 'primary' }),
    second: await fakeClaude({ ...options, target: 'second' }),
  };
  for (const side of Object.values(sides)) {
    side.misbehave(random() < 0.3 ? pick(misbehaviours) : null);
    side.script(...Array.from({ length: Math.floor(random() * 4) }, () => randomFault(random)));
  }
  const clientOf = (side: FakeClaude, more: object = {}): Anthropic =>
    new Anthropic({ baseURL: side.url, apiKey: 'test', fetch: side.fetch, ...more });
  const clock = new VirtualClock();
  let ledger: Ledger | null = null;
  const hold = holdfast({
    clock,
    random,
    breaker: false,
    budget: false,
    limits: { streamLongCalls: random() < 0.1, firstByteMs: 90_000 },
    streams: { tools: pick(['message', 'block'] as const) },
    ...(random() < 0.5 ? { targets: [{ name: 'second', client: clientOf(sides.second) }] } : {}),
    ...(random() < 0.3 ? { fallbacks: [{ model: 'claude-haiku-5-5', accept: () => random() < 0.5 }, 'claude-sonnet-5-5'] } : {}),
    on: (event) => {
      if (event.type === 'call-ended') ledger = event.ledger;
    },
  });
  const client = clientOf(sides.primary, { middleware: [hold], maxRetries: 0 });
  const system: Anthropic.TextBlockParam[] = [
    { type: 'text', text: 'Be brief.', ...(random() < 0.3 ? { cache_control: { type: 'ephemeral' } } : {}) },
  ];
  const body = { ...request, model: pick(models), system };
  const leavesAfter = random() < 0.1 ? Math.floor(random() * 10) : null;

  if (random() < 0.4) await clock.until(client.messages.create(body).catch(() => {}));
  else {
    const stream = client.messages.stream(body);
    let events = 0;
    stream.on('streamEvent', () => {
      events += 1;
      if (events === leavesAfter) stream.abort();
    });
    await clock.until(stream.done().catch(() => {}));
  }
  await Promise.all(Object.values(sides).map((side) => side.close()));
  const played = ledger as Ledger | null;
  if (!played) throw new Error(`seed ${seed}: no ledger`);
  const asked: Record<string, RequestRecord[]> = { primary: [...sides.primary.requests], second: [...sides.second.requests] };
  const requests = played.attempts.map(({ target }) => asked[target]?.shift() as RequestRecord);
  expect(Object.values(asked).flat(), `seed ${seed}: every request is an attempt`).toEqual([]);
  return { ledger: played, requests, left: played.result === 'aborted' };
}

const bill = ({ billed }: RequestRecord): Omit<TokenCount, 'estimated'> => ({
  input: billed?.input_tokens ?? 0,
  output: billed?.output_tokens ?? 0,
  cacheRead: billed?.cache_read_input_tokens ?? 0,
  cacheCreation: billed?.cache_creation_input_tokens ?? 0,
});

/** Four characters make a token there, and 3.5 bytes by our guess; some characters have four bytes, some need an escape. */
const mostGuessed = (billed: number): number => billed * 1.25 * 3 + 5;

function check(attempt: LedgerAttempt, sent: RequestRecord, left: boolean, label: string): void {
  const { usage } = attempt;
  const { output, ...input } = bill(sent);
  if (usage === null) {
    // Told nothing, or nothing that could be read in time.
    if (sent.billed !== null) expect(attempt.billed, label).not.toBe('no');
    return;
  }
  expect(usage, label).toMatchObject(input);
  if (!usage.estimated) return expect(usage.output, label).toBe(output);
  // A reader who left stops the reading, and here not the writing.
  if (left) return;
  expect(usage.output, label).toBeGreaterThanOrEqual(output);
  expect(usage.output, label).toBeLessThanOrEqual(mostGuessed(output));
}

it(`the ledgers of ${seeds.length} random calls are the bill`, async () => {
  const seen = { exact: 0, estimated: 0, told: 0, untold: 0, refused: 0, discarded: 0 };
  const sums = {
    ledger: { input: 0, output: 0, cacheRead: 0, cacheCreation: 0 },
    bill: { input: 0, output: 0, cacheRead: 0, cacheCreation: 0 },
  };
  for (const seed of seeds) {
    const { ledger, requests, left } = await play(seed);
    const label = `seed ${seed}: ${JSON.stringify(ledger.attempts.map(({ purpose, result, reason, usage }, index) => [purpose, result, reason, usage, requests[index]?.fault]))}`;
    for (const [index, attempt] of ledger.attempts.entries()) {
      const sent = requests[index] as RequestRecord;
      check(attempt, sent, left, label);
      if (attempt.usage === null) seen[attempt.billed === 'no' ? 'refused' : 'untold'] += 1;
      else seen[attempt.usage.estimated ? 'estimated' : 'told'] += 1;
      if (attempt.discarded && attempt.usage) seen.discarded += 1;
      // An event that only lacks its last blank line can be read.
      if (attempt.usage && attempt.reason !== 'early-end') expect(sent.reported, label).not.toBeNull();
      // An error at the very beginning of a stream comes after its input was told.
      if (sent.fault?.streamError && sent.reported && attempt.result === 'overloaded') expect(attempt.usage, label).not.toBeNull();
      // What was told and could be read is never called an estimate. (A continuation that says nothing new is not read to its end.)
      const read = !left && attempt.reason !== 'malformed' && sent.reported?.final;
      if (read && attempt.usage) expect(attempt.usage.estimated, label).toBe(false);
      if (attempt.result === 'success') expect(attempt.usage?.estimated, label).toBe(false);
    }
    const { estimated, ...total } = ledgerTotal(ledger);
    if (estimated) continue;
    seen.exact += 1;
    for (const name of ['input', 'output', 'cacheRead', 'cacheCreation'] as const) {
      sums.ledger[name] += total[name];
      sums.bill[name] += requests.reduce((sum, sent) => sum + bill(sent)[name], 0);
    }
    expect(sums.ledger, label).toEqual(sums.bill);
  }

  // Without this the test would pass if everything were called an estimate.
  if (seeds.length > 1) {
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(50);
    for (const count of Object.values(sums.ledger)) expect(count).toBeGreaterThan(500);
  }
});
