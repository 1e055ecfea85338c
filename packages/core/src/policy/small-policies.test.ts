import { describe, expect, it } from 'vitest';
import { backoff, type BackoffJitter } from './backoff.ts';
import { canonicalRequest } from './cache-key.ts';
import { fenceDenial, fenceOfRequest } from './fence.ts';
import type { EndKind } from './endings.ts';
import { rungsFor } from './ladder.ts';
import { Samples } from './latency.ts';
import { limitsFor, rarestMs, type LimitsInput } from './limits.ts';
import { RetryBudget } from './retry-budget.ts';

describe('backoff', () => {
  const delays = (jitter: BackoffJitter, random: number): number[] =>
    [1, 2, 3, 9].map((attempt) => backoff({ jitter })({ attempt, previousMs: attempt === 1 ? 0 : 1_000, random: () => random }));
  it.each<[BackoffJitter, number, number[]]>([
    ['decorrelated', 0, [500, 500, 500, 500]],
    ['decorrelated', 1, [1_500, 3_000, 3_000, 3_000]],
    ['full', 0.5, [250, 500, 1_000, 4_000]],
    ['equal', 0, [250, 500, 1_000, 4_000]],
    ['equal', 1, [500, 1_000, 2_000, 8_000]],
    ['ten-percent', 0, [450, 900, 1_800, 7_200]],
    ['ten-percent', 1, [550, 1_100, 2_200, 8_000]],
    ['none', 0.7, [500, 500, 500, 500]],
  ])('%s at %d', (jitter, random, expected) => {
    expect(delays(jitter, random).map((ms) => Math.round(ms))).toEqual(expected);
  });

  it('begins wider after throttling', () => {
    expect(backoff()({ attempt: 1, throttled: true, random: () => 0 })).toBe(1_000);
  });

  it.each<[string, BackoffJitter, number, number, number]>([
    ['a hint as long as the own delay changes nothing', 'none', 0.5, 500, 500],
    ['a longer one is a floor, and the base spreads behind it', 'none', 0.5, 700, 950],
    ['not even the cap is above it', 'none', 1, 30_000, 30_500],
    ['a hint shorter than the base is spread by its own length', 'full', 0.1, 100, 110],
  ])('%s', (_, jitter, random, hintMs, expected) => {
    expect(backoff({ jitter })({ attempt: 1, random: () => random, hintMs })).toBe(expected);
  });
});

describe('the retry budget', () => {
  it('is spent by retries, earned by successes and by time, and never beyond its capacity', () => {
    const budget = new RetryBudget({ capacity: 3, initial: 1, ratio: 0.75, ratePerSecond: 1 });
    expect([budget.tryTake(0), budget.tryTake(0)]).toEqual([true, false]);
    budget.deposit();
    expect(budget.tryTake(0)).toBe(false);
    budget.deposit();
    expect(budget.tryTake(0)).toBe(true);
    expect(budget.levelAt(2_000)).toBe(2.5);
    expect(budget.levelAt(60_000)).toBe(3);
  });

  it('takes no harm from a clock that goes back', () => {
    const budget = new RetryBudget({ initial: 1 });
    budget.levelAt(10_000);
    expect(budget.levelAt(0)).toBe(1);
  });
});

describe('samples', () => {
  it('know no quantile before there are 16, and then that of the last 64', () => {
    const samples = new Samples();
    for (let i = 1; i <= 15; i += 1) samples.add(i);
    expect(samples.quantile(0.5)).toBeUndefined();
    for (let i = 1; i <= 64; i += 1) samples.add(1_000 + i);
    expect(samples.quantile(0)).toBe(1_001);
    expect(samples.quantile(0.5)).toBe(1_033);
    expect(samples.quantile(1)).toBe(1_064);
  });

  const filled = (...values: number[]): Samples => {
    const samples = new Samples();
    for (const value of values) samples.add(value);
    return samples;
  };
  const sixteen = Array.from({ length: 16 }, (_, i) => 100 + i);
  const descending = Array.from({ length: 64 }, (_, i) => 64 - i);

  it('are known from the sixteenth on, and hold nothing that was not added', () => {
    expect([0, 0.5, 1].map((share) => filled(...sixteen).quantile(share))).toEqual([100, 108, 115]);
  });

  it('are no times that cannot be; none at all is one', () => {
    expect(filled(NaN, Infinity, -1, -0.5).count).toBe(0);
    expect(filled(0).count).toBe(1);
  });

  it('forget the oldest, not the smallest', () => {
    const samples = filled(...descending);
    expect([samples.quantile(0), samples.quantile(1)]).toEqual([1, 64]);
    for (let i = 0; i < 8; i += 1) samples.add(30);

    expect([samples.quantile(0), samples.quantile(1)]).toEqual([1, 56]);
  });

  it('follow with every eighth that is added, which is when they are sorted again', () => {
    const samples = filled(...sixteen);
    const maxima = [samples.quantile(1)];
    for (let i = 0; i < 16; i += 1) {
      samples.add(1_000 + i);
      maxima.push(samples.quantile(1));
    }

    expect(maxima).toEqual([...Array<number>(8).fill(115), ...Array<number>(8).fill(1_007), 1_015]);
  });

  it('tell quantiles of what there is while there are fewer than 64, looking anew at every eighth', () => {
    const samples = new Samples();
    for (let i = 20; i >= 1; i -= 1) samples.add(i);
    expect([0, 0.5, 1].map((share) => samples.quantile(share))).toEqual([1, 11, 20]);
    for (let i = 0; i < 3; i += 1) samples.add(1_000);
    expect(samples.quantile(1)).toBe(20);
    samples.add(1_000);
    expect(samples.quantile(1)).toBe(1_000);
  });
});

