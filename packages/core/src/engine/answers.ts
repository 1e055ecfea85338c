// Answers of our own, in Anthropic's shape, so that the SDK raises its own error classes for them.

import type { ErrorFacts } from '../policy/outcome.ts';
import type { SurfaceReason } from '../telemetry/events.ts';

/** What `err.details` carries on an error of ours. */
export interface OwnErrorDetails {
  /** `holdfast_circuit_open`, `holdfast_deadline`, … The SDK shows it as `err.errorCode`. */
  readonly error_code: string;
  readonly call_id: string;
  /** The failure behind it, in `explain`'s words. */
  readonly kind?: string | undefined;
  /** When a new call may succeed, milliseconds from now. */
  readonly retry_after_ms?: number | undefined;
  readonly attempts?: number | undefined;
  /** Why a broken stream could not be continued. */
  readonly cause?: string | undefined;
}

interface OwnAnswer {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

/**
 * Status decides the SDK class: 503 ServiceUnavailableError, 504 GatewayTimeoutError, 499 ClientClosedRequestError,
 * 502 InternalServerError. No message may contain "timeout" or "timed out": the SDK would take the error for one of its
 * own and replace it.
 */
const ownAnswers: Record<SurfaceReason, OwnAnswer> = {
  'circuit-open': {
    status: 503,
    type: 'overloaded_error',
    message: 'The circuit for this target is open after repeated failures. Try again later or add a second target.',
  },
  'budget-empty': {
    status: 503,
    type: 'overloaded_error',
    message: 'The retry budget is spent: too many calls are failing to repeat this one.',
  },
  'no-target': { status: 503, type: 'api_error', message: 'No target may take this request now. See the ledger for each target’s reason.' },
  'shutting-down': { status: 503, type: 'api_error', message: 'This process is shutting down and takes no new calls.' },
  unreachable: { status: 503, type: 'api_error', message: 'The upstream could not be reached.' },
  'bad-answer': { status: 502, type: 'api_error', message: 'The upstream answered with something that is no complete message.' },
  'stream-broken': { status: 502, type: 'api_error', message: 'The stream broke and could not be continued.' },
  deadline: { status: 504, type: 'timeout_error', message: 'The deadline of this call passed before an answer was complete.' },
  timeout: { status: 504, type: 'timeout_error', message: 'The upstream did not begin to answer within the limit.' },
  aborted: { status: 499, type: 'api_error', message: 'The caller left before the answer was complete.' },
};

/** Header values are one line of visible ASCII; an id that the application chose may be anything. */
export const headerValue = (text: string): string => text.replace(/[^\x21-\x7e]/g, '_').slice(0, 128);

/** The `errorCode` users see for a reason. */
export const errorCodeOf = (reason: SurfaceReason): string => `holdfast_${reason.replaceAll('-', '_')}`;

/** `said`: the upstream's own words, which win over ours. */
function errorBody(reason: SurfaceReason, details: Omit<OwnErrorDetails, 'error_code'>, said?: ErrorFacts): string {
  const { type, message } = ownAnswers[reason];
  return JSON.stringify({
    type: 'error',
    error: { type: said?.type ?? type, message: said?.message ?? message, details: { error_code: errorCodeOf(reason), ...details } },
    request_id: details.call_id,
  });
}

/** The Response for a call that Holdfast itself ends. Marked so that nothing above repeats it. */
export function ownAnswer(reason: SurfaceReason, details: Omit<OwnErrorDetails, 'error_code'>, labels: Record<string, string>): Response {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'request-id': headerValue(details.call_id),
    'x-should-retry': 'false',
    ...labels,
  };
  if (details.retry_after_ms !== undefined) headers['retry-after'] = String(Math.ceil(details.retry_after_ms / 1000));
  return new Response(errorBody(reason, details), { status: ownAnswers[reason].status, headers });
}

const encoder = new TextEncoder();

/** The in-stream `error` event for a stream that Holdfast gives up. */
export function ownErrorEvent(reason: SurfaceReason, details: Omit<OwnErrorDetails, 'error_code'>, said?: ErrorFacts): Uint8Array {
  return encoder.encode(`event: error\ndata: ${errorBody(reason, details, said)}\n\n`);
}
