import { describe, expect, it } from 'vitest';
import { decide, type DecideInput } from './decide.ts';
import type { Verdict } from './verdict.ts';

const overloaded: Verdict = {
  kind: 'overloaded',
  retry: 'here',
  scope: 'model',
  countsAs: 'failure',
  billed: 'no',
  reason: 'overloaded_error',
  action: '',
};
const badAnswer: Verdict = { ...overloaded, kind: 'bad-answer', scope: 'request' };
const input: DecideInput = {
  verdict: overloaded,
  attempts: 1,
  maxAttempts: 3,
  elsewhere: false,
  here: true,
  delayMs: 800,
  maxRetryAfterMs: 60_000,
  remainingMs: Infinity,
  estimateMs: 0,
  budget: true,
};

describe('decide', () => {
  const rows: [what: string, change: Partial<DecideInput>, expected: ReturnType<typeof decide>][] = [
    ['repeats here after the backoff', {}, { type: 'retry', where: 'here', delayMs: 800 }],
    ['goes elsewhere at once when another target can answer', { elsewhere: true }, { type: 'retry', where: 'elsewhere', delayMs: 0 }],
    ['goes elsewhere with an empty budget', { elsewhere: true, budget: false }, { type: 'retry', where: 'elsewhere', delayMs: 0 }],
    [
      'goes elsewhere instead of sleeping a long hint',
      { elsewhere: true, verdict: { ...overloaded, waitMs: 86_400_000 } },
      { type: 'retry', where: 'elsewhere', delayMs: 0 },
    ],
    [
      'asks again here when only this one request failed',
      { elsewhere: true, verdict: badAnswer },
      { type: 'retry', where: 'here', delayMs: 800 },
    ],
    [
      'never repeats what cannot succeed',
      { verdict: { ...overloaded, retry: 'never' }, elsewhere: true },
      { type: 'give-up', reason: 'permanent' },
    ],
    [
      'gives up when only another target could help and there is none',
      { verdict: { ...overloaded, retry: 'elsewhere' } },
      { type: 'give-up', reason: 'permanent' },
    ],
    [
      'takes a dead key elsewhere',
      { verdict: { ...overloaded, retry: 'elsewhere', scope: 'account' }, elsewhere: true },
      { type: 'retry', where: 'elsewhere', delayMs: 0 },
    ],
    ['stops after the last attempt', { attempts: 3 }, { type: 'give-up', reason: 'attempts' }],
    ['stops after the last attempt elsewhere too', { attempts: 3, elsewhere: true }, { type: 'give-up', reason: 'attempts' }],
    ['never sleeps a hint beyond the limit', { verdict: { ...overloaded, waitMs: 60_001 } }, { type: 'give-up', reason: 'hint-too-long' }],
    [
      'sleeps a hint at the limit',
      { verdict: { ...overloaded, waitMs: 60_000 }, delayMs: 60_000 },
      { type: 'retry', where: 'here', delayMs: 60_000 },
    ],
    ['starts nothing that cannot fit before the deadline', { remainingMs: 799 }, { type: 'give-up', reason: 'deadline' }],
    ['starts what just fits', { remainingMs: 1_100, estimateMs: 300 }, { type: 'retry', where: 'here', delayMs: 800 }],
    [
      'starts elsewhere what just fits',
      { elsewhere: true, remainingMs: 300, estimateMs: 300 },
      { type: 'retry', where: 'elsewhere', delayMs: 0 },
    ],
    [
      'takes a request elsewhere that only another account can serve',
      { elsewhere: true, verdict: { ...badAnswer, retry: 'elsewhere' } },
      { type: 'retry', where: 'elsewhere', delayMs: 0 },
    ],
    ['leaves room for the attempt itself', { remainingMs: 1_000, estimateMs: 300 }, { type: 'give-up', reason: 'deadline' }],
    [
      'leaves room for the attempt elsewhere',
      { elsewhere: true, remainingMs: 100, estimateMs: 300 },
      { type: 'give-up', reason: 'deadline' },
    ],
    ['respects an empty budget', { budget: false }, { type: 'give-up', reason: 'budget' }],
    ['respects a circuit that opened meanwhile', { here: false }, { type: 'give-up', reason: 'circuit-open' }],
    [
      'does nothing more for a caller who left',
      { verdict: { ...overloaded, kind: 'aborted', retry: 'never' }, elsewhere: true },
      { type: 'give-up', reason: 'aborted' },
    ],
  ];

  it.each(rows)('%s', (_, change, expected) => {
    expect(decide({ ...input, ...change })).toEqual(expected);
  });
});
