// One send, under its own AbortController and limits. Returns what came of it; never throws, never judges.

import type { Outcome } from '../policy/outcome.ts';
import type { TokenCount } from '../telemetry/ledger.ts';
import type { Clock } from '../time.ts';
import { abortQuietly, onFirstAbort } from './abort.ts';
import { outcomeOfError, outcomeOfResponse } from './outcome.ts';
import { readPrelude } from './prelude.ts';
import { followed } from './response-copy.ts';
import { verifyBody } from './verify-body.ts';

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
  /** Milliseconds until response headers. */
  readonly firstByteMs: number;
  /** Milliseconds without a byte, while a stream begins; for the body of a whole answer once its headers are there. 0: none. */
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
      /** The upstream's own refusal, if it gave one, with the part of its body that was read. */
      readonly response: Response | null;
      readonly text: string;
      readonly headersAt: number | null;
      /** What a stream told of its cost before it failed. */
      readonly usage: TokenCount | null;
    };

type Failure = Extract<AttemptResult, { type: 'failure' }>;

export function attempt(input: AttemptInput): Promise<AttemptResult> {
  return new Promise((resolve) => void new Attempt(input, resolve).run());
}

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
  /** When `#limit` ends the attempt, and when the timer looks. Milliseconds since the Unix epoch. */
  #dueAt: number;
  #looksAt: number;
  #headersAt: number | null = null;
  /** Reads the beginning of a stream. */
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
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
    const { send, expect, clock, idleMs } = this.#input;
    let response: Response | null = null;
    try {
      response = await send(this.#controller.signal);
      if (this.#isOver) return await discard(response);
      this.#headersAt = clock.now();
      this.#limitBody(this.#headersAt);

      if (response.status >= 300 && response.status < 400 && response.status !== 304) {
        await discard(response);
        return this.#fail({ type: 'bad-body', status: response.status, problem: 'redirect', headers: response.headers });
      }
      if (!response.ok) {
        const { outcome, text } = await outcomeOfResponse(response, { clock });
        return this.#fail(outcome, { response, text });
      }
      switch (expect) {
        case 'pass':
          return this.#succeed({ type: 'passed', response: this.#untilEnd(response), headersAt: this.#headersAt });
        case 'stream': {
          const onStall = (): void => this.#end({ type: 'stream-break', problem: 'stall' });
          const onReader = (reader: ReadableStreamDefaultReader<Uint8Array>): void => {
            this.#reader = reader;
          };
          const begun = await readPrelude(response, { idleMs, clock, onStall, onReader });
          if (begun.type === 'failed') return this.#fail(begun.outcome, { usage: begun.usage });
          const abort = aborterOf(this.#controller);
          return this.#succeed({
            type: 'stream',
            response,
            prelude: begun.chunks,
            reader: begun.reader,
            abort,
            headersAt: this.#headersAt,
          });
        }
        default: {
          const text = await response.text();
          const body = verifyBody(text, response.headers.get('content-type'), expect);
          if (body.type === 'ok')
            return this.#succeed({ type: 'message', response, text, message: body.value, headersAt: this.#headersAt });
          return this.#fail({
            type: 'bad-body',
            status: response.status,
            problem: body.problem,
            headers: response.headers,
            error: body.error,
          });
        }
      }
    } catch (error) {
      const outcome = outcomeOfError(error);
      // After headers there was an answer; it only could not be read.
      if (response && outcome.type === 'connection')
        return this.#fail({ type: 'bad-body', status: response.status, problem: 'reset', headers: response.headers });
      return this.#fail(outcome);
    }
  }

  /** A body that is handed on unread is still to come, and the caller may leave while it does. */
  #untilEnd(response: Response): Response {
    // The SDK’s own signal ends with the request; a scope may live as long as the process, and must not keep what was read.
    if (response.body && this.#input.callers.length > 1) return followed(response, response.body.getReader(), this.#unlink);
    if (!response.body) this.#unlink();
    return response;
  }

  /**
   * The headers are there: what limited their coming limits the rest no more. The timer is left as it is if it looks early
   * enough: with the usual limits, one serves a whole attempt.
   */
  #limitBody(now: number): void {
    const { startedAt, totalMs, idleMs, expect } = this.#input;
    const totalAt = startedAt + totalMs;
    // The headers of a whole answer come when it is written: the rest follows at once, or never.
    const idleAt = idleMs > 0 && (expect === 'message' || expect === 'json') ? now + idleMs : Infinity;
    this.#limit = totalAt <= idleAt ? 'total' : 'idle';
    this.#dueAt = Math.min(totalAt, idleAt);
    if (this.#dueAt >= this.#looksAt) return;
    this.#looksAt = this.#dueAt;
    this.#cancelTimer();
    this.#lookAfter(this.#dueAt - now);
  }

  #lookAfter(delayMs: number): void {
    this.#cancelTimer = this.#input.clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    const leftMs = this.#dueAt - this.#looksAt;
    if (leftMs <= 0) return this.#end({ type: 'limit', limit: this.#limit });
    this.#looksAt = this.#dueAt;
    if (Number.isFinite(leftMs)) this.#lookAfter(leftMs);
  }

  /** Ends it from outside: the caller left, or a limit passed. Of an answer that was handed on unread, it ends the body. */
  #end(outcome: Outcome): void {
    abortQuietly(this.#controller);
    this.#fail(outcome);
  }

  #fail(outcome: Outcome, { response = null, text = '', usage = null }: Partial<Pick<Failure, 'response' | 'text' | 'usage'>> = {}): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#unlink();
    abortQuietly(this.#controller);
    // A transport that ignores its signal must let go of the body all the same, and a timer waits for every read.
    this.#reader?.cancel().catch(() => {});
    this.#resolve({ type: 'failure', outcome, response, text, headersAt: this.#headersAt, usage });
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

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}
