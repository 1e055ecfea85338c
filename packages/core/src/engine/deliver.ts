// Turns a call that gave up into the Response the SDK gets, and remembers what became of it.

import { failureKinds, isSurfaceReason, type SurfaceReason } from '../policy/endings.ts';
import { statusFor } from '../policy/classify.ts';
import type { ErrorFacts } from '../policy/outcome.ts';
import { detailsOf, labelsOf, storyOfEnding, storyOfVerdict, type Story } from '../policy/story.ts';
import type { Verdict } from '../policy/verdict.ts';
import { ownAnswer, type OwnErrorDetails } from './answers.ts';
import type { Call } from './call.ts';
import { labels, relabel } from './labels.ts';
import type { Failure, PursuitEnd } from './pursuit.ts';

type GaveUp = Extract<PursuitEnd, { type: 'gave-up' }>;

export interface Surfaced {
  readonly response: Response;
  readonly story: Story;
}

/**
 * The upstream's own refusal when there is one, marked so that nothing above repeats it; else an answer of ours. A 401 is
 * never marked: the SDK's token refresh needs it. Either tells the verdict that the engine reached.
 */
export function surface(call: Call, end: GaveUp): Surfaced {
  const { failure } = end;
  const said = failure && toldBy(failure);
  const reason = ownReason(end, said !== null);
  if (reason === null && failure && said) {
    const story = storyOfVerdict(failure.verdict, end.retryAfterMs);
    const extra = { ...labels(call, failure.hop.target), ...labelsOf(story), ...marksFor(said.status, end) };
    return { response: said.respond(extra), story };
  }
  const own = reason ?? reasonOfFailure(failure);
  const story = storyOfEnding(own, failure?.verdict ?? null, end.retryAfterMs);
  return { response: ownAnswer(own, errorDetails(call, story), labels(call, failure?.hop.target ?? null), wordsOf(own, failure)), story };
}

interface Telling {
  readonly status: number;
  readonly respond: (extra: Record<string, string>) => Response;
}

/** The upstream's refusal as a Response; null when there is none, or none that the SDK may see. */
function toldBy({ result, verdict, hop }: Failure): Telling | null {
  const { response, answered, text, outcome } = result;
  const refused = response !== null && (!response.ok || response.status === 304);
  const error = 'error' in outcome ? outcome.error : undefined;
  const status = refused ? response.status : saysSomething(error) ? statusFor(error, verdict.kind) : null;
  // The key of another target is no matter of the SDK's: it would renew the token of the first one and begin the call anew.
  if (status === null || (status === 401 && !hop.isPrimary)) return null;
  if (refused) return { status, respond: (extra) => relabel(response, text, extra) };
  const body = isEnvelope(text) ? text : envelopeOf(error as ErrorFacts, verdict.kind);
  const headers = new Headers(answered?.headers);
  const made = new Response(null, { status, headers });
  return { status, respond: (extra) => relabel(made, body, { ...extra, 'content-type': 'application/json' }) };
}

/** It told an error under a status that promised an answer. */
const saysSomething = (error: ErrorFacts | undefined): error is ErrorFacts =>
  error !== undefined && (error.type !== undefined || error.message !== undefined);

const isEnvelope = (text: string): boolean => /^\s*\{\s*"type"\s*:\s*"error"/.test(text);

function envelopeOf({ type, code, message }: ErrorFacts, kind: Verdict['kind']): string {
  const row = failureKinds[kind === 'success' ? 'upstream-error' : kind];
  const details = code === undefined ? {} : { details: { error_code: code } };
  return JSON.stringify({ type: 'error', error: { type: type ?? row.type, message: message ?? row.action, ...details } });
}

/** With another way open, the SDK is to come back at once if it has no new token: it tells us by the count of its retries. */
function marksFor(status: number, { tokenRefresh }: GaveUp): Record<string, string> {
  if (tokenRefresh?.elsewhere) return { 'x-should-retry': 'true', 'retry-after-ms': '1' };
  return status === 401 ? {} : { 'x-should-retry': 'false' };
}

export function errorDetails(call: Call, story: Story): Omit<OwnErrorDetails, 'error_code'> {
  return { call_id: call.id, attempts: call.ledger.attempts.length, ...detailsOf(story) };
}

/** Reasons of our own that win over what the upstream said last. */
function ownReason({ reason, failure }: GaveUp, isTold: boolean): SurfaceReason | null {
  if (reason === 'aborted' || reason === 'shutting-down') return reason;
  // A refusal in hand tells more than a deadline that would have passed during the next wait.
  if (reason === 'deadline') return isTold ? null : 'deadline';
  return failure === null && isSurfaceReason(reason) ? reason : null;
}

/** A failure without an answer of the upstream that could be told. */
export function reasonOfFailure(failure: Failure | null): SurfaceReason {
  if (failure === null) return 'unreachable';
  const { outcome } = failure.result;
  switch (outcome.type) {
    case 'response':
      return !failure.hop.isPrimary && outcome.status === 401 ? 'no-target' : 'bad-answer';
    case 'limit':
      return outcome.limit === 'total' ? 'deadline' : 'timeout';
    case 'aborted':
      return 'aborted';
    case 'bad-body':
      return 'bad-answer';
    case 'stream-break':
    case 'stream-error':
      return 'stream-broken';
    case 'connection':
      return outcome.cause.origin === 'credentials' ? 'credentials' : 'unreachable';
  }
}

/** The provider's own words tell which login has expired. */
function wordsOf(own: SurfaceReason, failure: Failure | null): ErrorFacts | undefined {
  const message = own === 'credentials' ? innermostWords(failure?.result.error) : '';
  return message === '' ? undefined : { message: `No credentials could be had for ${failure?.hop.target}: ${message}` };
}

function innermostWords(error: unknown): string {
  let words = '';
  for (let link = error, depth = 0; typeof link === 'object' && link !== null && depth < 16; depth += 1) {
    const { message, cause } = link as { message?: unknown; cause?: unknown };
    if (typeof message === 'string' && message !== '') words = message;
    link = cause;
  }
  return words.slice(0, 500);
}
