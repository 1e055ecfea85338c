// Begins answers that readers come for: in the subscription itself, or in a mutation before it.

import { problemOfKind } from '@holdfast/core/http';
import { AnswerLog } from './answer-log.ts';
import { errorEvent, errorOf, toTRPCError, type ClaudeEvent } from './errors.ts';
import { iterateIn, openScope } from './iterate.ts';
import type { ClaudeContext } from './procedure.ts';

/** The parts of the SDK's stream events that are looked at. */
interface WireEvent {
  readonly type: string;
  readonly delta?: { readonly type?: string; readonly text?: string; readonly stop_reason?: string | null };
}

type Source = AsyncIterable<WireEvent> | PromiseLike<AsyncIterable<WireEvent>>;

export interface AnswerInput<Client> {
  /** `ctx.claude`. */
  readonly claude: ClaudeContext<Client>;
  /** Names this answer: chosen by the client, the same when it comes back. A random id, so that nobody can guess it. */
  readonly operationId: string;
  /** Makes the call. Not called again for an answer that was begun. Pass `signal` on if the client has no Holdfast. */
  readonly start: (client: Client, signal: AbortSignal) => Source;
  /** Where answers are kept. Default: one for the process. */
  readonly log?: AnswerLog<ClaudeEvent>;
}

export const processLog: AnswerLog<ClaudeEvent> = new AnswerLog<ClaudeEvent>();

/** Ids of one tenant name nothing of another's. */
export const idIn = ({ scope }: ClaudeContext<unknown>, operationId: string): string => JSON.stringify([scope.tenant ?? null, operationId]);

/**
 * Begins an answer in a mutation, for `claudeStream` to read in a subscription: the prompt travels in the body of a request, and
 * the subscription's URL holds the id alone. Returns when the answer has begun to come, so that a failure before is the
 * mutation's. Called again with the id of an answer that was begun, it does nothing.
 *
 * An answer that nobody comes for is stopped, after `lingerMs` of its log.
 *
 * @returns the id, for the subscription
 * @throws {TRPCError} when the call failed, and may be made again with the same id; of kind `shed` when the log has no room
 */
export async function startAnswer<Client>(input: AnswerInput<Client>): Promise<{ operationId: string }> {
  const { claude, operationId, log = processLog } = input;
  const id = idIn(claude, operationId);
  if (log.has(id)) return { operationId };
  const failure = await new Promise<{ readonly error: unknown } | null>((resolve) => {
    const hasRoom = beginAnswer(input, resolve);
    if (!hasRoom) resolve({ error: errorOf(problemOfKind('shed', claude.problem)) });
  });
  if (!failure) return { operationId };
  // The same id may be tried again.
  log.drop(id);
  throw toTRPCError(failure.error, claude.problem);
}

type OnOpen = (failure: { readonly error: unknown } | null) => void;

/** Begins to write an answer into its log; false when there is no room. `onOpen` hears when it has begun to come, or failed. */
export function beginAnswer<Client>(input: AnswerInput<Client>, onOpen: OnOpen = () => {}): boolean {
  const { claude, operationId, log = processLog } = input;
  return log.begin(idIn(claude, operationId), (signal) => {
    // The reader's signal, and that of the request around it, would end the answer with the connection: the log's own ends it
    // when nobody comes back.
    const run = openScope({ ...claude.scope, signal, outlives: true });
    return iterateIn(run, () => eventsOf(input, signal, onOpen));
  });
}

async function* eventsOf<Client>({ claude, start }: AnswerInput<Client>, signal: AbortSignal, onOpen: OnOpen): AsyncGenerator<ClaudeEvent> {
  let stopReason: string | null = null;
  let whole = false;
  try {
    for await (const { type, delta } of await start(claude.client, signal)) {
      onOpen(null);
      if (delta?.type === 'text_delta' && delta.text) yield { type: 'text', text: delta.text };
      if (type === 'message_delta') stopReason = delta?.stop_reason ?? null;
      if (type === 'message_stop') whole = true;
    }
  } catch (error) {
    onOpen({ error });
    throw error;
  }
  onOpen(null);
  // The SDK alone takes a stream that stops in the middle for a whole one.
  yield whole ? { type: 'end', stopReason } : errorEvent(problemOfKind('stream-broken', claude.problem));
}
