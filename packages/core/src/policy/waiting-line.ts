// Who waits for a circuit, without a list of them: everybody is told when to come, one after the other.

import type { BreakerCaller, Refusal } from './breaker.ts';

/** Between one and the next, milliseconds, at most. */
const longestGapMs = 100;
/** Between one and the next, in usual intervals between calls: those who waited add a quarter to what comes anyway. */
const intervalsApart = 4;

/**
 * Hands out moments. What has waited would otherwise come back all at once, and put down again what has just got up.
 * A place that nobody takes costs nothing, and the line is as long as the patience of those in it. Who came in time and still
 * must wait is not sent to the end of it: for them there is a second line.
 */
export class WaitingLine {
  #nextAt = -Infinity;
  #againAt = -Infinity;
  #gapMs = longestGapMs;

  /** A new line. `intervalMs`: the usual time between two calls. */
  reset(intervalMs: number): void {
    this.#nextAt = -Infinity;
    this.#againAt = -Infinity;
    this.#gapMs = Math.min(longestGapMs, intervalsApart * intervalMs);
  }

  /** A place not before `from`, for whoever has the patience for it. All in milliseconds. */
  join(from: number, now: number, { patienceMs = 0, waited = false }: BreakerCaller): Refusal {
    const at = Math.max(from, waited ? this.#againAt : this.#nextAt);
    if (at - now > patienceMs) return { admitted: false, retryAfterMs: from - now, place: false };
    if (waited) this.#againAt = at + this.#gapMs;
    else this.#nextAt = at + this.#gapMs;
    return { admitted: false, retryAfterMs: at - now, place: true };
  }
}
