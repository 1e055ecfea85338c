// The text of a block as it went by: JSON-escaped bytes, copied and not decoded. Decoded only if somebody has to know.

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const quote = 34;
/** Shorter copies are faster by hand than through a view. */
const shortCopy = 48;

/** Bytes that grow at the end. Room is made for what is kept, never for the chunks it came in. */
export class ByteLog {
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#bytes.length) this.#grow(needed);
    const kept = this.#bytes;
    if (end - start < shortCopy) for (let from = start, to = this.#length; from < end; from += 1, to += 1) kept[to] = bytes[from] as number;
    else kept.set(bytes.subarray(start, end), this.#length);
    this.#length = needed;
  }

  /** Forgets what is behind `length`. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** The first `length` bytes, until the log is written to again. */
  view(length: number = this.#length): Uint8Array {
    return this.#bytes.subarray(0, length);
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2, 64));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Collects the still-escaped insides of JSON strings. Some of it the reader may not have yet. */
export class TextLog extends ByteLog {
  #settled = 0;

  appendText(text: string): void {
    if (text === '') return;
    const escaped = encoder.encode(JSON.stringify(text));
    this.append(escaped, 1, escaped.length - 1);
  }

  /** The reader has all of it. */
  settle(): void {
    this.#settled = this.length;
  }

  /** Forgets what the reader never got. */
  rollback(): void {
    this.truncate(this.#settled);
  }

  /** What the reader has, decoded. */
  delivered(): string {
    return this.#decode(this.#settled);
  }

  /** All of it, decoded. */
  text(): string {
    return this.#decode(this.length);
  }

  #decode(length: number): string {
    if (length === 0) return '';
    const whole = new Uint8Array(length + 2);
    whole[0] = quote;
    whole.set(this.view(length), 1);
    whole[length + 1] = quote;
    return JSON.parse(decoder.decode(whole)) as string;
  }
}
