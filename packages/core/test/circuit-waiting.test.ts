// A call that finds the circuit open, and has nobody else to ask, waits for it a little.

import Anthropic from '@anthropic-ai/sdk';
import { VirtualClock } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { callOptions, type HoldfastOptions } from '../src/index.ts';
import { twoTargets } from './two-targets.ts';
import { request, world, type World } from './world.ts';

const outcome = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

/** A circuit that opened just now, for a second. */
async function opened(options: HoldfastOptions = {}, answersAfterMs = 0): Promise<World & { clock: VirtualClock }> {
  const clock = new VirtualClock();
  const breaker = { openMs: 1_000, maxOpenMs: 8_000, ...(typeof options.breaker === 'object' ? options.breaker : {}) };
  const made: World = await world({
    holdfast: { clock, retry: false, ...options, breaker: typeof options.breaker === 'string' ? options.breaker : breaker },
    client: {
      fetch: async (url, init) => {
        const response = await made.claude.fetch(url, init);
        if (response.ok && answersAfterMs > 0) await new Promise<void>((resolve) => void clock.after(answersAfterMs, resolve));
        return response;
      },
    },
  });
  made.claude.always('overloaded');
  for (let call = 0; call < 5; call += 1)
    await clock.until(outcome(made.client.messages.create(request, callOptions({ degrade: 'never' }))));
  made.claude.always(null);
  made.events.length = 0;
  return { ...made, clock };
}

const circuit = ({ hold }: World): unknown => Object.values(hold.health().targets[0]?.circuits ?? {});

describe('a call that finds the circuit open', () => {
  it('waits until it may ask, and is answered', async () => {
    const it = await opened();
    const before = it.clock.now();

    const message = await it.clock.until(it.client.messages.create(request));

    expect(it.clock.now() - before).toBe(1_000);
    expect(it.claude.requests).toHaveLength(6);
    expect(it.hold.attempts(message)?.attempts).toMatchObject([{ number: 1, purpose: 'first', waitedMs: 1_000, result: 'success' }]);
    expect(it.events.filter(({ type }) => type === 'turn-awaited')).toMatchObject([{ target: 'primary', waitMs: 1_000 }]);
    expect(it.events.some(({ type }) => type === 'attempt-refused')).toBe(false);
    await it.close();
  });

  it('waits no longer than waitMs in all, and fails with the reason and when to try again', async () => {
    const it = await opened({ breaker: { waitMs: 2_500 } });
    it.claude.always('overloaded');
    const before = it.clock.now();
    // The first to come is the probe that fails; the circuit then stays open for 2 s, which is more than the second still has.
    const [probe, waiting] = await it.clock.until(
      Promise.all([outcome(it.client.messages.create(request)), outcome(it.client.messages.create(request))]),
    );

    expect(probe).toBeInstanceOf(Anthropic.APIError);
    expect(waiting).toMatchObject({ status: 503, errorCode: 'holdfast_circuit_open', details: { retry_after_ms: 1_900 } });
    expect(it.clock.now() - before).toBe(1_100);
    expect(it.events.filter(({ type }) => type === 'attempt-refused')).toMatchObject([{ reason: 'circuit-open' }]);
    await it.close();
  });

  it.each([
    ['waitMs is 0', { breaker: { waitMs: 0 } }],
    ['the breaker is the classic one', { breaker: 'classic' }],
  ] as const)('fails at once when %s', async (_, options) => {
    const it = await opened(options);
    const before = it.clock.now();

    const error = await outcome(it.client.messages.create(request));

    expect(error).toMatchObject({ errorCode: 'holdfast_circuit_open' });
    expect(it.clock.now()).toBe(before);
    await it.close();
  });

  it('does not wait beyond its deadline', async () => {
    const it = await opened();
    const before = it.clock.now();

    const error = await outcome(it.client.messages.create(request, callOptions({ deadlineMs: 1_000 })));
    const message = await it.clock.until(it.client.messages.create(request, callOptions({ deadlineMs: 1_200 })));

    expect(error).toMatchObject({ errorCode: 'holdfast_circuit_open' });
    expect(message.role).toBe('assistant');
    expect(it.clock.now() - before).toBe(1_000);
    await it.close();
  });

  it('is gone, with its timer, when its caller leaves', async () => {
    const it = await opened();
    const leaving = new AbortController();
    const waiting = outcome(it.client.messages.create(request, { signal: leaving.signal }));
    await it.clock.advanceAsync(0);
    expect(it.clock.pending).toBe(1);

    leaving.abort();

    expect(await waiting).toBeInstanceOf(Anthropic.APIUserAbortError);
    expect(it.clock.pending).toBe(0);
    expect(it.claude.requests).toHaveLength(5);
    // Its place costs nobody anything: the next one is the probe.
    await it.clock.until(it.client.messages.create(request));
    expect(it.claude.requests).toHaveLength(6);
    await it.close();
  });

  it('goes one after the other with the others: one probe at a time, and no stampede once it is closed', async () => {
    const it = await opened();
    const sentAt: number[] = [];
    it.hold.on((event) => {
      if (event.type === 'attempt-started') sentAt.push(event.at);
    });
    const before = it.clock.now();

    const answers = await it.clock.until(Promise.all(Array.from({ length: 30 }, () => outcome(it.client.messages.create(request)))));

    expect(answers.every((answer) => !(answer instanceof Error))).toBe(true);
    expect(circuit(it)).toEqual(['closed']);
    const times = sentAt.map((at) => at - before);
    expect(times[0]).toBe(1_000);
    expect(Math.max(...times)).toBeLessThanOrEqual(5_000);
    for (const [index, time] of times.entries()) if (index > 0) expect(time - (times[index - 1] as number)).toBeGreaterThanOrEqual(100);
    await it.close();
  });

  it('is told at once when the line is longer than its patience', async () => {
    const it = await opened();

    const answers = await it.clock.until(Promise.all(Array.from({ length: 100 }, () => outcome(it.client.messages.create(request)))));

    // From the first second to the fifth, ten a second.
    expect(answers.filter((answer) => answer instanceof Error)).toHaveLength(59);
    await it.close();
  });
});

