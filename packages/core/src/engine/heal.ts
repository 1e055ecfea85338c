// Reads attempts through the splice into one body. Waits for bytes and for the next attempt; decides nothing.

import type { Outcome } from '../policy/outcome.ts';
import type { Splice, SpliceState } from '../stream/splice.ts';
import type { Clock } from '../time.ts';
import { Feed } from './feed.ts';

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

export interface HealedBody {
  readonly body: ReadableStream<Uint8Array>;
  /** Ends it for a reader who left by another way than cancelling: a read that waits, or the next one, rejects with an AbortError. */
  readonly leave: () => void;
  /** Breaks the attempt being read, so that the owner is asked what follows. */
  readonly interrupt: () => void;
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
        const { done, value } = await pump.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => pump.leave(false),
    },
    { highWaterMark: 0 },
  );
  const iterator: AsyncIterableIterator<Uint8Array, undefined> = {
    next: () => pump.next(),
    return() {
      pump.leave(false);
      return finished;
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  Object.defineProperty(body, Symbol.asyncIterator, { value: () => iterator });
  return { body, leave: () => pump.leave(true), interrupt: () => pump.interrupt() };
}

type Step = IteratorResult<Uint8Array, undefined>;

/** Somebody waits for bytes. */
interface Waiting {
  readonly resolve: (step: Step) => void;
  readonly reject: (reason: unknown) => void;
  readonly promise: Promise<Step>;
}

const finished: Promise<Step> = Promise.resolve({ done: true, value: undefined });
const settled: Promise<void> = Promise.resolve();

/** As much as this goes to the reader at once, whether or not more is there. Bytes. */
const enough = 8 * 1024;
/** After so many looks ahead that found nothing, only every so many-th chunk is worth another. */
const patience = 8;

class Pump {
  readonly #splice: Splice;
  readonly #owner: StreamOwner;
  readonly #clock: Clock;
  #feed: Feed;
  #waiting: Waiting | null = null;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #mending = false;
  /** The caller aborted, and no read has been told yet. */
  #aborted = false;
  /** Looks ahead in a row that found nothing, and chunks since the last. */
  #misses = 0;
  #skipped = 0;
  #looking = false;

  constructor({ splice, source, owner, clock }: HealInput) {
    this.#splice = splice;
    this.#owner = owner;
    this.#clock = clock;
    this.#feed = this.#open(source);
  }

  /** The next bytes for the reader. */
  next(): Promise<Step> {
    if (this.#waiting) return this.#waiting.promise.then(() => this.next());
    if (this.#aborted) {
      this.#aborted = false;
      return Promise.reject(abortError());
    }
    if (this.#ended) return finished;
    let resolve!: Waiting['resolve'];
    let reject!: Waiting['reject'];
    const promise = new Promise<Step>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    this.#waiting = { resolve, reject, promise };
    this.#serve();
    return promise;
  }

  leave(aborted: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#feed.stop();
    const waiting = this.#waiting;
    this.#waiting = null;
    if (!aborted) waiting?.resolve({ done: true, value: undefined });
    else if (waiting) waiting.reject(abortError());
    else this.#aborted = true;
    this.#owner.onLeave();
  }

  interrupt(): void {
    if (this.#ended || this.#mending) return;
    this.#feed.stop();
    this.#splice.fail('socket');
    if (this.#waiting) this.#serve();
  }

  /** Gives the reader who waits what there is, or sees to it that something comes. */
  #serve(): void {
    this.#collect();
    const { state } = this.#splice;
    if (state.type !== 'open') return this.#conclude(state);
    if (this.#bytes === 0) return this.#feed.read();
    // A large chunk is worth its way to the reader; small ones travel together, as far as they are here already.
    if (this.#bytes >= enough || !this.#lookAhead()) this.#deliver();
  }

  #conclude(state: Exclude<SpliceState, { type: 'open' }>): void {
    switch (state.type) {
      case 'done':
        this.#finish(false, state.by === 'upstream');
        return this.#deliver();
      case 'broken':
        if (this.#bytes > 0) this.#deliver();
        else if (!this.#mending) this.#mend(state);
    }
  }

  #collect(): void {
    for (const piece of this.#splice.take()) {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
    }
  }

  /** Reads on, and gives what comes at once a moment to join. False: not worth it. */
  #lookAhead(): boolean {
    if (this.#looking) return true;
    if (this.#misses >= patience && this.#skipped < patience) {
      this.#skipped += 1;
      return false;
    }
    this.#skipped = 0;
    this.#looking = true;
    this.#look(this.#bytes);
    return true;
  }

  #look(had: number): void {
    this.#feed.read();
    void settled.then(() => {
      if (!this.#waiting) this.#looking = false;
      else if (this.#bytes > had && this.#bytes < enough && this.#splice.state.type === 'open') this.#look(this.#bytes);
      else {
        this.#looking = false;
        this.#misses = this.#bytes > had ? 0 : this.#misses + 1;
        const { state } = this.#splice;
        if (state.type === 'open') this.#deliver();
        else this.#conclude(state);
      }
    });
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = null;
    this.#feed.rest();
    if (this.#bytes === 0) return waiting.resolve({ done: true, value: undefined });
    const value = this.#pieces.length === 1 ? (this.#pieces[0] as Uint8Array) : joined(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    if (!this.#ended) this.#owner.onProgress?.();
    waiting.resolve({ done: false, value });
  }

  /** Asks the owner what follows. */
  #mend(state: Extract<SpliceState, { type: 'broken' }>): void {
    this.#mending = true;
    this.#feed.stop();
    this.#owner.onBreak(outcomeOf(state)).then(
      (next) => this.#mended(next),
      (error: unknown) => this.#fail(error),
    );
  }

  #mended(next: NextSource): void {
    this.#mending = false;
    if (next.type === 'source') {
      const feed = this.#open(next.source);
      if (this.#ended) return feed.stop();
      this.#feed = feed;
    }
    if (this.#ended) return;
    if (next.type === 'surface') {
      this.#collect();
      this.#pieces.push(next.event);
      this.#bytes += next.event.length;
      this.#finish(true, false);
      return this.#deliver();
    }
    if (this.#waiting) this.#serve();
  }

  /** The owner itself failed: the reader must not take the end for the end of the answer. */
  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#finish(true, false);
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  #open(source: StreamSource): Feed {
    const feed: Feed = new Feed(source, this.#clock, {
      bytes: (chunk) => {
        this.#splice.push(chunk);
        this.#arrived();
      },
      end: () => {
        this.#splice.end();
        this.#arrived();
      },
      failure: (problem) => {
        this.#splice.fail(problem);
        this.#arrived();
      },
    });
    if (this.#ended) return feed;
    for (const chunk of source.prelude) this.#splice.push(chunk);
    return feed;
  }

  /** While somebody looks ahead, they deliver. */
  #arrived(): void {
    if (!this.#waiting) return;
    if (this.#looking) this.#collect();
    else this.#serve();
  }

  /** The reader has, or is about to get, the last bytes. */
  #finish(surfaced: boolean, whole: boolean): void {
    this.#ended = true;
    // The upstream is at its end too: its connection can be used again.
    if (whole) this.#feed.drain();
    else this.#feed.stop();
    this.#owner.onDone(surfaced);
  }
}

function outcomeOf(state: Extract<SpliceState, { type: 'broken' }>): Outcome {
  switch (state.problem) {
    case 'error':
      return { type: 'stream-error', error: state.error ?? {} };
    case 'no-seam':
    case 'nothing-new':
      return { type: 'stream-break', problem: 'malformed' };
  }
  return { type: 'stream-break', problem: state.problem };
}

/** What fetch gives a reader whose caller aborted. */
const abortError = (): DOMException => new DOMException('This operation was aborted', 'AbortError');

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
