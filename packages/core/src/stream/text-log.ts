// The text of a block as it went by: JSON-escaped bytes, copied and not decoded. Decoded only if the stream breaks.

const decoder = new TextDecoder();
const quote = 34;

/** Collects the still-escaped insides of JSON strings. */
export class TextLog {
  #bytes: Uint8Array = new Uint8Array(256);
  #length = 0;

  /** Bytes kept; at least one per character. */
  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    // Short copies are faster by hand than through a view.
    if (end - start < 64) for (let from = start, to = this.#length; from < end; from += 1, to += 1) this.#bytes[to] = bytes[from] as number;
    else this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length = needed;
  }

  appendText(text: string): void {
    const escaped = encoder.encode(JSON.stringify(text));
    this.append(escaped, 1, escaped.length - 1);
  }

  /** The decoded text. */
  text(): string {
    const whole = new Uint8Array(this.#length + 2);
    whole[0] = quote;
    whole.set(this.#bytes.subarray(0, this.#length), 1);
    whole[this.#length + 1] = quote;
    return JSON.parse(decoder.decode(whole)) as string;
  }
}

const encoder = new TextEncoder();
