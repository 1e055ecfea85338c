// How much failing a closed circuit takes: failures spend credit, successes earn it. Synchronous; time is an argument.

import type { BreakerSettings } from './breaker-options.ts';
import { CallRate } from './call-rate.ts';

/** Share of the whole that a circuit has when it closes: what has just failed is believed less. */
const onReturn = 0.2;

/**
 * A random walk between nothing and all: at fewer failures than `failureRate` it drifts up, at more it drifts down and
 * ends. Unlike the rate of a window it weighs evidence: four failures of eight are no proof, and forty of eighty are.
 */
export class Credit {
  readonly #settings: BreakerSettings;
  readonly #rate: CallRate;
  /** What a success earns, so that it breaks even at `failureRate`: at 1, one makes up for everything. */
  readonly #gain: number;
  /** False where no rate opens the circuit: the credit is never spent then. */
  readonly #counts: boolean;
  #left: number;
  /** Calls per millisecond before the trouble, which hides how many would come. 0: there is none. */
  #usualRate = 0;

  constructor(settings: BreakerSettings) {
    const { failureRate, minimumFailures, windowMs } = settings;
    this.#settings = settings;
    this.#rate = new CallRate(windowMs);
    this.#counts = failureRate < 1 && minimumFailures < Infinity;
    this.#gain = failureRate / (1 - failureRate);
    this.#left = this.#whole;
  }

  /** Something was ever counted. */
  counted = false;

  get isSpent(): boolean {
    return this.#counts && this.#left <= 0;
  }

  /** Milliseconds from one call to the next, usually; Infinity when none were counted. */
  get intervalMs(): number {
    return 1 / Math.max(this.#usualRate, this.#rate.perMs);
  }

  get #whole(): number {
    const { minimumFailures, evidenceMs } = this.#settings;
    return Math.max(minimumFailures, evidenceMs * Math.max(this.#usualRate, this.#rate.perMs));
  }

  /** Returns what it earned: nothing when nothing was spent. */
  succeeded(now: number): number {
    this.counted = true;
    this.#rate.count(now);
    const before = this.#left;
    this.#left += this.#gain;
    if (this.#left < this.#whole) return this.#gain;
    this.#left = this.#whole;
    // Nothing of the last trouble is left.
    this.#usualRate = 0;
    return this.#counts ? Math.max(0, this.#left - before) : 0;
  }

  /** `weight`: 1, or less for a weak failure. */
  failed(now: number, weight: number): void {
    this.counted = true;
    this.#rate.count(now);
    this.#left -= weight;
  }

  /** A success that earned so much was none. */
  takeBack(earned: number): void {
    this.#left -= earned;
  }

  /** The circuit opens: remembers how many calls there were before. */
  opened(): void {
    if (this.#usualRate === 0) this.#usualRate = this.#rate.perMs;
  }

  /** The circuit closed. */
  returned(): void {
    this.#left = onReturn * this.#whole;
  }
}
