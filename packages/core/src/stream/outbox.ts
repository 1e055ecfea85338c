// Bytes on their way to the reader.

/** Gathers pieces, and gives them in one. Almost always there is one only, which is given as it is. */
export class Outbox {
  #first: Uint8Array | null = null;
  #more: Uint8Array[] = [];
  #length = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  put(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#first === null) this.#first = piece;
    else this.#more.push(piece);
  }

  /** Everything, in order; null if there is nothing. */
  take(): Uint8Array | null {
    const first = this.#first;
    if (first === null) return null;
    const whole = this.#more.length === 0 ? first : this.#joined(first);
    this.#first = null;
    this.#length = 0;
    return whole;
  }

  #joined(first: Uint8Array): Uint8Array {
    const whole = new Uint8Array(this.#length);
    whole.set(first, 0);
    let at = first.length;
    for (const piece of this.#more) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#more = [];
    return whole;
  }
}
