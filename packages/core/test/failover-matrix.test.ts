// Every kind of failure, on every kind of client, in every phase of a call: where the call goes next. The table is the contract.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { cut, referenceAnswer, streamError, VirtualClock, type FaultLike } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { holdfast, type HoldfastEvent, type Ledger } from '../src/index.ts';
import { platform, platformNames, type Platform, type PlatformName } from './platforms.ts';
import { request } from './world.ts';

const whole = referenceAnswer('text').content;

/** `next`: to the other target, at once. `same`: here again. `surfaced`: to the caller, as it is. */
type Hop = 'next' | 'same' | 'surfaced';
type Phase = 'call' | 'stream' | 'mid-stream';

interface Row {
  readonly failure: string;
  /** How it looks to a call, and to a stream before its first byte. */
  readonly begin: FaultLike | 'refused';
  readonly call: Hop;
  readonly stream: Hop;
  /** How it looks in the middle of a stream, and what follows; null where it cannot happen. */
  readonly middle: readonly [FaultLike, Hop] | null;
}

const at = { afterText: 200 };
const rows: Row[] = [
  { failure: 'connection refused', begin: 'refused', call: 'next', stream: 'next', middle: null },
  { failure: 'connection reset', begin: 'reset', call: 'next', stream: 'next', middle: [cut({ ...at, how: 'reset' }), 'same'] },
  { failure: 'silence', begin: 'silent', call: 'next', stream: 'next', middle: [cut({ ...at, how: 'stall' }), 'same'] },
  { failure: '429', begin: 'rate-limited', call: 'next', stream: 'next', middle: [streamError('rate_limit_error', at), 'next'] },
  { failure: '429 for a day', begin: 'rate-limited-a-day', call: 'next', stream: 'next', middle: null },
  { failure: 'spend limit', begin: 'spend-limit', call: 'next', stream: 'next', middle: null },
  { failure: '500', begin: 'server-error', call: 'next', stream: 'next', middle: [streamError('api_error', at), 'next'] },
  { failure: '503', begin: 'unavailable', call: 'next', stream: 'next', middle: null },
  { failure: '529', begin: 'overloaded', call: 'next', stream: 'next', middle: [streamError('overloaded_error', at), 'next'] },
  { failure: '401', begin: 'bad-key', call: 'next', stream: 'next', middle: null },
  { failure: '403', begin: 'forbidden', call: 'next', stream: 'next', middle: null },
  { failure: '404 model', begin: 'unknown-model', call: 'next', stream: 'next', middle: null },
  {
    failure: '400',
    begin: 'bad-request',
    call: 'surfaced',
    stream: 'surfaced',
    middle: [streamError('invalid_request_error', at), 'surfaced'],
  },
  { failure: '413', begin: 'too-large', call: 'surfaced', stream: 'surfaced', middle: null },
];

/** The SDK holds a bearer token that it might renew: it is asked once more before anybody else is. */
const mayRenew: readonly PlatformName[] = ['google-cloud'];

const cases = rows.flatMap(({ failure, begin, call, stream, middle }) => {
  const phases: [Phase, FaultLike | 'refused', Hop][] = [
    ['call', begin, call],
    ['stream', begin, stream],
  ];
  if (middle) phases.push(['mid-stream', ...middle]);
  return phases.map(([phase, fault, hop]) => ({ failure, phase, fault, hop }));
});

describe.each(platformNames)('from a target of kind %s', (name) => {
  it.each(cases)('$failure, $phase: $hop', async ({ failure, phase, fault, hop }) => {
    const first = await platform(name);
    const next = await platform(name === 'anthropic' ? 'bedrock' : 'anthropic');
    const clock = new VirtualClock();
    const events: HoldfastEvent[] = [];
    const hold = holdfast({
      clock,
      random: () => 0,
      retry: { baseMs: 0, throttledBaseMs: 0 },
      targets: [{ name: 'next', client: next.client }],
      on: (event) => events.push(event),
    });
    if (fault === 'refused') await first.refuse();
    else if (phase === 'mid-stream') first.claude.script(fault);
    else first.claude.always(fault);

    const answer = ask(first, hold, phase);
    if (failure === 'silence') await outlast(answer, clock, events, first);
    const result = await answer.result;

    if (hop === 'surfaced') expect(result).toBeInstanceOf(Anthropic.APIError);
    else expect(result).toMatchObject({ content: whole });
    const hops = { next: ['primary', 'next'], same: ['primary', 'primary'], surfaced: ['primary'] }[hop];
    expect(lastLedger(events)?.attempts.map(({ target }) => target)).toEqual(hops);
    const twice = hop === 'same' || (failure === '401' && mayRenew.includes(name));
    expect(first.wire).toHaveLength(fault === 'refused' ? 0 : twice ? 2 : 1);
    expect(next.wire).toHaveLength(hop === 'next' ? 1 : 0);
    await Promise.all([first.close(), next.close()]);
  });
});

it('docs/failover.md prints this table', () => {
  const words = { next: 'next target', same: 'same target', surfaced: 'your code' };
  const lines = rows.map(({ failure, call, middle }) => `| ${failure} | ${words[call]} | ${middle ? words[middle[1]] : ''} |`);

  for (const { call, stream } of rows) expect(stream, 'the page has one column for both').toBe(call);
  expect(readFileSync(join(import.meta.dirname, '../../../docs/failover.md'), 'utf8')).toContain(lines.join('\n'));
});

/** The SDK repeats a call that may only need a new token: its last one counts. */
const lastLedger = (events: readonly HoldfastEvent[]): Ledger | undefined =>
  events.flatMap((event) => (event.type === 'call-ended' ? [event.ledger] : [])).at(-1);

interface Answer {
  readonly result: Promise<unknown>;
  /** Characters the reader has. */
  readonly seen: () => number;
}

/** Asks through the client's own package, with Holdfast for this request. */
function ask({ client }: Platform, hold: ReturnType<typeof holdfast>, phase: Phase): Answer {
  const options = { middleware: [hold], maxRetries: 3 };
  if (phase === 'call') return { result: client.messages.create(request, options).catch((error: unknown) => error), seen: () => 0 };
  let characters = 0;
  const stream = client.messages.stream(request, options).on('text', (delta) => (characters += delta.length));
  return { result: stream.finalMessage().catch((error: unknown) => error), seen: () => characters };
}

/** Lets time pass while the first attempt is silent, and no longer. */
async function outlast({ seen }: Answer, clock: VirtualClock, events: readonly HoldfastEvent[], first: Platform): Promise<void> {
  const started = (): number => events.filter(({ type }) => type === 'attempt-started').length;
  const isSilent = (): boolean => first.wire.length > 0 && (first.claude.requests[0]?.fault?.connection === 'stall' || seen() > 0);
  while (started() < 2) {
    await new Promise((resolve) => setImmediate(resolve));
    if (isSilent() && started() < 2) clock.advance(250);
  }
}
