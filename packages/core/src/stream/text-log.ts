// The text of a block as it went by: JSON-escaped bytes, copied and not decoded. Decoded only if somebody has to know.

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const quote = 34;
/** Shorter copies are faster by hand than through a view. */
const shortCopy = 48;

/** Beyond this, what is kept is not moved to a larger place any more: another begins. Bytes. */
const segmentLength = 16 * 1024;

/**
 * Bytes that grow at the end. Room is made for what is kept, never for the chunks it came in; and in segments, because large
 * pieces of fresh memory cost more than everything that is done with them here.
 */
export class ByteLog {
  #full: Uint8Array[] = [];
  #open: Uint8Array = new Uint8Array(0);
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const more = end - start;
    if (this.#used + more > this.#open.length) return this.#appendBeyond(bytes, start, end);
    const kept = this.#open;
    if (more < shortCopy) for (let from = start, to = this.#used; from < end; from += 1, to += 1) kept[to] = bytes[from] as number;
    else kept.set(bytes.subarray(start, end), this.#used);
    this.#used += more;
    this.#length += more;
  }

  /** Where `more` bytes can be written from `used` on, if that needs no new place; `grow` then keeps them. */
  room(more: number): Uint8Array | null {
    return this.#used + more > this.#open.length ? null : this.#open;
  }

  /** Where the next byte goes in what `room` gave. */
  get used(): number {
    return this.#used;
  }

  /** Keeps `more` bytes that were written into `room`. */
  grow(more: number): void {
    this.#used += more;
    this.#length += more;
  }

  /** Everything, in order. Valid until more is appended. */
  pieces(): Uint8Array[] {
    return this.#used === 0 ? [] : [...this.#full, this.#open.subarray(0, this.#used)];
  }

  /** A copy of everything. */
  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.pieces()) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  #appendBeyond(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#used + end - start;
    if (needed <= segmentLength) {
      const grown = new Uint8Array(Math.min(segmentLength, Math.max(needed, this.#open.length * 2, 256)));
      grown.set(this.#open.subarray(0, this.#used));
      this.#open = grown;
      return this.append(bytes, start, end);
    }
    if (this.#used > 0) this.#full.push(this.#open.subarray(0, this.#used));
    this.#open = new Uint8Array(Math.max(segmentLength, end - start));
    this.#used = 0;
    this.append(bytes, start, end);
  }
}

/** Collects the still-escaped insides of JSON strings. */
export class TextLog extends ByteLog {
  appendText(text: string): void {
    const escaped = encoder.encode(JSON.stringify(text));
    this.append(escaped, 1, escaped.length - 1);
  }

  /** All of it, decoded. */
  text(): string {
    const whole = new Uint8Array(this.length + 2);
    whole[0] = quote;
    whole.set(this.bytes(), 1);
    whole[this.length + 1] = quote;
    return JSON.parse(decoder.decode(whole)) as string;
  }
}
