// Subscriptions that resume where they were, without a second paid request, and that end instead of reconnecting for ever.

import { isClaudeError, problem, problemOfKind, runInScope, type Problem } from '@holdfast/core/http';
import { tracked, type TrackedEnvelope } from '@trpc/server';
import { AnswerLog } from './answer-log.ts';
import { dataOf, type ClaudeErrorData } from './errors.ts';
import type { ClaudeContext } from './procedure.ts';

/** What a subscriber gets. `end` and `error` are the last. */
export type ClaudeEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end'; readonly stopReason: string | null }
  | ({ readonly type: 'error'; readonly message: string } & ClaudeErrorData);

/** The parts of the SDK's stream events that are looked at. */
interface WireEvent {
  readonly type: string;
  readonly delta?: { readonly type?: string; readonly text?: string; readonly stop_reason?: string | null };
}

type Source = AsyncIterable<WireEvent> | PromiseLike<AsyncIterable<WireEvent>>;

export interface ClaudeStreamInput<Client> {
  /** `ctx.claude`. */
  readonly claude: ClaudeContext<Client>;
  /** Names this answer: chosen by the client, the same when it reconnects. A random id, so that nobody can guess it. */
  readonly operationId: string;
  /** `input.lastEventId`, which tRPC's client sends when it reconnects. */
  readonly lastEventId?: string | null | undefined;
  /** Makes the call. Not called again for a reader who comes back. Pass `signal` on if the client has no Holdfast. */
  readonly start: (client: Client, signal: AbortSignal) => Source;
  /** Where answers are kept. Default: one for the process. */
  readonly log?: AnswerLog<ClaudeEvent>;
}

const processLog = new AnswerLog<ClaudeEvent>();

/**
 * Yields an answer for a subscription: `yield* claudeStream({ … })`.
 *
 * The answer is written into a log that outlives the connection for a while. A client that reconnects reads on from the event
 * it saw last. If the log no longer has the answer, it ends with an `error` event of kind `stream-broken`: asking again costs
 * money, so that is the application's choice. Failures are `error` events too, because tRPC's client reconnects after thrown
 * ones for ever.
 */
export async function* claudeStream<Client>(input: ClaudeStreamInput<Client>): AsyncGenerator<TrackedEnvelope<ClaudeEvent>> {
  const { claude, operationId, lastEventId, start, log = processLog } = input;
  // Ids of one tenant name nothing of another's.
  const id = JSON.stringify([claude.scope.tenant ?? null, operationId]);
  const after = lastEventId ? Number(lastEventId) : 0;
  if (!log.has(id)) {
    if (lastEventId || !Number.isSafeInteger(after)) {
      yield tracked('lost', errorEvent(problemOfKind('stream-broken')));
      return;
    }
    // The reader's signal would end the answer with the connection: the log's own ends it when nobody comes back.
    log.begin(id, (signal) =>
      runInScope({ ...claude.scope, signal }, () =>
        eventsOf(claude, () => runInScope({ ...claude.scope, signal }, () => start(claude.client, signal))),
      ),
    );
  }
  const leave = new AbortController();
  const unlink = onFirstAbort([claude.signal, claude.drain?.deadline], () => leave.abort());
  let isWhole = false;
  try {
    const seen = Number.isSafeInteger(after) ? Math.max(0, after) : 0;
    // From the event that was seen last on: it may have been the end.
    for await (const [number, event] of log.read(id, Math.max(0, seen - 1), leave.signal)) {
      isWhole = event.type !== 'text';
      if (number > seen) yield tracked(String(number), event);
    }
    if (claude.drain?.deadline.aborted) yield tracked('closing', errorEvent(problemOfKind('shutting-down')));
    // The log may have given it up: an answer never just stops.
    else if (!isWhole && !leave.signal.aborted) yield tracked('lost', errorEvent(problemOfKind('stream-broken')));
  } finally {
    unlink();
  }
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

async function* eventsOf<Client>(claude: ClaudeContext<Client>, start: () => Source): AsyncGenerator<ClaudeEvent> {
  let stopReason: string | null = null;
  let whole = false;
  try {
    for await (const { type, delta } of await start()) {
      if (delta?.type === 'text_delta' && delta.text) yield { type: 'text', text: delta.text };
      if (type === 'message_delta') stopReason = delta?.stop_reason ?? null;
      if (type === 'message_stop') whole = true;
    }
    // The SDK alone takes a stream that stops in the middle for a whole one.
    yield whole ? { type: 'end', stopReason } : errorEvent(problemOfKind('stream-broken'));
  } catch (error) {
    yield errorEvent(isClaudeError(error) ? problem(error, claude.problem) : problemOfKind('internal-error'));
  }
}

const errorEvent = (mapped: Problem): ClaudeEvent => ({ type: 'error', message: mapped.body.detail, ...dataOf(mapped) });
