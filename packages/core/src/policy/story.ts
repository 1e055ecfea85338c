// What became of a failed call, in one form: from the verdict that the engine reached, and from the error that the caller
// has in hand. The verdict travels with the error, in labels of a Response or in details of an error of ours, so that both
// always tell the same.

import { millisecondsIn, type Failure } from '../wire/sdk-error.ts';
import { classify } from './classify.ts';
import { connectionFacts } from './connection-facts.ts';
import {
  endings,
  errorCodeOf,
  failureKinds,
  isEndKind,
  isFailureKind,
  isSurfaceReason,
  reasonOfCode,
  type EndKind,
  type ProblemKind,
  type SurfaceReason,
} from './endings.ts';
import type { HeaderReader, Outcome } from './outcome.ts';
import type { Verdict } from './verdict.ts';

export interface Story {
  readonly kind: EndKind;
  /** The upstream's error code, the row of the table that decided, or the `errorCode` of ours. */
  readonly reason: string;
  /** What to do about it, one sentence. */
  readonly action: string;
  /** The same call may succeed later. */
  readonly retryable: boolean;
  /** When, milliseconds from the failure, if known. */
  readonly retryAfterMs: number | null;
}

/** What of a story travels with an error: not the advice, which is known wherever the kind and the reason are. */
export type Told = Omit<Story, 'action'>;

/** The story of an upstream's failure. `retryAfterMs`: where the upstream itself named no time. */
export function storyOfVerdict(verdict: Verdict, retryAfterMs: number | null = null): Story {
  return {
    kind: verdict.kind === 'success' ? 'upstream-error' : verdict.kind,
    reason: verdict.reason,
    action: verdict.action,
    retryable: verdict.transient ?? verdict.retry === 'here',
    retryAfterMs: verdict.waitMs ?? retryAfterMs,
  };
}

/** The story of an end of ours. `verdict`: on the failure of the upstream that it stands for, if there was one. */
export function storyOfEnding(reason: SurfaceReason, verdict: Verdict | null, retryAfterMs: number | null): Story {
  const { action, retryable, ofUpstream } = endings[reason];
  if (ofUpstream && verdict) return storyOfVerdict(verdict, retryAfterMs);
  return { kind: reason, reason: errorCodeOf(reason), action, retryable, retryAfterMs };
}

/** The labels by which a Response of the upstream tells what was made of it. */
export function labelsOf({ kind, reason, retryable, retryAfterMs }: Told): Record<string, string> {
  return {
    'holdfast-kind': kind,
    'holdfast-reason': reason.replace(/[^\x21-\x7e]/g, '_').slice(0, 128),
    'holdfast-retryable': String(retryable),
    ...(retryAfterMs === null ? {} : { 'holdfast-retry-after-ms': String(Math.ceil(retryAfterMs)) }),
  };
}

/** The same in the details of an error of ours. */
export function detailsOf({ kind, reason, retryable, retryAfterMs }: Told): Record<string, unknown> {
  return { kind, reason, retryable, ...(retryAfterMs === null ? {} : { retry_after_ms: Math.ceil(retryAfterMs) }) };
}

/**
 * The story of an error, by what travels with it; of one that did not come through Holdfast, by classifying it. Null for an
 * error that says nothing of a Claude call.
 *
 * @param now milliseconds since the Unix epoch, to read dates in `retry-after`
 */
export function storyOfError(failure: Failure, now: number): Story | null {
  if (failure.code?.startsWith('holdfast_')) return storyOfOurs(failure, failure.code);
  const { name, headers = noHeaders } = failure;
  if (name === 'APIUserAbortError' || name === 'AbortError') return storyOfEnding('aborted', null, null);
  const told = toldBy(headers);
  const outcome = outcomeOf(failure, told === null ? headers : unmarked(headers));
  if (outcome === null) return null;
  const classified = storyOfVerdict(classify(outcome, { now }), millisecondsIn(failure.details, 'retryAfterMs', 'retry_after_ms') ?? null);
  return told === null ? classified : { ...told, action: classified.kind === told.kind ? classified.action : actionOf(told.kind) };
}

