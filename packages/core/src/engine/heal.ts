// Reads attempts through the splice into one body. Waits for bytes and for the next attempt; decides nothing.

import type { Outcome } from '../policy/outcome.ts';
import { Splice, type SpliceState } from '../stream/splice.ts';
import { frame } from '../stream/message-events.ts';
import type { Clock } from '../time.ts';
import { withByteReader } from './byte-reader.ts';
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
  /** The owner wants to know of every chunk of it that is handed on. */
  readonly watched: boolean;
}

/** What becomes of a break. */
export type NextSource =
  | { readonly type: 'source'; readonly source: StreamSource }
  /** The splice has finished the message by itself. */
  | { readonly type: 'finished' }
  /** These bytes are the end: an in-stream error. */
  | { readonly type: 'surface'; readonly event: Uint8Array };

/**
 * Whoever owns the call the stream belongs to. `onDone` or `onLeave` is called once. What any of them throws ends the stream: the
 * read that waits, or the next one, rejects with it.
 */
export interface StreamOwner {
  /** Decides what follows a break, and has readied the splice for the source it returns. */
  onBreak(outcome: Outcome): Promise<NextSource>;
  /** The reader has the whole answer, or the error that ends it. */
  onDone(surfaced: boolean): void;
  /** The reader left. */
  onLeave(): void;
  /** Bytes of a watched source were handed on. */
  onProgress(): void;
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
  exemplar ??= createExemplar();
  const pump = new Pump(input);
  const body = withByteReader(
    new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await pump.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => pump.leave(false),
      },
      { highWaterMark: 0 },
    ),
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

/** Somebody waits for bytes that no single read will give them. */
interface Waiting {
  readonly resolve: (step: Step) => void;
  readonly reject: (reason: unknown) => void;
}

const end: Step = { done: true, value: undefined };
const finished: Promise<Step> = Promise.resolve(end);
const settled: Promise<void> = Promise.resolve();

/** As much as this goes to the reader at once, whether or not more is there. Bytes. */
const enough = 8 * 1024;
/** After so many looks ahead in a row that found nothing, chunks come one at a time here; every so many-th read tells whether that changed. */
const patience = 8;
const checkEvery = 16;
/** The stop reason is known, and only the last event is missing: so long it is waited for, whatever else comes. Milliseconds. */
const endingMs = 1_000;

class Pump {
  readonly #splice: Splice;
  readonly #owner: StreamOwner;
  readonly #clock: Clock;
  #feed: Feed;
  #watched = false;
  /** What the reader was promised last, until they have it. */
  #promised: Promise<Step> | null = null;
  #waiting: Waiting | null = null;
  /** The error event the stream ends with, until the reader has it. */
  #last: Uint8Array | null = null;
  #ended = false;
  #mending = false;
  /** What the owner threw, until a read has been told. */
  #failure: { readonly error: unknown } | null = null;
  #cancelEnding: (() => void) | null = null;
  /** The caller aborted, and no read has been told yet. */
  #aborted = false;
  #looking = false;
  /** Looks ahead in a row that found nothing, and reads since then. */
  #misses = 0;
  #reads = 0;

  constructor({ splice, source, owner, clock }: HealInput) {
    this.#splice = splice;
    this.#owner = owner;
    this.#clock = clock;
    this.#feed = this.#open(source);
  }

