// What is counted while a simulation runs: seconds in buckets, waits in a histogram. Constant memory, however long it lasts.

export class Tally {
  /** By the second of arrival. */
  readonly calls: Uint32Array;
  /** Calls that ended well, by the second of their arrival. */
  readonly good: Uint32Array;
  /** Answers that were used, by the second in which they were worked on. */
  readonly served: Uint32Array;
  /** By the second in which they were sent. */
  readonly requests: Uint32Array;
  /** Calls whose first attempt failed, and those among them that ended well, by the second of arrival. */
  readonly stumbled: Uint32Array;
  readonly rescued: Uint32Array;
  /** Tokens the upstream wrote, used or not, by the second in which the answer was asked for. */
  readonly tokens: Float64Array;
  /** Time to the first content of calls that arrived during the trouble and ended well. */
  readonly waits = new Histogram();
  ended = 0;

  constructor(endsMs: number) {
    const seconds = Math.ceil(endsMs / 1000) + 1;
    const counts = (): Uint32Array => new Uint32Array(seconds);
    this.calls = counts();
    this.good = counts();
    this.served = counts();
    this.requests = counts();
    this.stumbled = counts();
    this.rescued = counts();
    this.tokens = new Float64Array(seconds);
  }
}

/** Adds `amount` to the second of `at`; what happens after the end counts to its last second. */
export function count(buckets: Uint32Array | Float64Array, at: number, amount = 1): void {
  const second = Math.min(buckets.length - 1, (at / 1000) | 0);
  buckets[second] = (buckets[second] as number) + amount;
}

/** The sum of the buckets of a time, milliseconds. */
export function sum(buckets: Uint32Array | Float64Array, from: number, until: number): number {
  let total = 0;
  for (let second = from / 1000; second < until / 1000; second += 1) total += buckets[second] as number;
  return total;
}

/** Steps of the histogram in a factor of two: quantiles are exact to 3 %. */
const resolution = 24;

/** Milliseconds on a logarithmic scale. */
class Histogram {
  readonly #counts = new Uint32Array(20 * resolution);
  #total = 0;

  add(ms: number): void {
    const slot = Math.max(0, Math.min(this.#counts.length - 1, Math.round(Math.log2(ms + 1) * resolution)));
    this.#counts[slot] = (this.#counts[slot] as number) + 1;
    this.#total += 1;
  }

  /** NaN when nothing was counted. */
  quantile(share: number): number {
    let left = share * this.#total;
    for (let slot = 0; slot < this.#counts.length && this.#total > 0; slot += 1) {
      left -= this.#counts[slot] as number;
      if (left <= 0) return 2 ** (slot / resolution) - 1;
    }
    return NaN;
  }
}
