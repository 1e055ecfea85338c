// A map that cannot grow without bound: callers may invent as many keys as they like.

/**
 * Keeps at most `most` entries. A new one takes the place of the oldest entry that `isIdle` says nothing is lost with, or of
 * the one that was used longest ago.
 */
export class BoundedMap<V> {
  readonly #most: number;
  readonly #isIdle: (value: V) => boolean;
  readonly #entries = new Map<string, V>();

  constructor(most: number, isIdle: (value: V) => boolean = () => false) {
    this.#most = most;
    this.#isIdle = isIdle;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** The value of `key`, made by `make` if there is none; it is the one that was used last now. */
  use(key: string, make: () => V): V {
    const found = this.#entries.get(key);
    // While there is room, nobody asks for the order.
    if (found !== undefined && this.#entries.size < this.#most) return found;
    const value = found ?? make();
    if (found !== undefined) this.#entries.delete(key);
    else if (this.#entries.size >= this.#most) this.#entries.delete(this.#leastMissed());
    this.#entries.set(key, value);
    return value;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  values(): Iterable<V> {
    return this.#entries.values();
  }

  [Symbol.iterator](): Iterator<[string, V]> {
    return this.#entries[Symbol.iterator]();
  }

  #leastMissed(): string {
    for (const [key, value] of this.#entries) if (this.#isIdle(value)) return key;
    return this.#entries.keys().next().value as string;
  }
}
