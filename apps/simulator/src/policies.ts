// The policies that are compared, by name. Holdfast's is what the production code says it is.

import { holdfast, type HoldfastOptions } from '@holdfast/core';
import { breakerPresets, type Backoff, type BreakerSettings, type RetryBudgetOptions, backoff } from '@holdfast/core/policy';

export interface Policy {
  readonly name: string;
  /** Attempts of the loop around the SDK, the first included. */
  readonly attempts: number;
  /** Requests the SDK makes of each attempt: its `maxRetries` and one. 1 where the loop owns all repetition. */
  readonly sdkRequests: number;
  readonly backoff: Backoff;
  /** A longer hint is not slept, milliseconds. */
  readonly maxRetryAfterMs: number;
  readonly budget: RetryBudgetOptions | null;
  readonly breaker: BreakerSettings | null;
  /** A call waits no longer than this for open circuits, milliseconds. */
  readonly circuitWaitMs: number;
  /** Continuations of a broken stream. */
  readonly resumes: number;
  /** Goes to the other targets where the scenario has some. */
  readonly failover: boolean;
  /** Limits of its own, learnt from observed latency, rather than the SDK's timeout alone. */
  readonly adaptive: boolean;
}

const bare: Policy = {
  name: 'no retries',
  attempts: 1,
  sdkRequests: 1,
  backoff: () => 0,
  maxRetryAfterMs: Infinity,
  budget: null,
  breaker: null,
  circuitWaitMs: 0,
  resumes: 0,
  failover: false,
  adaptive: false,
};

/** The guide's loop: 3 retries from 1 s to 60 s with ±10 %, and its breaker, failing over where there is a second region. */
const guide: Policy = {
  ...bare,
  name: 'classic guide',
  attempts: 4,
  backoff: backoff({ jitter: 'ten-percent', baseMs: 1_000, throttledBaseMs: 1_000, capMs: 60_000 }),
  breaker: breakerPresets.classic,
  failover: true,
};

/** Holdfast with `options`, as the production code resolves and describes them; wrong options throw its own error. */
export function holdfastPolicy(name: string, options: HoldfastOptions = {}): Policy {
  const described = holdfast(options).describe();
  return {
    name,
    attempts: described.retry.attempts,
    sdkRequests: 1,
    backoff: backoff(described.retry),
    maxRetryAfterMs: described.retry.maxRetryAfterMs,
    budget: described.budget || null,
    breaker: described.breaker || null,
    circuitWaitMs: described.breaker ? described.breaker.waitMs : 0,
    resumes: described.streams.heal ? described.streams.resumes : 0,
    failover: true,
    adaptive: described.limits.adaptive,
  };
}

export const policies: readonly Policy[] = [
  bare,
  { ...bare, name: 'SDK default', sdkRequests: 3 },
  { ...bare, name: 'SDK maxRetries 10', sdkRequests: 11 },
  guide,
  { ...guide, name: 'classic guide over the SDK', sdkRequests: 3 },
  holdfastPolicy('Holdfast'),
  holdfastPolicy('Holdfast, nobody waits', { breaker: { waitMs: 0 } }),
  holdfastPolicy('Holdfast, classic breaker', { breaker: 'classic' }),
  holdfastPolicy('Holdfast, no breaker', { breaker: false }),
  holdfastPolicy('Holdfast, no budget', { budget: false }),
];

/** https://github.com/anthropics/anthropic-sdk-typescript, `calculateDefaultRetryTimeoutMillis`: 0.5 s to 8 s, less up to a quarter; a hint is slept as it is. */
export const sdkBackoff: Backoff = ({ attempt, random, hintMs }) =>
  hintMs ?? Math.min(8_000, 500 * 2 ** (attempt - 1)) * (1 - 0.25 * random());
