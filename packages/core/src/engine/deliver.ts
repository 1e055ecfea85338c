// Turns how a call ended into the Response the SDK gets.

import type { SurfaceReason } from '../telemetry/events.ts';
import { headerValue, ownAnswer, type OwnErrorDetails } from './answers.ts';
import type { Call } from './call.ts';
import { isForeignKey, type Failure, type PursuitEnd } from './pursuit.ts';
import { ReadResponse } from './read-response.ts';
import { copyAround, lookingLike } from './response-copy.ts';

/** Labels every Response of ours carries. */
export function labels(call: Call, target: string | null): Record<string, string> {
  const { ledger } = call;
  const headers: Record<string, string> = { 'holdfast-call-id': headerValue(call.id), 'holdfast-attempts': String(ledger.attempts.length) };
  if (target) headers['holdfast-target'] = headerValue(target);
  if (ledger.degraded) headers['holdfast-degraded'] = headerValue(ledger.degraded);
  return headers;
}

/** A copy of `response` around another body, with our labels. Length and encoding described the bytes on the wire, not these. */
export function relabel(response: Response, body: BodyInit | null, extra: Record<string, string>): Response {
  return relabelled(copyAround(response, body), extra);
}

/** The same for a body that was read and parsed: it is not made into a stream again. */
export function relabelRead(response: Response, text: string, value: unknown, extra: Record<string, string>): Response {
  return relabelled(lookingLike(response, new ReadResponse(text, value, response)), extra);
}

function relabelled(copy: Response, extra: Record<string, string>): Response {
  const { headers } = copy;
  headers.delete('content-encoding');
  headers.delete('content-length');
  headers.delete('transfer-encoding');
  for (const name in extra) headers.set(name, extra[name] as string);
  return copy;
}

type GaveUp = Extract<PursuitEnd, { type: 'gave-up' }>;

/**
 * The upstream's own refusal when there is one, marked so that nothing above repeats it; else an answer of ours. A 401 is
 * never marked: the SDK's token refresh needs it.
 */
export function surface(call: Call, end: GaveUp): { response: Response; reason: SurfaceReason | 'upstream' } {
  const { failure } = end;
  const target = failure?.hop.target ?? null;
  const reason = ownReason(end);
  if (reason === null && failure?.result.response && canBeTold(failure)) {
    const { response, text } = failure.result;
    return {
      response: relabel(response, text, { ...labels(call, target), ...marksFor(response.status, end) }),
      reason: 'upstream',
    };
  }
  const own = reason ?? reasonOfFailure(failure);
  return { response: ownAnswer(own, errorDetails(call, end), labels(call, target)), reason: own };
}

const canBeTold = (failure: Failure): boolean => !isForeignKey(failure);

/** With another way open, the SDK is to come back at once if it has no new token: it tells us by the count of its retries. */
function marksFor(status: number, { tokenRefresh }: GaveUp): Record<string, string> {
  if (tokenRefresh?.elsewhere) return { 'x-should-retry': 'true', 'retry-after-ms': '1' };
  return status === 401 ? {} : { 'x-should-retry': 'false' };
}

export function errorDetails(call: Call, end: GaveUp): Omit<OwnErrorDetails, 'error_code'> {
  return {
    call_id: call.id,
    attempts: call.ledger.attempts.length,
    kind: end.failure && end.failure.verdict.kind !== 'success' ? end.failure.verdict.kind : undefined,
    retry_after_ms: end.retryAfterMs ?? undefined,
  };
}

/** Reasons of our own that win over what the upstream said last. */
function ownReason(end: GaveUp): SurfaceReason | null {
  switch (end.reason) {
    case 'aborted':
    case 'shutting-down':
      return end.reason;
    case 'deadline':
      // A refusal in hand tells more than a deadline that would have passed during the next wait.
      return end.failure?.result.response ? null : 'deadline';
    case 'permanent':
    case 'attempts':
    case 'hint-too-long':
      return null;
    case 'budget':
      return end.failure ? null : 'budget-empty';
    default:
      return end.failure ? null : end.reason;
  }
}

/** A failure without an answer of the upstream that could be told. */
function reasonOfFailure(failure: Failure | null): SurfaceReason {
  if (failure === null) return 'unreachable';
  const { outcome } = failure.result;
  switch (outcome.type) {
    case 'response':
      return isForeignKey(failure) ? 'no-target' : 'bad-answer';
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
      return 'unreachable';
  }
}
