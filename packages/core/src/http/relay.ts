// Relays the stream of an answer to a web `Response`.

import { quietly } from '../telemetry/quietly.ts';
import { systemClock, type Clock } from '../time.ts';
import { anthropicError } from './anthropic-error.ts';
import { problemOfCall, type ProblemOptions } from './problem.ts';
import { createPump, type Pump, type RelayOutcome } from './pump.ts';
import { relayFormats, streamErrorBody, type RelayFormat, type RelayFormatName } from './relay-format.ts';
import { openSource, type RelaySource } from './relay-source.ts';
import { currentScope } from './scope.ts';

export interface RelayOptions {
  /** Default: `anthropic-sse`. */
  readonly as?: RelayFormatName | undefined;
  /** A sign of life at least this often while the upstream is silent, in milliseconds. `text` has no room for one. Default: 15 000. */
  readonly heartbeatMs?: number | undefined;
  /**
   * Milliseconds to wait for the first event before headers and a sign of life are sent. A failure until then is an HTTP
   * status; later ones are told inside the stream. Default: 800, because proxies and readers take a longer silence for a
   * dead connection.
   */
  readonly holdHeadersMs?: number | undefined;
  /** A reader that takes nothing for this long is cut off, and the upstream released. Milliseconds. Default: 60 000. */
  readonly slowReaderMs?: number | undefined;
  /** Cancels the answer. Default: the scope's signal, which aborts when the client leaves. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the answer with an in-band error that invites a retry; a drain's `deadline` signal. Default: none. */
  readonly interrupt?: AbortSignal | undefined;
  /**
   * What the in-band error says. `problem`: no more than a problem body. `anthropic`: as Anthropic's API would say it. A
   * function: the data of the event. Default: `problem`.
   */
  readonly errors?: 'problem' | 'anthropic' | ((error: unknown) => unknown) | undefined;
  /** How failures are described. */
  readonly problem?: ProblemOptions | undefined;
  /** Response headers to add. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Runs once when the answer has ended, however it did. Log failures here: after headers nobody else hears of them. */
  readonly onEnd?: ((result: RelayResult) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/** @internal */
export const defaultSlowReaderMs = 60_000;

const defaultHoldHeadersMs = 800;

export interface RelayResult {
  /**
   * `completed`: the reader got the whole answer. `failed`: it was told that the answer broke. `interrupted`: the server
   * went down. `left`: the reader went away. `too-slow`: the reader stopped reading.
   */
  readonly outcome: RelayOutcome;
  /** What broke the answer. */
  readonly error?: unknown;
}

/**
 * Relays an answer as it is written, at the reader's pace, and stops the upstream when the reader leaves.
 *
 * `messages.create({ stream: true })` is read only as fast as the reader reads. `messages.stream()` reads ahead by itself;
 * its answer waits in memory.
 *
 * @returns a response whose body streams; it resolves with the first event
 * @throws what the call failed with before its first event: let your error handler map it with `problem`
 */
export async function relay(source: RelaySource, options: RelayOptions = {}): Promise<Response> {
  const pump = pumpFor(source, options, options.onEnd);
  await pump.begin();
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        pump.onTooSlow = () => controller.error(new Error('The reader took nothing for too long.'));
      },
      async pull(controller) {
        const piece = await pump.next();
        if (piece) controller.enqueue(piece);
        else controller.close();
      },
      cancel: () => pump.leave(),
    },
    // Nothing is read ahead: the reader's pace is the upstream's.
    { highWaterMark: 0 },
  );
  return new Response(body, { status: 200, headers: relayHeaders(relayFormats[options.as ?? 'anthropic-sse'], options) });
}

/** @internal */
export function pumpFor(source: RelaySource, options: RelayOptions, onEnd: RelayOptions['onEnd']): Pump {
  // The source comes first: a MessageStream must be listened to in the turn that created it.
  const opened = openSource(source);
  const scope = currentScope();
  const problemOptions: ProblemOptions = { ...options.problem, requestId: options.problem?.requestId ?? scope?.requestId };
  return createPump({
    source: opened,
    format: relayFormats[options.as ?? 'anthropic-sse'],
    clock: options.clock ?? systemClock,
    heartbeatMs: options.heartbeatMs ?? 15_000,
    holdHeadersMs: options.holdHeadersMs ?? defaultHoldHeadersMs,
    slowReaderMs: options.slowReaderMs ?? defaultSlowReaderMs,
    signal: options.signal ?? scope?.signal,
    interrupt: options.interrupt,
    failureBody: (error) => {
      if (typeof options.errors === 'function') return options.errors(error);
      if (options.errors === 'anthropic') return anthropicError(error, { requestId: problemOptions.requestId }).body;
      return streamErrorBody(problemOfCall(error, problemOptions));
    },
    onEnd: (outcome, error) => quietly(() => onEnd?.(error === undefined ? { outcome } : { outcome, error })),
  });
}

/** @internal */
export function relayHeaders(format: RelayFormat, options: RelayOptions): Record<string, string> {
  return {
    'content-type': format.contentType,
    // no-transform also keeps compressing middleware from holding events back.
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
    ...options.headers,
  };
}
