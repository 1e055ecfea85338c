// One upstream body being read: one read at a time, watched for silence, and let go of properly.

import type { StreamBreak } from '../policy/outcome.ts';
import type { Clock } from '../time.ts';
import type { StreamSource } from './heal.ts';
import { watchForStall, type Watch } from './stall-watch.ts';

export interface FeedListener {
  readonly bytes: (chunk: Uint8Array) => void;
  readonly end: () => void;
  readonly failure: (problem: StreamBreak) => void;
}

/** What an upstream may still send after the end of its answer before its connection is given up: milliseconds and reads. */
const drainMs = 1000;
const drainReads = 8;

export class Feed {
  readonly #reader: StreamSource['reader'];
  readonly #abort: () => void;
  readonly #clock: Clock;
  readonly #listener: FeedListener;
  #watch: Watch;
  #reading = false;
  #stopped = false;
  #atEnd = false;
  /** Reads left until its end is not waited for any longer; null while the answer goes on. */
  #draining: number | null = null;

  constructor({ reader, abort, idleMs }: StreamSource, clock: Clock, listener: FeedListener) {
    // Not the source itself: its first chunks would live as long as the stream.
    this.#reader = reader;
    this.#abort = abort;
    this.#clock = clock;
    this.#listener = listener;
    this.#watch = watchForStall(clock, idleMs, () => {
      if (this.#stopped) return;
      this.stop();
      listener.failure('stall');
    });
  }

  /** Reads once, unless a read is under way already. Silence counts from here until something comes. */
  read(): void {
    if (this.#stopped) return;
    // The end of an answer is waited for once, whatever else comes.
    if (this.#draining === null) this.#watch.arm();
    if (this.#reading) return;
    this.#reading = true;
    this.#reader.read().then(this.#onStep, this.#onFailure);
  }

  /**
   * Reads once for somebody who takes the result themselves, and must then call `took` first.
   *
   * @returns null when that is not possible, because a read is under way or the upstream was ended
   */
  readFor<T>(onStep: (step: ReadableStreamReadResult<Uint8Array>) => T | Promise<T>, onFailure: () => T | Promise<T>): Promise<T> | null {
    if (this.#reading || this.#stopped) return null;
    this.#watch.arm();
    this.#reading = true;
    return this.#reader.read().then(onStep, onFailure);
  }

  /** False: the upstream was ended in the meantime, and what came means nothing. */
  took(): boolean {
    this.#reading = false;
    this.#watch.disarm();
    return !this.#stopped;
  }

  /** Nobody waits for it: a reader who takes a break is no stall. */
  rest(): void {
    // A body that is read to its end has no reader to take a break.
    if (this.#draining === null) this.#watch.disarm();
  }

  /** Ends the upstream. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#watch.stop();
    // A body that was read to its end has nothing left to abort.
    if (this.#atEnd) return;
    this.#abort();
    // A reader that is cancelled ends its reads at once, even when the transport ignores that it was aborted.
    this.#reader.cancel().catch(() => {});
  }

  /** Reads to the end of a body whose answer is whole, so that the connection can be used again. For a moment only. */
  drain(): void {
    if (this.#stopped) return;
    this.#draining = drainReads;
    this.#watch.stop();
    this.#watch = watchForStall(this.#clock, drainMs, () => this.stop());
    this.#watch.arm();
    this.read();
  }

  #onStep = (step: ReadableStreamReadResult<Uint8Array>): void => {
    this.#reading = false;
    if (this.#stopped) return;
    if (this.#draining !== null) {
      this.#draining -= 1;
      this.#atEnd = step.done;
      if (step.done || this.#draining <= 0) this.stop();
      else this.read();
      return;
    }
    this.#watch.disarm();
    if (step.done) this.#listener.end();
    else this.#listener.bytes(step.value);
  };

  #onFailure = (): void => {
    this.#reading = false;
    if (this.#stopped) return;
    if (this.#draining !== null) return this.stop();
    this.stop();
    this.#listener.failure('socket');
  };
}
