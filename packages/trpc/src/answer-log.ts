// Answers that are being written, kept for readers who come back: a reconnect reads on and pays nothing.

import { backgroundClock, type Clock } from '@holdfast/core';

export interface AnswerLogOptions {
  /** An answer nobody reads is stopped after this time, milliseconds. Default 30000. */
  readonly lingerMs?: number;
  /** A finished answer can be read again for this time, milliseconds. Default 60000. */
  readonly keepMs?: number;
  /** Most answers at a time. The oldest finished ones make room, then those nobody reads; else new ones are refused. Default 1000. */
  readonly maxAnswers?: number;
  /** Most events of one answer. Default 100000. */
  readonly maxEvents?: number;
  /** Default: the machine's, with timers that let the process end. */
  readonly clock?: Clock;
}

interface Running<Event> {
  readonly events: Event[];
  readonly stop: AbortController;
  ended: boolean;
  failure: { readonly error: unknown } | null;
  readers: number;
  wake: (() => void)[];
  cancelTimer: () => void;
}

/** Answers by the operation id their client chose. One process only. */
export class AnswerLog<Event> {
  readonly #options: Required<AnswerLogOptions>;
  readonly #running = new Map<string, Running<Event>>();

  constructor(options: AnswerLogOptions = {}) {
    const { lingerMs = 30_000, keepMs = 60_000, maxAnswers = 1_000, maxEvents = 100_000, clock = backgroundClock } = options;
    this.#options = { lingerMs, keepMs, maxAnswers, maxEvents, clock };
  }

  /** How many answers are kept now. */
  get size(): number {
    return this.#running.size;
  }

  has(id: string): boolean {
    return this.#running.has(id);
  }

  /**
   * Begins to write the answer `id` from `source`, which ends early when its signal aborts: nobody read it for a while, or it
   * had to make room.
   *
   * @returns false when there is no room: all answers are being read
   */
  begin(id: string, source: (signal: AbortSignal) => AsyncIterable<Event>): boolean {
    if (!this.#makeRoom()) return false;
    const answer: Running<Event> = {
      events: [],
      stop: new AbortController(),
      ended: false,
      failure: null,
      readers: 0,
      wake: [],
      cancelTimer: () => {},
    };
    this.#running.set(id, answer);
    // Nobody may ever come.
    this.#dropAfter(this.#options.lingerMs, id, answer);
    void this.#write(id, answer, source);
    return true;
  }

  /** Forgets the answer `id`, and stops it if it is being written. */
  drop(id: string): void {
    const answer = this.#running.get(id);
    if (answer) this.#drop(id, answer);
  }

  /** The events after the `after`th, as they come, until the answer ends or the reader leaves. Throws what its source threw. */
  async *read(id: string, after: number, reader?: AbortSignal): AsyncGenerator<readonly [number: number, event: Event]> {
    const answer = this.#running.get(id);
    if (!answer) return;
    answer.readers += 1;
    if (!answer.ended) answer.cancelTimer();
    const onLeave = (): void => wakeAll(answer);
    reader?.addEventListener('abort', onLeave);
    try {
      for (let number = after; ;) {
        if (reader?.aborted) return;
        const event = answer.events[number];
        if (event !== undefined) {
          number += 1;
          yield [number, event];
        } else if (answer.ended || answer.stop.signal.aborted) {
          if (answer.failure) throw answer.failure.error;
          return;
        } else await new Promise<void>((resolve) => answer.wake.push(resolve));
      }
    } finally {
      reader?.removeEventListener('abort', onLeave);
      answer.readers -= 1;
      if (answer.readers === 0 && !answer.ended && this.#running.get(id) === answer) this.#dropAfter(this.#options.lingerMs, id, answer);
    }
  }

  async #write(id: string, answer: Running<Event>, source: (signal: AbortSignal) => AsyncIterable<Event>): Promise<void> {
    try {
      for await (const event of source(answer.stop.signal)) {
        answer.events.push(event);
        wakeAll(answer);
        if (answer.stop.signal.aborted || answer.events.length >= this.#options.maxEvents) break;
      }
    } catch (error) {
      // It is its readers' to know.
      answer.failure = { error };
    } finally {
      answer.ended = true;
      wakeAll(answer);
      answer.cancelTimer();
      if (this.#running.get(id) === answer) this.#dropAfter(this.#options.keepMs, id, answer);
    }
  }

  #dropAfter(ms: number, id: string, answer: Running<Event>): void {
    answer.cancelTimer = this.#options.clock.after(ms, () => this.#drop(id, answer));
  }

  #drop(id: string, answer: Running<Event>): void {
    answer.cancelTimer();
    answer.stop.abort();
    wakeAll(answer);
    if (this.#running.get(id) === answer) this.#running.delete(id);
  }

  #makeRoom(): boolean {
    const { maxAnswers } = this.#options;
    for (const mayGo of [(answer: Running<Event>) => answer.ended, (answer: Running<Event>) => answer.readers === 0])
      for (const [id, answer] of this.#running) {
        if (this.#running.size < maxAnswers) return true;
        if (mayGo(answer)) this.#drop(id, answer);
      }
    return this.#running.size < maxAnswers;
  }

  /** Ends everything: for tests and shutdown. */
  close(): void {
    for (const [id, answer] of this.#running) this.#drop(id, answer);
  }
}

function wakeAll(answer: { wake: (() => void)[] }): void {
  const { wake } = answer;
  answer.wake = [];
  for (const resolve of wake) resolve();
}
