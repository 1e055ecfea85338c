// Randomness that can be repeated.

/**
 * A source of numbers in [0, 1) that is the same for the same seed (mulberry32).
 *
 * @example
 * ```ts
 * const random = seededRandom(42);
 * random(); // always the same first number
 * ```
 */
export function seededRandom(seed: number): () => number {
  // Signed, so that V8 keeps it in a register.
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
