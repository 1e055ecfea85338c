// A circuit breaker for any function, for those who want only that.

import { Breaker, type BreakerStateName, type Permit, type Refusal } from '../policy/breaker.ts';
import type { BreakerOptions } from '../policy/breaker-options.ts';
import type { CountsAs } from '../policy/verdict.ts';
import { forwardOnly, systemClock, systemRandom, type Clock, type Random } from '../time.ts';

export interface CircuitBreakerOptions extends BreakerOptions {
  /** What an error says about the health of the thing called. Default: `'failure'` for every error. */
  readonly classify?: (error: unknown) => CountsAs;
  /** Called when the state changes. */
  readonly onChange?: (from: BreakerStateName, to: BreakerStateName) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Thrown instead of calling while the circuit is open. Has no stack: refusing must cost less than asking. */
export class CircuitOpenError extends Error {
  readonly code = 'holdfast_circuit_open';
  /** Milliseconds until it is worth trying again. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super('The circuit is open.');
    Error.stackTraceLimit = limit;
    this.name = 'CircuitOpenError';
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Stops calling what keeps failing, and tries it again carefully.
 *
 * @example
 * ```ts
 * const breaker = new CircuitBreaker({ consecutiveFailures: 5, openMs: 60_000 });
 * const answer = await breaker.execute(() => fetch(url));
 * ```
 */
export class CircuitBreaker {
  readonly #breaker: Breaker;
  readonly #classify: (error: unknown) => CountsAs;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(options: CircuitBreakerOptions = {}) {
    const { classify, onChange, clock, random, ...breaker } = options;
    this.#breaker = new Breaker(breaker, onChange);
    this.#classify = classify ?? (() => 'failure');
    this.#clock = forwardOnly(clock ?? systemClock);
    this.#random = random ?? systemRandom;
  }

  get state(): BreakerStateName {
    return this.#breaker.stateAt(this.#clock.now());
  }

  /**
   * Calls `fn` if the circuit allows it.
   *
   * @returns what `fn` returns
   * @throws {CircuitOpenError} while open; otherwise what `fn` throws
   */
  async execute<T>(fn: () => Promise<T> | T): Promise<T> {
    const permit = this.admit();
    if (!permit.admitted) throw new CircuitOpenError(permit.retryAfterMs);
    try {
      const result = await fn();
      this.settle(permit, 'success');
      return result;
    } catch (error) {
      this.settle(permit, this.#judgement(error));
      throw error;
    }
  }

  /** A `classify` that throws must not hide the error it was asked about. */
  #judgement(error: unknown): CountsAs {
    try {
      return this.#classify(error);
    } catch {
      return 'failure';
    }
  }

  /** For callers with a life of their own, such as streams: `settle` the permit exactly once. */
  admit(): Permit | Refusal {
    return this.#breaker.isClosed ? this.#breaker.admitClosed() : this.#breaker.admit(this.#clock.now(), this.#random);
  }

  settle(permit: Permit, countsAs: CountsAs): void {
    this.#breaker.settle(permit, countsAs, this.#clock.now(), this.#random);
  }
}
