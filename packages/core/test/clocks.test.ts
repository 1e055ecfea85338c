// What is measured is measured on a clock that only goes forward; what names a date is read by the date. Both may differ by any amount.

import Anthropic from '@anthropic-ai/sdk';
import { fakeClaude, VirtualClock } from '@holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { currentScope, deadlineOn, runInScope } from '../src/http/scope.ts';
import { callOptions, holdfast, systemClock, type Clock } from '../src/index.ts';
import { forwardOnly } from '../src/time.ts';
import { twoTargets } from './two-targets.ts';
import { request, world } from './world.ts';

const hour = 3_600_000;
const jumps: [string, number][] = [
  ['set back an hour', -hour],
  ['set forward an hour', hour],
  ['set back a day', -24 * hour],
];

/** Virtual time whose date can be set. `dated`: its `wall` is the date; else its `now` is, as in clocks that know no better. */
function settable(dated: boolean): { clock: VirtualClock; seen: Clock; set: (byMs: number) => void } {
  const clock = new VirtualClock();
  let offset = 0;
  const date = (): number => clock.now() + offset;
  const after = (ms: number, callback: () => void): (() => void) => clock.after(ms, callback);
  return {
    clock,
    seen: dated ? { now: () => clock.now(), wall: date, after } : { now: date, after },
    set: (byMs) => (offset = byMs),
  };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the machine’s clock', () => {
  it.each(jumps)('goes on when the date is %s', (_, byMs) => {
    const real = Date.now;
    const before = systemClock.now();
    vi.spyOn(Date, 'now').mockImplementation(() => real() + byMs);

    const passed = systemClock.now() - before;

    expect(passed).toBeGreaterThanOrEqual(0);
    expect(passed).toBeLessThan(60_000);
    expect(Math.abs(systemClock.wall() - systemClock.now() - byMs)).toBeLessThan(60_000);
  });

  it('has whole milliseconds near the date', () => {
    expect(Number.isInteger(systemClock.now())).toBe(true);
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(60_000);
  });
});

it('a clock of somebody else that is set back goes on from where it was', () => {
  let date = 1_000;
  const clock = forwardOnly({ now: () => date, after: () => () => {} });
  expect(clock.now()).toBe(1_000);
  date = 400;
  expect(clock.now()).toBe(1_000);
  date = 450;
  expect(clock.now()).toBe(1_050);
  date = 100;
  expect(clock.now()).toBe(1_050);
  date = 2_000;
  expect(clock.now()).toBe(2_950);
  expect(clock.wall?.()).toBe(2_000);
});

describe.each<[string, boolean]>([
  ['a clock with a date of its own', true],
  ['a clock that is the date', false],
])('%s', (_, dated) => {
  // Nothing tells time that jumped forward from time that passed, unless there are two clocks.
  const possible = dated ? jumps : jumps.filter(([, byMs]) => byMs < 0);

  it.each(possible)('%s: a target rests as long as it was told to', async (_name, byMs) => {
    const { clock, seen, set } = settable(dated);
    const it = await twoTargets({ clock: seen });
    it.primary.claude.script({ status: 429, headers: { 'retry-after': '30' } });
    await it.client.messages.create(request);
    set(byMs);

    const until = it.hold.health().targets[0]?.throttledUntil as number;
    expect(until - (seen.wall ?? seen.now)()).toBeLessThanOrEqual(30_000);
    await it.client.messages.create(request);
    clock.advance(31_000);
    await it.client.messages.create(request);

    expect(it.primary.claude.requests).toHaveLength(2);
    expect(it.second.claude.requests).toHaveLength(2);
    await it.close();
  });

  it.each(possible)('%s: a stream ends at its deadline, after one request', async (_name, byMs) => {
    const { clock, seen, set } = settable(dated);
    const { claude, client, hold, close } = await world({ holdfast: { clock: seen } });
    claude.script('stall-mid-stream');
    let begun = (): void => {};
    const started = new Promise<void>((resolve) => (begun = resolve));
    const stream = client.messages.stream(request, callOptions({ deadlineMs: 1_000, requestId: 'late' }));
    stream.on('text', () => begun());
    const ended = stream.finalMessage().catch((error: unknown) => error);
    await started;
    set(byMs);
    await clock.advanceAsync(1_000);

    expect(await ended).toMatchObject({ errorCode: 'holdfast_deadline' });
    expect(claude.requests).toHaveLength(1);
    expect(hold.attempts('late')?.durationMs).toBe(1_000);
    await close();
  });
});

it('a date in retry-after is a date', async () => {
  const { clock, seen, set } = settable(true);
  set(hour);
  const claude = await fakeClaude();
  claude.script({ status: 503, headers: { 'retry-after': new Date(clock.now() + hour + 5_000).toUTCString() } });
  const hold = holdfast({ clock: seen, random: () => 0 });
  const client = new Anthropic({ baseURL: claude.url, apiKey: 'k', fetch: claude.fetch, middleware: [hold] });
  const before = clock.now();

  await clock.until(client.messages.create(request, callOptions({ requestId: 'dated' })));

  expect(clock.now() - before).toBe(5_000);
  expect(hold.attempts('dated')?.attempts[0]?.retryAfterMs).toBe(5_000);
  await claude.close();
});

it('an answer in the cache is as old as its date says', async () => {
  const { seen, set } = settable(true);
  const store = new Map<string, string>();
  const { claude, client, close } = await world({ holdfast: { clock: seen, cache: { store } } });
  await client.messages.create(request);
  set(25 * hour);
  claude.always('reset');

  await expect(client.messages.create(request)).rejects.toThrow();
  set(23 * hour);
  expect((await client.messages.create(request).withResponse()).response.headers.get('holdfast-age')).toBe(String(23 * 3600));
  await close();
});

describe('the deadline of a scope', () => {
  const real = Date.now;
  const inScope = (byMs: number): number =>
    runInScope({ deadlineMs: 30_000 }, () =>
      runInScope({ deadlineMs: 60_000 }, () => {
        vi.spyOn(Date, 'now').mockImplementation(() => real() + byMs);
        return deadlineOn(systemClock, currentScope()) - systemClock.now();
      }),
    );

  it.each(jumps)('is not moved by a date that is %s', (_, byMs) => {
    const left = inScope(byMs);

    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(30_000);
  });

  it('is a date for a clock of its own', () => {
    const { clock, seen, set } = settable(true);
    set(hour);

    const at = runInScope({ deadlineAt: clock.now() + hour + 500 }, () => deadlineOn(seen, currentScope()));

    expect(at - clock.now()).toBe(500);
  });
});
