// Events that wait: they may still be withdrawn without the reader ever having seen them.

import { ByteLog } from './text-log.ts';

export class HeldBack {
  #bytes = new ByteLog();
  #commits: (() => void)[] = [];

  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#bytes.length;
  }

  /** `onRelease` is called when the reader gets them. */
  add(bytes: Uint8Array, start: number, end: number, onRelease: (() => void) | null): void {
    this.#bytes.append(bytes, start, end);
    if (onRelease) this.#commits.push(onRelease);
  }

  /** Gives everything that waited, in order. */
  release(): Uint8Array[] {
    const pieces = this.#bytes.pieces();
    for (const commit of this.#commits) commit();
    this.drop();
    return pieces;
  }

  drop(): void {
    this.#bytes = new ByteLog();
    this.#commits = [];
  }
}