/** What a client is told for a kind. */
export const problemKindOf = (kind: EndKind): ProblemKind => (isFailureKind(kind) ? failureKinds[kind] : endings[kind]).problem;

const actionOf = (kind: EndKind): string => (isSurfaceReason(kind) ? endings[kind] : failureKinds[kind]).action;

/** The body of another process may have come through several: what it does not know, or does not say, the table does. */
function storyOfOurs(failure: Failure, code: string): Story {
  const { details } = failure;
  const own = reasonOfCode(code);
  const said = isEndKind(details['kind']) ? details['kind'] : kindOfType(own, failure);
  const kind = own === undefined || endings[own].ofUpstream ? (said ?? own ?? 'upstream-error') : own;
  const { reason, retryable } = details;
  return {
    kind,
    reason: typeof reason === 'string' && (own === undefined || endings[own].ofUpstream) ? reason : code,
    action: actionOf(kind),
    retryable: typeof retryable === 'boolean' ? retryable : own === undefined || endings[own].retryable,
    retryAfterMs: millisecondsIn(details, 'retryAfterMs', 'retry_after_ms') ?? null,
  };
}

/** A proxy in between keeps what was made of a failure to itself, but not the upstream's type, where that says anything. */
function kindOfType(own: SurfaceReason | undefined, { type, message }: Failure): EndKind | undefined {
  if (own === undefined || type === undefined || type === 'api_error' || type === endings[own].type) return undefined;
  const { kind } = classify({ type: 'stream-error', error: { type, message } });
  return kind === 'success' ? undefined : kind;
}

function toldBy(headers: HeaderReader): Told | null {
  const kind = headers.get('holdfast-kind');
  if (!isEndKind(kind)) return null;
  const wait = Number(headers.get('holdfast-retry-after-ms') ?? Number.NaN);
  return {
    kind,
    reason: headers.get('holdfast-reason') ?? kind,
    retryable: headers.get('holdfast-retryable') === 'true',
    retryAfterMs: Number.isFinite(wait) && wait >= 0 ? wait : null,
  };
}

/** What an error that is not ours tells of the outcome. */
function outcomeOf(failure: Failure, headers: HeaderReader): Outcome | null {
  const { name, status, type, message = '', source } = failure;
  if (status !== undefined) return { type: 'response', status, headers, error: failure };
  if (type !== undefined) return { type: 'stream-error', error: failure };
  switch (name) {
    case 'APIConnectionTimeoutError':
    case 'TimeoutError':
      return { type: 'limit', limit: 'total' };
    case 'APIConnectionError':
      return { type: 'connection', cause: connectionFacts(source) };
    // An error event without a type, or an answer that just ended.
    case 'APIError':
      return { type: 'stream-break', problem: 'early-end' };
    case 'AnthropicError':
    case 'WorkloadIdentityError':
      return ofSdk(source, message);
  }
  return null;
}

/** The SDK's own error: what it refused, what it could not get, or what it wrapped while it read a stream. */
function ofSdk(source: unknown, message: string): Outcome {
  const facts = connectionFacts(source);
  const { cause } = source as { cause?: unknown };
  const brokeOff = endedEarly.test(message) || (cause !== undefined && connectionFacts(cause).origin === undefined);
  if (brokeOff && facts.origin !== 'credentials') return { type: 'stream-break', problem: 'early-end' };
  return { type: 'connection', cause: { ...facts, origin: facts.origin ?? 'program' } };
}

/** What the SDK's helpers say of a stream without an end. */
const endedEarly = /^(?:stream|request) ended without/;

const noHeaders: HeaderReader = { get: () => null };

/** Whether to repeat it was our word, so that nothing above repeats it, and not the upstream's. */
const unmarked = (headers: HeaderReader): HeaderReader => ({ get: (name) => (name === 'x-should-retry' ? null : headers.get(name)) });
