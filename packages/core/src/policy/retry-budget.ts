// A token bucket that all calls share: repeating is paid for by calls that succeed, so retries cannot become the load.

import { withDefaults } from './defaults.ts';

export interface RetryBudgetOptions {
  /** Most retries that can be saved up. Default 64: a proxy that restarts cuts many calls at once. */
  readonly capacity?: number | undefined;
  /** Retries available at the start. Default 8: a process that has just begun may be met by the end of somebody else's trouble. */
  readonly initial?: number | undefined;
  /** Retries earned by each success. Default 1: one request in two may fail. */
  readonly ratio?: number | undefined;
  /** Retries earned by time alone, per second, so that a quiet client is not left without. Default 0.05. */
  readonly ratePerSecond?: number | undefined;
}

/** What holds where nothing is set. */
export const retryBudgetDefaults: { readonly [name in keyof RetryBudgetOptions]-?: number } = {
  capacity: 64,
  initial: 8,
  ratio: 1,
  ratePerSecond: 0.05,
};

/**
 * A retry budget, usable alone: `tryTake` before each retry, `deposit` after each success.
 *
 * @example
 * ```ts
 * const budget = new RetryBudget({ ratio: 0.1 });
 * if (budget.tryTake(Date.now())) await retry();
 * ```
 */
export class RetryBudget {
  readonly capacity: number;
  readonly #ratio: number;
  readonly #ratePerMs: number;
  #level: number;
  #at: number | null = null;

  constructor(options: RetryBudgetOptions = {}) {
    const { capacity, initial, ratio, ratePerSecond } = withDefaults(retryBudgetDefaults, options);
    this.capacity = capacity;
    this.#ratio = ratio;
    this.#ratePerMs = ratePerSecond / 1000;
    this.#level = Math.min(capacity, initial);
  }

  /** What is left now, in retries. `now` in milliseconds. */
  levelAt(now: number): number {
    return this.#refill(now);
  }

  /** Takes one retry if there is one. */
  tryTake(now: number, cost = 1): boolean {
    if (this.#refill(now) < cost) return false;
    this.#level -= cost;
    return true;
  }

  /** A call succeeded. */
  deposit(): void {
    this.#level = Math.min(this.capacity, this.#level + this.#ratio);
  }

  #refill(now: number): number {
    const passed = this.#at === null ? 0 : Math.max(0, now - this.#at);
    this.#at = now;
    this.#level = Math.min(this.capacity, this.#level + passed * this.#ratePerMs);
    return this.#level;
  }
}
