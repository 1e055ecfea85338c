// Successes and failures of the recent past, in buckets: constant memory, no allocation per record.

const bucketCount = 10;

/** A sliding window of outcomes. Old buckets are forgotten as time goes on. */
export class OutcomeWindow {
  readonly #bucketMs: number;
  readonly #successes: Float64Array = new Float64Array(bucketCount);
  readonly #failures: Float64Array = new Float64Array(bucketCount);
  /** The bucket number (time divided by its width) that was written last. */
  #newest = -Infinity;
  #newestSlot = 0;
  successes = 0;
  failures = 0;

  constructor(windowMs: number) {
    this.#bucketMs = Math.max(1, windowMs / bucketCount);
  }

  /** Adds weights at `now`; negative ones take back what was recorded before. */
  record(now: number, success: number, failure: number): void {
    this.advance(now);
    const slot = this.#newestSlot;
    this.#successes[slot] = (this.#successes[slot] as number) + success;
    this.#failures[slot] = (this.#failures[slot] as number) + failure;
    this.successes += success;
    this.failures += failure;
  }

  /** Forgets what is older than the window. A clock that goes back changes nothing. */
  advance(now: number): void {
    const bucket = Math.floor(now / this.#bucketMs);
    if (bucket <= this.#newest) return;
    if (bucket - this.#newest >= bucketCount) this.clear();
    else for (let old = this.#newest + 1; old <= bucket; old += 1) this.#drop(slotOf(old));
    this.#newest = bucket;
    this.#newestSlot = slotOf(bucket);
  }

  clear(): void {
    this.#successes.fill(0);
    this.#failures.fill(0);
    this.successes = 0;
    this.failures = 0;
  }

  #drop(slot: number): void {
    this.successes -= this.#successes[slot] as number;
    this.failures -= this.#failures[slot] as number;
    this.#successes[slot] = 0;
    this.#failures[slot] = 0;
  }
}

const slotOf = (bucket: number): number => ((bucket % bucketCount) + bucketCount) % bucketCount;
