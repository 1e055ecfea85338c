// Looks for stop sequences that begin in the reader's text and end in a continuation: no single request sees those.

/** Watches the text of a continuation until as much of it has passed as a stop sequence is long. */
export class StopWatch {
  readonly #sequences: readonly string[];
  /** How much of a stop sequence may lie before the text that completes it. */
  readonly #reach: number;
  #before: string;
  #passed = 0;

  constructor(sequences: readonly string[], delivered: string) {
    this.#sequences = sequences.filter((sequence) => sequence !== '');
    this.#reach = Math.max(0, ...this.#sequences.map(({ length }) => length - 1));
    this.#before = delivered.slice(-this.#reach);
  }

  /** All that could straddle the seam has passed: from here on the upstream sees every stop sequence by itself. */
  get done(): boolean {
    return this.#before === '' || this.#passed >= this.#reach;
  }

  /** Takes the next text. Says how much of it comes before a stop sequence, if one is complete now. */
  push(text: string): { readonly keep: number; readonly sequence: string } | null {
    const had = this.#before.length;
    const joined = this.#before + text;
    // Who writes one piece after the other stops at the first that is complete, wherever it began.
    let first: { at: number; end: number; sequence: string } | null = null;
    for (const sequence of this.#sequences) {
      const at = joined.indexOf(sequence, Math.max(0, had - sequence.length + 1));
      const end = at + sequence.length;
      if (at !== -1 && (first === null || end < first.end)) first = { at, end, sequence };
    }
    this.#passed += text.length;
    this.#before = joined.slice(-this.#reach);
    return first === null ? null : { keep: Math.max(0, first.at - had), sequence: first.sequence };
  }
}
