// Who waits for a circuit, without a list of them: everybody is told when to come, one after the other.

import type { Refusal } from './breaker.ts';

/** Between one and the next, milliseconds, at most. */
const longestGapMs = 100;
/** Between one and the next, in usual intervals between calls: those who waited add a quarter to what comes anyway. */
const intervalsApart = 4;

/**
 * Hands out moments. What has waited would otherwise come back all at once, and put down again what has just got up.
 * A place that nobody takes costs nothing, and the line is as long as the patience of those in it.
 */
export class WaitingLine {
  #nextAt = -Infinity;
  #gapMs = longestGapMs;

  /** A new line. `intervalMs`: the usual time between two calls. */
  reset(intervalMs: number): void {
    this.#nextAt = -Infinity;
    this.#gapMs = Math.min(longestGapMs, intervalsApart * intervalMs);
  }

  /** A place not before `from`, for whoever has the patience for it. All in milliseconds. */
  join(from: number, now: number, patienceMs: number): Refusal {
    const at = Math.max(from, this.#nextAt);
    if (at - now > patienceMs) return { admitted: false, retryAfterMs: from - now, place: false };
    this.#nextAt = at + this.#gapMs;
    return { admitted: false, retryAfterMs: at - now, place: true };
  }
}
