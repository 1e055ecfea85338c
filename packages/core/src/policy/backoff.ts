// How long to wait before asking the same target again.

import type { Random } from '../time.ts';
import { withDefaults } from './defaults.ts';

/**
 * How delays are spread.
 * `decorrelated`: between the base and three times the previous delay; spreads clients best.
 * `full`: between nothing and the exponential delay. `equal`: its upper half.
 * `ten-percent`: the exponential delay ±10 %, the classic advice; keeps clients in step.
 * `none`: always the base.
 */
export type BackoffJitter = 'decorrelated' | 'full' | 'equal' | 'ten-percent' | 'none';

export interface BackoffOptions {
  /** Default `'decorrelated'`. */
  readonly jitter?: BackoffJitter | undefined;
  /** Shortest delay, milliseconds. Default 500, as in the SDK. */
  readonly baseMs?: number | undefined;
  /** Shortest delay after 429 and 529, milliseconds. Default 1000, as in AWS's SDKs of 2026. */
  readonly throttledBaseMs?: number | undefined;
  /** Longest delay of our own choosing, milliseconds. Default 8000, as in the SDK. */
  readonly capMs?: number | undefined;
}

/** What holds where nothing is set. */
export const backoffDefaults: { readonly [name in keyof BackoffOptions]-?: NonNullable<BackoffOptions[name]> } = {
  jitter: 'decorrelated',
  baseMs: 500,
  throttledBaseMs: 1_000,
  capMs: 8_000,
};

export interface BackoffInput {
  /** Attempts made so far; 1 after the first failure. */
  readonly attempt: number;
  /** The delay before the attempt that failed, milliseconds; 0 before the first. */
  readonly previousMs?: number | undefined;
  /** The failure was a 429 or 529. */
  readonly throttled?: boolean | undefined;
  readonly random: Random;
  /** The server's own hint, milliseconds: a floor, above the cap if need be. */
  readonly hintMs?: number | undefined;
}

/** Milliseconds to wait. */
export type Backoff = (input: BackoffInput) => number;

/** Makes a backoff from options. The result is finite and never below the hint. */
export function backoff(options: BackoffOptions = {}): Backoff {
  const { jitter, baseMs, throttledBaseMs, capMs } = withDefaults(backoffDefaults, options);
  return ({ attempt, previousMs = 0, throttled = false, random, hintMs = 0 }) => {
    const base = throttled ? throttledBaseMs : baseMs;
    const own = Math.min(capMs, spread(jitter, base, capMs, attempt, previousMs, random));
    // A hint names the first moment that can succeed; everybody got the same one, so the wait is spread behind it.
    return hintMs > own ? hintMs + random() * Math.min(base, hintMs) : own;
  };
}

function spread(jitter: BackoffJitter, base: number, cap: number, attempt: number, previous: number, random: Random): number {
  const exponential = Math.min(cap, base * 2 ** (attempt - 1));
  switch (jitter) {
    case 'decorrelated':
      return base + random() * Math.max(0, Math.max(previous, base) * 3 - base);
    case 'full':
      return random() * exponential;
    case 'equal':
      return exponential / 2 + (random() * exponential) / 2;
    case 'ten-percent':
      return exponential * (0.9 + random() * 0.2);
    case 'none':
      return base;
  }
}