describe('whole answers that take half a minute', () => {
  it('do not keep everybody out until the first of them is there', async () => {
    const it = await opened({}, 30_000);
    const calls: Promise<unknown>[] = [];
    for (let second = 0; second < 10; second += 1) {
      calls.push(outcome(it.client.messages.create(request)));
      await it.clock.advanceAsync(1_000);
    }

    expect(circuit(it)).toEqual(['closed']);
    const answers = await it.clock.until(Promise.all(calls));
    expect(answers.filter((answer) => answer instanceof Error)).toEqual([]);
    await it.close();
  });
});

describe('nobody waits', () => {
  it('when a fallback model can answer', async () => {
    const it = await opened({ fallbacks: ['claude-haiku-5-5'] });
    const before = it.clock.now();

    const message = await it.client.messages.create(request);

    expect(it.hold.attempts(message)?.degraded).toBe('model:claude-haiku-5-5');
    expect(it.clock.now()).toBe(before);
    await it.close();
  });

  it('before everything else was tried: an empty cache is no answer', async () => {
    const it = await opened({ cache: { store: new Map<string, string>() as never } });
    const before = it.clock.now();

    const message = await it.clock.until(it.client.messages.create(request));

    expect(it.hold.attempts(message)?.degraded).toBeNull();
    expect(it.clock.now() - before).toBe(1_000);
    await it.close();
  });

  it('when another target can answer', async () => {
    const { clock, primary, client, hold, close } = await twoTargets({ retry: false });
    primary.claude.always('overloaded');
    for (let call = 0; call < 8; call += 1) await clock.until(client.messages.create(request));
    const before = clock.now();

    const message = await client.messages.create(request);

    expect(hold.attempts(message)?.attempts).toMatchObject([{ target: 'second' }]);
    expect(clock.now()).toBe(before);
    await close();
  });
});

describe('a broken stream', () => {
  it('waits for its circuit too, and goes on', async () => {
    const clock = new VirtualClock();
    const { claude, client, hold, close } = await world({ holdfast: { clock, breaker: { consecutiveFailures: 1, openMs: 1_000 } } });
    claude.script('cut-mid-stream');

    const message = await clock.until(client.messages.stream(request).finalMessage());

    expect(message.stop_reason).toBe('end_turn');
    expect(hold.attempts(message)?.attempts).toMatchObject([
      { result: 'stream-broken' },
      { purpose: 'resume', waitedMs: 1_000, result: 'success' },
    ]);
    await close();
  });
});