/** 64 samples whose quantiles are those of a log-normal distribution. */
const logNormal = (medianMs: number, sigma: number, random: () => number): number =>
  medianMs * Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));

describe('limits', () => {
  const input: LimitsInput = {
    route: 'messages',
    stream: true,
    sdkTimeoutMs: 600_000,
    elsewhere: () => false,
    remainingMs: Infinity,
    observed: undefined,
    passedMs: 0,
    firstByteMs: undefined,
    idleMs: undefined,
    cloud: false,
  };
  const seen = (ms: number): Samples => {
    const samples = new Samples();
    for (let i = 0; i < 64; i += 1) samples.add(ms);
    return samples;
  };
  it.each<[string, Partial<LimitsInput>, number]>([
    ['a stream begins as soon as it may be silent', {}, 180_000],
    ['longer through other platforms', { cloud: true }, 300_000],
    ['a whole answer may take as long as the SDK allows', { stream: false }, Infinity],
    ['what was observed shortens it', { observed: seen(20_000) }, 40_000],
    ['but not under half a minute', { observed: seen(1) }, 30_000],
    ['nor a minute for a whole answer', { observed: seen(1), stream: false }, 60_000],
    ['what was observed never lengthens it', { observed: seen(500_000) }, 180_000],
    ['who was cut once gets twice the time', { observed: seen(1), passedMs: 30_000 }, 60_000],
    ['a timeout of the caller’s own is all there is', { sdkTimeoutMs: 3_600_000, observed: seen(1) }, Infinity],
    ['a short one too', { sdkTimeoutMs: 5 }, Infinity],
    ['unless somebody else can answer', { sdkTimeoutMs: 1_000, elsewhere: () => true }, 900],
    ['the user’s limit wins', { firstByteMs: 7 }, 7],
    ['other routes get the caller’s timeout and nothing else', { route: 'other', firstByteMs: 7, observed: seen(1) }, Infinity],
  ])('%s', (_, change, expected) => {
    expect(limitsFor({ ...input, ...change }).firstByteMs).toBe(expected);
  });

  it('do not watch the silence of other routes', () => {
    expect(limitsFor({ ...input, route: 'other', idleMs: 5 }).idleMs).toBe(0);
  });

  it('learned from healthy answers cut fewer than one in 10,000 of them', () => {
    let state = 7;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 4_294_967_296;
    };
    for (const sigma of [0.2, 0.6, 1, 1.4]) {
      let cut = 0;
      for (let round = 0; round < 200; round += 1) {
        const samples = new Samples();
        for (let i = 0; i < 64 + round; i += 1) samples.add(logNormal(60_000, sigma, random));
        const limitMs = rarestMs(samples) as number;
        for (let i = 0; i < 500; i += 1) if (logNormal(60_000, sigma, random) > limitMs) cut += 1;
      }
      expect(cut, `sigma ${sigma}`).toBeLessThanOrEqual(10);
    }
  });

  it('allow more silence through other platforms', () => {
    expect([limitsFor(input).idleMs, limitsFor({ ...input, cloud: true }).idleMs, limitsFor({ ...input, idleMs: 0 }).idleMs]).toEqual([
      180_000, 300_000, 0,
    ]);
  });
});

