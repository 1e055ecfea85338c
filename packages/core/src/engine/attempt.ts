// One send, under its own AbortController and limits. Returns what came of it; never throws, never judges.

import type { Outcome } from '../policy/outcome.ts';
import type { TokenCount } from '../telemetry/ledger.ts';
import type { Clock } from '../time.ts';
import { abortQuietly, onFirstAbort } from './abort.ts';
import { outcomeOfError, outcomeOfResponse } from './outcome.ts';
import { readPrelude } from './prelude.ts';
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

export async function attempt(input: AttemptInput): Promise<AttemptResult> {
  const { clock } = input;
  const controller = new AbortController();
  let ended: Outcome | null = null;
  let onEnd = (): void => {};
  const end = (outcome: Outcome): void => {
    if (ended) return;
    ended = outcome;
    abortQuietly(controller);
    onEnd();
  };
  // A transport that ignores its signal must not hold the caller.
  const endedEarly = new Promise<never>((_, reject) => {
    onEnd = () => reject(new Error('the attempt was ended'));
  });
  endedEarly.catch(() => {});
  const unlink = onFirstAbort(input.callers, () => end({ type: 'aborted' }));
  let cancelTimer = clock.after(Math.min(input.firstByteMs, input.totalMs), () =>
    end({ type: 'limit', limit: input.firstByteMs <= input.totalMs ? 'first-byte' : 'total' }),
  );
  const totalFromNow = (): void => {
    cancelTimer();
    const leftMs = input.startedAt + input.totalMs - clock.now();
    // The headers of a whole answer come when it is written: the rest follows at once, or never.
    const bodyMs = input.idleMs > 0 && (input.expect === 'message' || input.expect === 'json') ? input.idleMs : Infinity;
    const limitMs = Math.min(leftMs, bodyMs);
    cancelTimer = Number.isFinite(limitMs)
      ? clock.after(limitMs, () => end({ type: 'limit', limit: leftMs <= bodyMs ? 'total' : 'idle' }))
      : () => {};
  };
  let headersAt: number | null = null;
  let response: Response | null = null;
  let handedOn = false;
  let keepLinked = false;
  const failure = (outcome: Outcome, text = '', withResponse = false, usage: TokenCount | null = null): AttemptResult => ({
    type: 'failure',
    outcome,
    response: withResponse ? response : null,
    text,
    headersAt,
    usage,
  });

  try {
    if (ended) return failure(ended);
    const sending = input.send(controller.signal);
    sending.then(
      (late) => {
        if (ended && late !== response) late.body?.cancel().catch(() => {});
      },
      () => {},
    );
    response = await Promise.race([sending, endedEarly]);
    headersAt = clock.now();
    totalFromNow();

    if (response.status >= 300 && response.status < 400 && response.status !== 304) {
      await discard(response);
      return failure({ type: 'bad-body', status: response.status, problem: 'redirect', headers: response.headers });
    }
    if (!response.ok) {
      const { outcome, text } = await Promise.race([outcomeOfResponse(response, { clock }), endedEarly]);
      return failure(outcome, text, true);
    }
    switch (input.expect) {
      case 'pass':
        handedOn = true;
        // Its body is still to come, and the caller may leave while it does.
        keepLinked = true;
        return { type: 'passed', response, headersAt };
      case 'stream': {
        const begun = await Promise.race([
          readPrelude(response, { idleMs: input.idleMs, clock, onStall: () => end({ type: 'stream-break', problem: 'stall' }) }),
          endedEarly,
        ]);
        if (begun.type === 'failed') return failure(begun.outcome, '', false, begun.usage);
        handedOn = true;
        return { type: 'stream', response, prelude: begun.chunks, reader: begun.reader, abort: aborterOf(controller), headersAt };
      }
      default: {
        const text = await Promise.race([response.text(), endedEarly]);
        // Read to its end: there is nothing left to abort.
        handedOn = true;
        const body = verifyBody(text, response.headers.get('content-type'), input.expect);
        if (body.type === 'bad')
          return failure({
            type: 'bad-body',
            status: response.status,
            problem: body.problem,
            headers: response.headers,
            error: body.error,
          });
        return { type: 'message', response, text, message: body.value, headersAt };
      }
    }
  } catch (error) {
    if (ended) return failure(ended);
    const outcome = outcomeOfError(error);
    // After headers there was an answer; it only could not be read.
    if (response && outcome.type === 'connection')
      return failure({ type: 'bad-body', status: response.status, problem: 'reset', headers: response.headers });
    return failure(outcome);
  } finally {
    cancelTimer();
    if (!keepLinked) unlink();
    if (!handedOn && !controller.signal.aborted) abortQuietly(controller);
  }
}

/** In a scope of its own: what it was made in, the first chunks included, would live as long as the stream. */
const aborterOf = (controller: AbortController) => (): void => abortQuietly(controller);

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}
