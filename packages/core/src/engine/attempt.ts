// One send, under its own AbortController and limits. Returns what came of it; never throws, never judges.

import type { BadBody, ErrorFacts, Outcome } from '../policy/outcome.ts';
import type { TokenCount } from '../telemetry/ledger.ts';
import type { Clock } from '../time.ts';
import { isEventStream } from '../wire/event-type.ts';
import { abortQuietly, onFirstAbort } from './abort.ts';
import { readRest } from './body-text.ts';
import { outcomeOfError, outcomeOfResponse } from './outcome.ts';
import { readPrelude } from './prelude.ts';
import { copyAround, followed } from './response-copy.ts';
import { verifyBody } from './verify-body.ts';
import { discard, isForeign, webResponse } from './web-body.ts';

export interface AttemptInput {
  /** Sends the request. Must give up when `signal` aborts. */
  readonly send: (signal: AbortSignal) => Promise<Response>;
  /** The caller's signals: the SDK's own, and the ambient scope's. */
  readonly callers: readonly (AbortSignal | null | undefined)[];
  /**
   * `message`: the body must be one whole message. `stream`: the body must be an event stream that begins.
   * `pass`: a good answer is handed on unread.
   */
  readonly expect: 'message' | 'json' | 'stream' | 'pass';
  /** Milliseconds until response headers. Infinity: none. */
  readonly firstByteMs: number;
  /** Milliseconds without a byte once the headers are there. 0: none. */
  readonly idleMs: number;
  /** Milliseconds for the whole attempt up to a complete message, or a stream's first content. */
  readonly totalMs: number;
  readonly startedAt: number;
  readonly clock: Clock;
}

/** A stream that began well: its first content is in `prelude`, the rest comes from `reader`. */
export interface BegunStream {
  readonly type: 'stream';
  readonly response: Response;
  readonly prelude: readonly Uint8Array[];
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Aborts the upstream request. Safe to call twice. */
  readonly abort: () => void;
  readonly headersAt: number;
}

export type AttemptResult =
  | {
      readonly type: 'message';
      readonly response: Response;
      readonly text: string;
      readonly message: Readonly<Record<string, unknown>>;
      readonly headersAt: number;
    }
  | { readonly type: 'passed'; readonly response: Response; readonly headersAt: number }
  | BegunStream
  | {
      readonly type: 'failure';
      readonly outcome: Outcome;
      /** The upstream's own refusal, if it gave one. */
      readonly response: Response | null;
      /** What it answered with under a good status, if that was an error after all, or no answer. */
      readonly answered: Response | null;
      /** What the upstream said: the part of its refusal's body that was read, its `error` event, its error under a good status. */
      readonly text: string;
      readonly headersAt: number | null;
      /** What a stream told of its cost before it failed. */
      readonly usage: TokenCount | null;
      /** What was thrown, if something was. */
      readonly error: unknown;
    };

type Failure = Extract<AttemptResult, { type: 'failure' }>;

export function attempt(input: AttemptInput): Promise<AttemptResult> {
  return new Promise((resolve) => void new Attempt(input, resolve).run());
}

/** A timer that fires so much later than it should was held up by a busy event loop, and with it all that arrived. Milliseconds. */
const lateMs = 100;
/** Then what arrived is read first. */
const turnMs = 50;

/**
 * An attempt under way. What ends it early resolves its promise there and then, so that a transport that ignores its signal
 * holds nobody; nothing is raced, which in a healthy call would cost more than all its timers.
 */
class Attempt {
  readonly #input: AttemptInput;
  readonly #resolve: (result: AttemptResult) => void;
  readonly #controller = new AbortController();
  #unlink = (): void => {};
  #cancelTimer = (): void => {};
  #limit: 'first-byte' | 'idle' | 'total';
  /** When `#limit` ends the attempt, and when the timer looks, on the clock. */
  #dueAt: number;
  #looksAt: number;
  #hadTurn = false;
  #headersAt: number | null = null;
  /** Reads the body. */
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  /** A refusal is there; its body is still being read. */
  #refused = false;
  #isOver = false;