describe('the fence', () => {
  const place = { geo: 'eu', processor: 'aws' };
  it.each<[string, Parameters<typeof fenceDenial>[1], string | null]>([
    ['no fence', [undefined], null],
    ['inside', [{ geo: ['us', 'eu'], processor: ['aws'] }], null],
    ['outside of the geography', [{ geo: ['us'] }], 'geo eu'],
    ['outside of the processors', [{ processor: ['anthropic'] }], 'processor aws'],
    ['outside of one of several', [{ geo: ['eu'] }, { geo: ['us'] }], 'geo eu'],
    ['an empty list allows nothing', [{ geo: [] }], 'geo eu'],
  ])('%s', (_, fences, expected) => {
    expect(fenceDenial(place, fences)).toBe(expected);
  });

  it('a place that does not say where it is lies outside', () => {
    expect(fenceDenial({ geo: null, processor: null }, [{ geo: ['us'] }])).toBe('geo unknown');
    expect(fenceDenial({ geo: null, processor: null }, [{ processor: ['us'] }])).toBe('processor unknown');
  });

  it('nor does a list that nobody checked let it in', () => {
    const list = [null] as unknown as string[];

    expect(fenceDenial({ geo: null, processor: null }, [{ geo: list }])).toBe('geo unknown');
    expect(fenceDenial({ geo: null, processor: null }, [{ processor: list }])).toBe('processor unknown');
  });

  it('a request may carry one', () => {
    expect([
      fenceOfRequest({ inference_geo: 'us' }),
      fenceOfRequest({ inference_geo: 'global' }),
      fenceOfRequest({}),
      fenceOfRequest(null),
    ]).toEqual([{ geo: ['us'] }, undefined, undefined, undefined]);
  });
});

describe('the ladder', () => {
  const available = { speed: true, model: true, cache: true, answer: true };
  it.each<[EndKind, string]>([
    ['overloaded', 'speed model cache answer'],
    ['rate-limited', 'speed model cache answer'],
    ['circuit-open', 'speed model cache answer'],
    ['upstream-error', 'model cache answer'],
    ['timeout', 'model cache answer'],
    ['bad-answer', 'model cache answer'],
    ['stream-broken', 'model cache answer'],
    ['unreachable', 'cache answer'],
    ['account-state', 'cache answer'],
    ['no-target', 'cache answer'],
    ['credentials', 'cache answer'],
    ['local-error', ''],
    ['unsupported', ''],
    ['billing', 'cache answer'],
    ['auth', 'cache answer'],
    ['deadline', 'cache answer'],
    ['invalid-request', ''],
    ['too-large', ''],
    ['not-found', ''],
    ['permission', ''],
    ['conflict', ''],
    ['aborted', ''],
    ['thread-state', ''],
    ['shutting-down', ''],
  ])('%s leads to: %s', (cause, expected) => {
    expect(rungsFor({ cause, available, lowest: undefined }).join(' ')).toBe(expected);
  });

  it('ends where it is capped, and leaves out what is not there', () => {
    expect(rungsFor({ cause: 'overloaded', available, lowest: 'model' })).toEqual(['speed', 'model']);
    expect(rungsFor({ cause: 'overloaded', available, lowest: 'never' })).toEqual([]);
    expect(rungsFor({ cause: 'overloaded', available: { ...available, model: false }, lowest: undefined })).toEqual([
      'speed',
      'cache',
      'answer',
    ]);
  });
});

describe('the canonical request', () => {
  it('is the same for the same request, whatever the order of its keys and the marks beside it', () => {
    expect(canonicalRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }] }, null)).toBe(
      canonicalRequest({ stream: true, metadata: { user_id: 'u' }, messages: [{ content: 'x', role: 'user' }], model: 'm' }, null),
    );
  });

  it.each(['stream', 'metadata', 'service_tier', 'speed', 'inference_geo', 'cache_control'])('does not depend on %s', (name) => {
    expect(canonicalRequest({ a: 1, [name]: 'x' }, null)).toBe(canonicalRequest({ a: 1 }, null));
  });

  it('does not depend on marks for the prompt cache, wherever they are', () => {
    const marked = { a: [{ cache_control: { type: 'ephemeral' }, b: 1 }] };

    expect(canonicalRequest(marked, null)).toBe(canonicalRequest({ a: [{ b: 1 }] }, null));
  });

  it('differs in everything that matters', () => {
    const texts = [
      canonicalRequest({ a: [1, 2] }, null),
      canonicalRequest({ a: [2, 1] }, null),
      canonicalRequest({ a: { 0: 1, 1: 2 } }, null),
      canonicalRequest({ a: { stream: true } }, null),
      canonicalRequest({ a: {} }, null),
      canonicalRequest({ a: null }, null),
      canonicalRequest({ a: [1, 2] }, 'null'),
      canonicalRequest({ a: [1, 2] }, ''),
      canonicalRequest({ a: [1, 2], system: 's' }, null),
      canonicalRequest(JSON.parse('{"a":[1,2],"__proto__":{"x":1}}') as Record<string, unknown>, null),
    ];
    expect(new Set(texts).size).toBe(texts.length);
  });
});
