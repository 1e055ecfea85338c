// What has been observed lately, as quantiles: bounded memory, no allocation per sample.

const capacity = 64;
/** Fewer samples than this say nothing about a tail. */
const enough = 16;

/** The last 64 samples of one quantity. */
export class Samples {
  readonly #values: Float64Array = new Float64Array(capacity);
  #count = 0;
  readonly #sorted: Float64Array = new Float64Array(capacity);
  /** How many of the samples `#sorted` holds, in order, at its beginning. 0: they are to be sorted again. */
  #sortedCount = 0;

  add(value: number): void {
    if (!Number.isFinite(value) || value < 0) return;
    this.#values[this.#count % capacity] = value;
    this.#count += 1;
    // A quantile of 64 values does not change much with each: sort again for every eighth.
    if (this.#count % 8 === 0) this.#sortedCount = 0;
  }

  get count(): number {
    return this.#count;
  }

  /** The value below which `share` (0 to 1) of the samples lie; undefined until there are 16. */
  quantile(share: number): number | undefined {
    if (this.#count < enough) return undefined;
    if (this.#sortedCount === 0) this.#sort();
    return this.#sorted[Math.min(this.#sortedCount - 1, Math.floor(share * this.#sortedCount))];
  }

  #sort(): void {
    this.#sortedCount = Math.min(this.#count, capacity);
    // What is not there yet comes last.
    this.#sorted.set(this.#values);
    this.#sorted.fill(Infinity, this.#sortedCount).sort();
  }
}
