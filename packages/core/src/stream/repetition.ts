// Follows a text that may be repeating the end of another one, and knows from where.

/**
 * Takes `begun` piece by piece and tells where in `whole` a repetition may have started: the first place from which the two
 * agree as far as both go. Every piece is compared once, and each search begins where the last one ended, so that the cost
 * grows with the texts and not with their product.
 */
export class Repetition {
  readonly #whole: string;
  #begun = '';
  #start = 0;

  constructor(whole: string) {
    this.#whole = whole;
  }

  /** Where the repetition may have started; the length of the whole if there is none. */
  get start(): number {
    return this.#start;
  }

  /** The end of the whole has been repeated. */
  get isComplete(): boolean {
    return this.#start + this.#begun.length >= this.#whole.length;
  }

  push(piece: string): void {
    const before = this.#begun.length;
    this.#begun += piece;
    const compared = this.#start + before;
    const agrees = compared >= this.#whole.length || this.#whole.startsWith(piece.slice(0, this.#whole.length - compared), compared);
    if (!agrees) this.#start = this.#next();
  }

  /** No more will come: only a repetition that is complete counts. */
  end(): void {
    if (!this.isComplete) this.#start = this.#nextComplete();
  }

  #next(): number {
    const within = this.#whole.indexOf(this.#begun, this.#start + 1);
    return within === -1 ? this.#nextComplete() : within;
  }

  /** The longest end of the whole, beyond `start`, that is a beginning of what came. */
  #nextComplete(): number {
    const whole = this.#whole;
    for (let start = Math.max(this.#start + 1, whole.length - this.#begun.length); start < whole.length; start += 1)
      if (whole[start] === this.#begun[0] && this.#begun.startsWith(whole.slice(start))) return start;
    return whole.length;
  }
}
