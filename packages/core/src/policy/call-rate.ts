// How many calls come in a time, in buckets: constant memory, no allocation per call.

const bucketCount = 10;

/** Counts calls over a sliding window. Old buckets are forgotten as time goes on. */
export class CallRate {
  readonly #bucketMs: number;
  readonly #counts: Uint32Array = new Uint32Array(bucketCount);
  /** The bucket number (time divided by its width) that was written last. */
  #newest = -Infinity;
  #total = 0;

  constructor(windowMs: number) {
    this.#bucketMs = Math.max(1, windowMs / bucketCount);
  }

  /** Calls per millisecond, as of the last one. */
  get perMs(): number {
    return this.#total / (this.#bucketMs * bucketCount);
  }

  /** A clock that goes back within the window changes nothing; one that is set back further begins anew. */
  count(now: number): void {
    this.#advance(Math.floor(now / this.#bucketMs));
    this.#counts[slotOf(this.#newest)]! += 1;
    this.#total += 1;
  }

  #advance(bucket: number): void {
    if (bucket <= this.#newest - bucketCount) this.#newest = -Infinity;
    // Of what is older than the window nothing is left.
    for (let old = Math.max(this.#newest + 1, bucket - bucketCount + 1); old <= bucket; old += 1) {
      const slot = slotOf(old);
      this.#total -= this.#counts[slot] as number;
      this.#counts[slot] = 0;
    }
    this.#newest = Math.max(this.#newest, bucket);
  }
}

const slotOf = (bucket: number): number => ((bucket % bucketCount) + bucketCount) % bucketCount;