  constructor(input: AttemptInput, resolve: (result: AttemptResult) => void) {
    this.#input = input;
    this.#resolve = resolve;
    const limitMs = Math.min(input.firstByteMs, input.totalMs);
    this.#limit = input.firstByteMs <= input.totalMs ? 'first-byte' : 'total';
    this.#dueAt = this.#looksAt = input.startedAt + limitMs;
    this.#unlink = onFirstAbort(input.callers, () => this.#end({ type: 'aborted' }));
    if (!this.#isOver) this.#lookAfter(limitMs);
  }

  async run(): Promise<void> {
    if (this.#isOver) return;
    let response: Response | null = null;
    try {
      response = await this.#input.send(this.#controller.signal);
      if (this.#isOver) return await discard(response);
      this.#headersAt = this.#input.clock.now();
      this.#limitBody(this.#headersAt);
      await this.#read(response);
    } catch (error) {
      const outcome = outcomeOfError(error);
      // After headers there was an answer; it only could not be read.
      if (response && outcome.type === 'connection') return this.#fail(badBody(response, 'reset'), { answered: response });
      return this.#fail(outcome, { error });
    }
  }

  async #read(response: Response): Promise<void> {
    const { expect, clock } = this.#input;
    const { status } = response;
    if (status >= 300 && status < 400 && status !== 304) {
      await discard(response);
      return this.#fail(badBody(response, 'redirect'));
    }
    if (response.ok && expect === 'pass')
      return this.#succeed({ type: 'passed', response: this.#untilEnd(response), headersAt: this.#headersAt as number });
    const readable = webResponse(response);
    this.#reader = (readable.body?.getReader() ?? null) as ReadableStreamDefaultReader<Uint8Array> | null;
    if (!response.ok) {
      this.#refused = true;
      const { outcome, text } = await outcomeOfResponse(readable, { clock, reader: this.#reader });
      return this.#fail(outcome, { response: readable, text });
    }
    return expect === 'stream' ? this.#readStream(readable) : this.#readAnswer(readable, expect as 'message' | 'json');
  }

  async #readStream(response: Response): Promise<void> {
    const { idleMs, clock } = this.#input;
    const onStall = (): void => this.#end({ type: 'stream-break', problem: 'stall' });
    const begun = await readPrelude(response, this.#reader ?? nothingToRead(), { idleMs, clock, onStall });
    if (begun.type === 'failed') return this.#fail(begun.outcome, { answered: response, text: begun.text, usage: begun.usage });
    this.#succeed({
      type: 'stream',
      response: eventStream(response),
      prelude: begun.chunks,
      reader: begun.reader,
      abort: aborterOf(this.#controller),
      headersAt: this.#headersAt as number,
    });
  }

  async #readAnswer(response: Response, expect: 'message' | 'json'): Promise<void> {
    // Simple implementations of fetch have no body, only its text.
    const read = this.#reader === null ? await response.text() : await readRest(this.#reader, [], () => this.#byteCame());
    if (read === null) return this.#fail(badBody(response, 'oversized'), { answered: response });
    const body = verifyBody(read, response.headers.get('content-type'), expect);
    if (body.type === 'bad')
      return this.#fail(badBody(response, body.problem, body.error), {
        answered: response,
        text: body.problem === 'error-envelope' ? read : '',
      });
    const { text, value } = body;
    this.#succeed({ type: 'message', response, text, message: value, headersAt: this.#headersAt as number });
  }

  /** A body that is handed on unread is still to come, and the caller may leave while it does. */
  #untilEnd(response: Response): Response {
    // The SDK’s own signal ends with the request; a scope may live as long as the process, and must not keep what was read.
    if (response.body && !isForeign(response) && this.#input.callers.length > 1)
      return followed(response, response.body.getReader(), this.#unlink);
    // A body of another implementation stays what it is, and does not tell when it ends.
    if (!response.body || isForeign(response)) this.#unlink();
    return response;
  }

  /**
   * The headers are there: what limited their coming limits the rest no more. The timer is left as it is if it looks early
   * enough: with the usual limits, one serves a whole attempt.
   */
  #limitBody(now: number): void {
    const { startedAt, totalMs, idleMs, expect } = this.#input;
    const totalAt = startedAt + totalMs;
    // How long a stream is silent is watched where it is read.
    const idleAt = idleMs > 0 && (expect === 'message' || expect === 'json') ? now + idleMs : Infinity;
    this.#limit = totalAt <= idleAt ? 'total' : 'idle';
    this.#dueAt = Math.min(totalAt, idleAt);
    this.#hadTurn = false;
    if (this.#dueAt >= this.#looksAt) return;
    this.#cancelTimer();
    this.#lookAfter(this.#dueAt - now, now);
  }

  /** Silence counts from the last byte. */
  #byteCame(): void {
    if (this.#limit === 'idle') this.#limitBody(this.#input.clock.now());
  }

  #lookAfter(delayMs: number, now?: number): void {
    if (now !== undefined) this.#looksAt = now + delayMs;
    if (Number.isFinite(delayMs)) this.#cancelTimer = this.#input.clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    const now = this.#input.clock.now();
    if (this.#dueAt > this.#looksAt) return this.#lookAfter(Math.max(0, this.#dueAt - now), now);
    if (this.#hadTurn || now - this.#looksAt < lateMs) return this.#end({ type: 'limit', limit: this.#limit });
    this.#hadTurn = true;
    this.#lookAfter(turnMs, now);
  }

  /** Ends it from outside: the caller left, or a limit passed. Of an answer that was handed on unread, it ends the body. */
  #end(outcome: Outcome): void {
    // A refusal whose body does not come is that refusal.
    if (this.#refused && outcome.type === 'limit') return void this.#reader?.cancel().catch(() => {});
    abortQuietly(this.#controller);
    this.#fail(outcome);
  }

  #fail(
    outcome: Outcome,
    { response = null, answered = null, text = '', usage = null, error }: Partial<Omit<Failure, 'type' | 'outcome'>> = {},
  ): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#unlink();
    abortQuietly(this.#controller);
    // A transport that ignores its signal must let go of the body all the same, and a timer waits for every read.
    this.#reader?.cancel().catch(() => {});
    this.#resolve({ type: 'failure', outcome, response, answered, text, headersAt: this.#headersAt, usage, error });
  }

  #succeed(result: Exclude<AttemptResult, Failure>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#reader = null;
    if (result.type !== 'passed') this.#unlink();
    this.#resolve(result);
  }
}

/** In a scope of its own: what it was made in, the first chunks included, would live as long as the stream. */
const aborterOf = (controller: AbortController) => (): void => abortQuietly(controller);

const badBody = (response: Response, problem: BadBody, error?: ErrorFacts): Outcome => ({
  type: 'bad-body',
  status: response.status,
  problem,
  headers: response.headers,
  error,
});

const nothingToRead = (): ReadableStreamDefaultReader<Uint8Array> =>
  new ReadableStream<Uint8Array>({ start: (controller) => controller.close() }).getReader();

/** What is read as a stream is one for everybody who gets it, whatever the upstream called it. */
function eventStream(response: Response): Response {
  if (isEventStream(response.headers.get('content-type'))) return response;
  const named = copyAround(response, null);
  named.headers.set('content-type', 'text/event-stream; charset=utf-8');
  return named;
}
