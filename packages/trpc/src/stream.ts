// Subscriptions that resume where they were, without a second paid request, and that end instead of reconnecting for ever.

import { problemOfKind } from '@holdfast/core/http';
import { tracked, type TrackedEnvelope } from '@trpc/server';
import { errorEvent, isTRPCError, problemOf, toTRPCError, type ClaudeEvent } from './errors.ts';
import { endsItself } from './iterate.ts';
import { beginAnswer, idIn, processLog, type AnswerInput } from './start.ts';

export interface ClaudeStreamInput<Client> extends Omit<AnswerInput<Client>, 'start'> {
  /** `input.lastEventId`, which tRPC's client sends when it reconnects. */
  readonly lastEventId?: string | null | undefined;
  /** Makes the call if nobody has begun this answer. Default: `startAnswer` has begun it. */
  readonly start?: AnswerInput<Client>['start'] | undefined;
}

type Tracked = AsyncGenerator<TrackedEnvelope<ClaudeEvent>>;

/**
 * Yields an answer for a subscription: `yield* claudeStream({ … })`.
 *
 * The answer is written into a log that outlives the connection for a while. A client that reconnects reads on from the event
 * it saw last. If the log does not have the answer (any more), it ends with an `error` event of kind `stream-broken`: asking
 * again costs money, so that is the application's choice. Failures of Claude are `error` events too, because tRPC's client
 * reconnects after thrown ones for ever.
 *
 * @throws what `start` throws that is not Claude's, for tRPC's `onError` to hear. Where tRPC's client would reconnect after it,
 *   an `error` event of kind `internal-error` comes first.
 */
export async function* claudeStream<Client>(input: ClaudeStreamInput<Client>): Tracked {
  const { claude, operationId, lastEventId, start, log = processLog } = input;
  endsItself(claude);
  const id = idIn(claude, operationId);
  const seen = seenIn(lastEventId);
  if (!log.has(id)) {
    const mayBegin = start !== undefined && !lastEventId;
    if (!mayBegin || !beginAnswer({ claude, operationId, start, log })) {
      yield tracked('lost', errorEvent(problemOfKind(mayBegin ? 'shed' : 'stream-broken', claude.problem)));
      return;
    }
  }
  const leave = new AbortController();
  const unlink = onFirstAbort([claude.signal, claude.drain?.deadline], () => leave.abort());
  // From the event that was seen last on: it may have been the end.
  let at = Math.max(0, seen - 1);
  let isWhole = false;
  try {
    for await (const [number, event] of log.read(id, at, leave.signal)) {
      at = number;
      isWhole = event.type !== 'text';
      if (number > seen) yield tracked(String(number), event);
    }
    if (claude.drain?.deadline.aborted) yield tracked('closing', errorEvent(problemOfKind('shutting-down', claude.problem)));
    // The log may have given it up: an answer never just stops.
    else if (!isWhole && !leave.signal.aborted) yield tracked('lost', errorEvent(problemOfKind('stream-broken', claude.problem)));
  } catch (error) {
    // Who has seen how it ended is not told again.
    if (at + 1 > seen) yield* failed(error, claude.problem, at + 1);
  } finally {
    unlink();
  }
}

/** The number of the event that was seen last; 0 for none, and for what is no number. */
function seenIn(lastEventId: string | null | undefined): number {
  const seen = Number(lastEventId ?? 0);
  return Number.isSafeInteger(seen) && seen > 0 ? seen : 0;
}

/** After these tRPC's client reconnects over server-sent events, for ever. */
const retriedCodes = new Set(['INTERNAL_SERVER_ERROR', 'BAD_GATEWAY', 'SERVICE_UNAVAILABLE', 'GATEWAY_TIMEOUT']);

/** The last event of an answer that failed as its `number`th. What is not Claude's failure is thrown, too. */
async function* failed(error: unknown, options: Parameters<typeof toTRPCError>[1], number: number): Tracked {
  const shown = toTRPCError(error, options);
  const mapped = problemOf(shown);
  if (mapped) {
    yield tracked(String(number), errorEvent(mapped));
    return;
  }
  const own = isTRPCError(shown) ? shown : null;
  if (!own || retriedCodes.has(own.code)) {
    const event = errorEvent(problemOfKind('internal-error', options));
    yield tracked(String(number), own ? { ...event, message: own.message } : event);
  }
  throw shown;
}

function onFirstAbort(signals: readonly (AbortSignal | undefined)[], onAbort: () => void): () => void {
  for (const signal of signals) {
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
  }
  return () => {
    for (const signal of signals) signal?.removeEventListener('abort', onAbort);
  };
}
