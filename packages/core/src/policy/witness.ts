// What a failed attempt says about its target to everybody else: nothing, where the trouble may be the caller's own.

import type { Outcome } from './outcome.ts';
import type { Verdict } from './verdict.ts';

export interface Testimony {
  readonly outcome: Outcome;
  readonly verdict: Verdict;
  /** How long the attempt took, milliseconds. */
  readonly tookMs: number;
  /** The same call has failed at this target before. */
  readonly repeated: boolean;
}

/** A caller in such a hurry has not waited long enough to say that a target is silent. Milliseconds. */
const hurryMs = 10_000;

/**
 * The verdict as the target's circuit and health get it. A short timeout or deadline is the caller's own. Answers that only
 * this request gets count once per call: three attempts of one call are not three witnesses.
 */
export function witness({ outcome, verdict, tookMs, repeated }: Testimony): Verdict {
  const hurried = outcome.type === 'limit' && outcome.limit !== 'idle' && tookMs < hurryMs;
  const sameAgain = repeated && verdict.scope === 'request';
  return (hurried || sameAgain) && verdict.countsAs !== 'success' ? { ...verdict, countsAs: 'neutral' } : verdict;
}
