// Reads attempts through the splice into one body. Waits for bytes and for the next attempt; decides nothing.

import type { Outcome } from '../policy/outcome.ts';
import type { Splice } from '../stream/splice.ts';
import type { Clock } from '../time.ts';
import { watchForStall, type Watch } from './stall-watch.ts';

/** One upstream body, being read. */
export interface StreamSource {
  /** What was read of it already. */
  readonly prelude: readonly Uint8Array[];
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Ends the upstream request. Safe to call twice. */
  readonly abort: () => void;
  /** Silence longer than this is a stall, milliseconds. 0: none. */
  readonly idleMs: number;
}

/** What becomes of a break. */
export type NextSource =
  | { readonly type: 'source'; readonly source: StreamSource }
  /** The splice has finished the message by itself. */
  | { readonly type: 'finished' }
  /** These bytes are the end: an in-stream error. */
  | { readonly type: 'surface'; readonly event: Uint8Array };

/** Whoever owns the call the stream belongs to. `onDone` or `onLeave` is called once. */
export interface StreamOwner {
  /** Decides what follows a break, and has readied the splice for the source it returns. */
  onBreak(outcome: Outcome): Promise<NextSource>;
  /** The reader has the whole answer, or the error that ends it. */
  onDone(surfaced: boolean): void;
  /** The reader left. */
  onLeave(): void;
  /** Bytes were handed on. Cheap: called for every chunk. */
  onProgress?(): void;
}

export interface HealInput {
  readonly splice: Splice;
  readonly source: StreamSource;
  readonly owner: StreamOwner;
  readonly clock: Clock;
}

/**
 * The healed body. Pull-based: nothing is read before somebody reads. The SDK prefers its own `Symbol.asyncIterator`, which
 * reads the upstream without a second web stream in between; `getReader`, `tee` and `pipeTo` work too.
 */
export function heal(input: HealInput): HealedBody {
  const pump = new Pump(input);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await pump.next();
        if (bytes) controller.enqueue(bytes);
        else controller.close();
      },
      cancel: () => pump.leave(),
    },
    { highWaterMark: 0 },
  );
  Object.defineProperty(body, Symbol.asyncIterator, { value: () => new HealedIterator(pump) });
  return { body, leave: () => pump.leave() };
}

export interface HealedBody {
  readonly body: ReadableStream<Uint8Array>;
  /** Ends it for a reader who left by another way than cancelling. */
  leave(): void;
}

class HealedIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #pump: Pump;

  constructor(pump: Pump) {
    this.#pump = pump;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const value = await this.#pump.next();
    return value ? { done: false, value } : { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#pump.leave();
    return { done: true, value: undefined };
  }
}

class Pump {
  readonly #splice: Splice;
  readonly #owner: StreamOwner;
  readonly #clock: Clock;
  #source: StreamSource;
  #preludeRead = 0;
  #watch: Watch;
  #ended = false;
  #stalled = false;
  #onStall: (() => void) | null = null;

  constructor({ splice, source, owner, clock }: HealInput) {
    this.#splice = splice;
    this.#owner = owner;
    this.#clock = clock;
    this.#source = source;
    this.#watch = this.#watchOver(source);
  }

  /** The next bytes for the reader; null at the end. */
  async next(): Promise<Uint8Array | null> {
    while (!this.#ended) {
      if (this.#splice.state.type === 'open') await this.#read();
      const bytes = joined(this.#splice.take());
      if (bytes) {
        this.#owner.onProgress?.();
        return bytes;
      }
      if (this.#ended) return null;
      if (this.#splice.state.type === 'done') this.#done(false);
      else if (this.#splice.state.type === 'broken') {
        const event = await this.#mend();
        if (event) return event;
      }
    }
    return null;
  }

  leave(): void {
    if (this.#ended) return;
    this.#release();
    this.#owner.onLeave();
  }

  async #read(): Promise<void> {
    const { prelude, reader } = this.#source;
    if (this.#preludeRead < prelude.length) {
      this.#splice.push(prelude[this.#preludeRead] as Uint8Array);
      this.#preludeRead += 1;
      return;
    }
    this.#watch.arm();
    try {
      const step = await this.#orStall(reader.read());
      if (this.#ended) return;
      if (step === null) this.#splice.fail('stall');
      else if (step.done) this.#splice.end();
      else this.#splice.push(step.value);
    } catch {
      if (!this.#ended) this.#splice.fail(this.#stalled ? 'stall' : 'socket');
    } finally {
      this.#watch.disarm();
    }
  }

  /** The read, or null when the stream has been silent too long: a transport may ignore that it was aborted. */
  #orStall<T>(read: Promise<T>): Promise<T | null> {
    if (this.#source.idleMs <= 0) return read;
    return new Promise((resolve, reject) => {
      this.#onStall = () => resolve(null);
      read.then(resolve, reject);
    });
  }

  /** Asks the owner what follows; the bytes to end with, if nothing does. */
  async #mend(): Promise<Uint8Array | null> {
    const { state } = this.#splice;
    if (state.type !== 'broken') return null;
    this.#watch.stop();
    this.#source.abort();
    this.#source.reader.cancel().catch(() => {});
    const outcome: Outcome =
      state.problem === 'error'
        ? { type: 'stream-error', error: state.error ?? {} }
        : { type: 'stream-break', problem: state.problem === 'no-seam' || state.problem === 'nothing-new' ? 'malformed' : state.problem };
    const next = await this.#owner.onBreak(outcome);
    if (this.#ended) {
      if (next.type === 'source') next.source.abort();
      return null;
    }
    switch (next.type) {
      case 'source':
        this.#source = next.source;
        this.#preludeRead = 0;
        this.#stalled = false;
        this.#watch = this.#watchOver(next.source);
        return null;
      case 'finished':
        return null;
      case 'surface':
        this.#done(true);
        return next.event;
    }
  }

  #watchOver({ idleMs, abort }: StreamSource): Watch {
    return watchForStall(this.#clock, idleMs, () => {
      this.#stalled = true;
      abort();
      this.#onStall?.();
    });
  }

  #done(surfaced: boolean): void {
    this.#release();
    this.#owner.onDone(surfaced);
  }

  #release(): void {
    this.#ended = true;
    this.#watch.stop();
    this.#source.abort();
    this.#source.reader.cancel().catch(() => {});
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array | null {
  if (pieces.length <= 1) return pieces[0] ?? null;
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
