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
  join(from: number, now: number, caller: BreakerCaller): Refusal {
    const at = this.#placeFrom(from, caller);
    const refusal = this.offer(from, now, caller);
    if (refusal.place && caller.waited) this.#againAt = at + this.#gapMs;
    else if (refusal.place) this.#nextAt = at + this.#gapMs;
    return refusal;
  }

  /** What `join` would give, without taking it. */
  offer(from: number, now: number, caller: BreakerCaller): Refusal {
    const at = this.#placeFrom(from, caller);
    if (at - now > (caller.patienceMs ?? 0)) return { admitted: false, retryAfterMs: from - now, place: false };
    return { admitted: false, retryAfterMs: at - now, place: true };
  }

  #placeFrom(from: number, { waited = false }: BreakerCaller): number {
    return Math.max(from, waited ? this.#againAt : this.#nextAt);
  }
}