  /** The next bytes for the reader. */
  next(): Promise<Step> {
    if (this.#promised) return this.#promised.then(() => this.next());
    if (this.#aborted) return this.#tellAborted();
    if (this.#failure) return this.#tellFailure(this.#failure);
    if (this.#ended) return this.#last === null ? finished : Promise.resolve(this.#parcel());
    // The way almost every read goes: nothing is here, the upstream gives some, the reader gets it. One promise.
    const direct =
      this.#splice.pending === 0 && this.#splice.state.type === 'open' ? this.#feed.readFor(this.#onStep, this.#onFailure) : null;
    if (direct === null) return this.#wait();
    this.#promised = direct;
    if (this.#misses >= patience) this.#checkPace(direct);
    return direct;
  }

  leave(aborted: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#aborted = aborted;
    // A direct read ends with the feed.
    this.#feed.stop();
    this.#forgetEnding();
    if (waiting) this.#settle(waiting);
    try {
      this.#owner.onLeave();
    } catch {
      // Nobody is there any more who could be told.
    }
  }

  interrupt(): void {
    if (this.#ended || this.#mending) return;
    this.#splice.fail('socket');
    this.#feed.stop();
    if (this.#waiting) return this.#serve();
    // Nobody reads now, and perhaps nobody will: the owner is to know all the same. A direct read ends with the feed.
    const { state } = this.#splice;
    if (this.#promised === null && state.type === 'broken') this.#mend(state);
  }

  /** A read that went straight to the upstream has come back. */
  #onStep = (step: ReadableStreamReadResult<Uint8Array>): Step | Promise<Step> => {
    this.#promised = null;
    if (this.#feed.took()) {
      if (step.done) this.#splice.end();
      else this.#push(step.value);
    }
    if (this.#ended) return this.#aborted ? this.#tellAborted() : end;
    // A large chunk is worth its way to the reader; small ones travel together, as far as they are here already.
    const { pending, state } = this.#splice;
    if (pending === 0 || state.type !== 'open' || (pending < enough && this.#misses < patience)) return this.#wait();
    return this.#parcel();
  };

  #onFailure = (): Step | Promise<Step> => {
    if (this.#feed.took()) this.#splice.fail('socket');
    return this.#onStep(nothingMore);
  };

  /** Waits for as many reads, and attempts, as it takes. */
  #wait(): Promise<Step> {
    const promise = new Promise<Step>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#promised = promise;
    this.#serve();
    return promise;
  }

  /** Gives the reader who waits what there is, or sees to it that something comes. */
  #serve(): void {
    try {
      this.#advance();
    } catch (error) {
      this.#fail(error);
    }
  }

  #advance(): void {
    const { pending, state } = this.#splice;
    if (state.type !== 'open') return this.#conclude(state);
    if (this.#looking) return;
    if (pending === 0) return this.#feed.read();
    if (pending >= enough) return this.#deliver();
    this.#looking = true;
    this.#look(pending);
  }

  #conclude(state: Exclude<SpliceState, { type: 'open' }>): void {
    switch (state.type) {
      case 'done':
        this.#finish(false, state.by === 'upstream');
        return this.#deliver();
      case 'broken':
        if (this.#splice.pending > 0) this.#deliver();
        else if (!this.#mending) this.#mend(state);
    }
  }

  /** A read that is answered before anything else happens found its chunk waiting: others may wait behind it. */
  #checkPace(direct: Promise<Step>): void {
    this.#reads = (this.#reads + 1) % checkEvery;
    if (this.#reads !== 0) return;
    void settled.then(() => {
      if (this.#promised !== direct) this.#misses = 0;
    });
  }

  /** Reads on, and gives what comes at once a moment to join. */
  #look(had: number): void {
    this.#feed.read();
    void settled.then(() => {
      const { pending, state } = this.#splice;
      const found = pending > had;
      if (this.#waiting && found && pending < enough && state.type === 'open') return this.#look(pending);
      this.#looking = false;
      this.#misses = found ? 0 : this.#misses + 1;
      if (!this.#waiting) return;
      if (state.type === 'open') this.#deliver();
      else this.#serve();
    });
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = null;
    this.#feed.rest();
    this.#settle(waiting);
  }

  #settle({ resolve, reject }: Waiting): void {
    this.#promised = null;
    if (this.#aborted) return void this.#tellAborted().catch(reject);
    try {
      resolve(this.#parcel());
    } catch (error) {
      this.#fail(error);
      this.#failure = null;
      reject(error);
    }
  }

  /** Everything that is there, in one piece. */
  #parcel(): Step {
    const value = this.#splice.take() ?? this.#takeLast();
    if (value === null) return end;
    if (this.#watched && !this.#ended) this.#owner.onProgress();
    return { done: false, value };
  }

  #takeLast(): Uint8Array | null {
    const last = this.#last;
    this.#last = null;
    return last;
  }

  #tellAborted(): Promise<Step> {
    this.#aborted = false;
    // What fetch gives a reader whose caller aborted.
    return Promise.reject(new DOMException('This operation was aborted', 'AbortError'));
  }

  async #tellFailure({ error }: { readonly error: unknown }): Promise<Step> {
    this.#failure = null;
    throw error;
  }

  /** Reads bytes of the upstream. With a stop reason the answer is whole, and its end is not waited for long. */
  #push(chunk: Uint8Array): void {
    const { type } = this.#splice.push(chunk);
    if (type === 'open' && this.#splice.stopKnown) this.#cancelEnding ??= this.#clock.after(endingMs, () => this.#endWithout());
  }

  /** The last event did not come: a server that keeps the connection open holds nobody. */
  #endWithout(): void {
    this.#cancelEnding = null;
    if (this.#ended || this.#splice.state.type !== 'open' || !this.#splice.stopKnown) return;
    this.#feed.stop();
    this.#splice.finish(null);
    // A direct read ends with the feed.
    if (this.#waiting) this.#serve();
  }

  #forgetEnding(): void {
    this.#cancelEnding?.();
    this.#cancelEnding = null;
  }

  /** Asks the owner what follows. */
  #mend(state: Extract<SpliceState, { type: 'broken' }>): void {
    this.#mending = true;
    this.#forgetEnding();
    this.#feed.stop();
    new Promise<NextSource>((resolve) => resolve(this.#owner.onBreak(outcomeOf(state))))
      .then((next) => this.#mended(next))
      .catch((error: unknown) => this.#fail(error));
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
      this.#last = next.event;
      this.#finish(true, false);
      return this.#deliver();
    }
    if (this.#waiting) this.#serve();
  }

  /** The owner itself failed: the reader must not take the end for the end of the answer. */
  #fail(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#promised = null;
    if (!waiting) this.#failure = { error };
    try {
      if (!this.#ended) this.#finish(true, false);
    } catch {
      // It fails in everything: the reader hears of the first.
    }
    waiting?.reject(error);
  }

  #open(source: StreamSource): Feed {
    this.#watched = source.watched;
    const feed = new Feed(source, this.#clock, {
      bytes: (chunk) => {
        this.#push(chunk);
        if (this.#waiting) this.#serve();
      },
      end: () => {
        this.#splice.end();
        if (this.#waiting) this.#serve();
      },
      failure: (problem) => {
        this.#splice.fail(problem);
        if (this.#waiting) this.#serve();
      },
    });
    if (!this.#ended) for (const chunk of source.prelude) this.#push(chunk);
    return feed;
  }

  /** The reader has, or is about to get, the last bytes. */
  #finish(surfaced: boolean, whole: boolean): void {
    this.#ended = true;
    this.#forgetEnding();
    // The upstream is at its end too: its connection can be used again.
    if (whole) this.#feed.drain();
    else this.#feed.stop();
    this.#owner.onDone(surfaced);
  }
}

/**
 * A stream that stays in the middle of its answer for ever. V8 throws away what it compiled for a class when a garbage
 * collection finds no object of it, so that on a server with quiet moments stream after stream would run as slow as the first.
 */
let exemplar: Pump | null = null;

function createExemplar(): Pump {
  const splice = new Splice({ tools: 'message', liveThinking: false, holdAll: false, stopSequences: [], strict: true });
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'word' } };
  const events = [
    { type: 'message_start', message: {} },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    delta,
    delta,
  ];
  const reader = new ReadableStream<Uint8Array>().getReader();
  const pump = new Pump({
    splice,
    source: { prelude: events.map((event) => new TextEncoder().encode(frame(event))), reader, abort() {}, idleMs: 1, watched: false },
    owner: { onBreak: async () => ({ type: 'finished' }), onDone() {}, onLeave() {}, onProgress() {} },
    clock: { now: () => 0, after: () => () => {} },
  });
  void pump.next();
  void pump.next();
  return pump;
}

const nothingMore: ReadableStreamReadResult<Uint8Array> = { done: true, value: undefined };

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
