// Follows a text that may be repeating the end of another one, and knows from where.

/**
 * Takes `begun` piece by piece and tells where in `whole` a repetition may have started: the first place from which the two
 * agree as far as both go.
 *
 * It is the search of Knuth, Morris and Pratt with a pattern that is still growing: what was compared tells how far the place
 * can be moved on, so that the cost grows with the two texts and never with their product, however periodic they are.
 */
export class Repetition {
  readonly #whole: string;
  /** What has come, as far as it can be compared with anything. */
  #begun = new Uint16Array(256);
  /** Of each beginning of it: how much of its end is a beginning of it too. */
  #borders = new Int32Array(257);
  #known = 0;
  #length = 0;
  #start = 0;
  /** How much agrees from `start` on. */
  #agreed = 0;
  #comparisons = 0;

  constructor(whole: string) {
    this.#whole = whole;
  }

  /** Where the repetition may have started; the length of the whole if there is none. */
  get start(): number {
    return this.#start;
  }

  /** The end of the whole has been repeated. */
  get isComplete(): boolean {
    return this.#start + this.#length >= this.#whole.length;
  }

  /** Characters compared so far: what it costs. */
  get comparisons(): number {
    return this.#comparisons;
  }

  push(piece: string): void {
    this.#length += piece.length;
    const more = Math.min(piece.length, this.#whole.length - this.#known);
    if (this.#known + more > this.#begun.length) this.#grow(this.#known + more);
    for (let at = 0; at < more; at += 1) this.#learn(piece.charCodeAt(at));
    this.#compare();
  }

  /** No more will come: only a repetition that is complete counts. */
  end(): void {
    while (!this.isComplete) {
      this.#moveOn();
      this.#compare();
    }
  }

  #learn(code: number): void {
    const at = this.#known;
    this.#begun[at] = code;
    this.#known = at + 1;
    let border = at === 0 ? -1 : (this.#borders[at] as number);
    while (border >= 0) {
      this.#comparisons += 1;
      if (this.#begun[border] === code) break;
      border = border === 0 ? -1 : (this.#borders[border] as number);
    }
    this.#borders[at + 1] = border + 1;
  }

  #compare(): void {
    const whole = this.#whole;
    while (this.#agreed < this.#known && this.#start + this.#agreed < whole.length) {
      this.#comparisons += 1;
      if (this.#begun[this.#agreed] === whole.charCodeAt(this.#start + this.#agreed)) this.#agreed += 1;
      else this.#moveOn();
    }
  }

  /** To the next place that what was compared allows. */
  #moveOn(): void {
    const border = this.#borders[this.#agreed] as number;
    this.#start += Math.max(1, this.#agreed - border);
    this.#agreed = border;
  }

  #grow(least: number): void {
    const room = Math.max(least, this.#begun.length * 2);
    const begun = new Uint16Array(room);
    const borders = new Int32Array(room + 1);
    begun.set(this.#begun);
    borders.set(this.#borders);
    this.#begun = begun;
    this.#borders = borders;
  }
}
