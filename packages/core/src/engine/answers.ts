// Answers of our own, in Anthropic's shape, so that the SDK raises its own error classes for them.

import { endings, errorCodeOf, type EndKind, type SurfaceReason } from '../policy/endings.ts';
import type { ErrorFacts } from '../policy/outcome.ts';

/** What `err.details` carries on an error of ours. */
export interface OwnErrorDetails {
  /** `holdfast_circuit_open`, `holdfast_deadline`, … The SDK shows it as `err.errorCode`. */
  readonly error_code: string;
  readonly call_id: string;
  /** The failure behind it, in `explain`'s words. */
  readonly kind?: EndKind | undefined;
  /** What decided that it is of this kind. */
  readonly reason?: string | undefined;
  /** The same call may succeed later. */
  readonly retryable?: boolean | undefined;
  /** When a new call may succeed, milliseconds from now. */
  readonly retry_after_ms?: number | undefined;
  readonly attempts?: number | undefined;
  /** Why a broken stream could not be continued. */
  readonly cause?: string | undefined;
}

/** Header values are one line of visible ASCII; an id that the application chose may be anything. */
export const headerValue = (text: string): string => text.replace(/[^\x21-\x7e]/g, '_').slice(0, 128);

/** `said`: the upstream's own words, which win over ours. */
function errorBody(reason: SurfaceReason, details: Omit<OwnErrorDetails, 'error_code'>, said?: ErrorFacts): string {
  const { type, message } = endings[reason];
  return JSON.stringify({
    type: 'error',
    error: { type: said?.type ?? type, message: said?.message ?? message, details: { error_code: errorCodeOf(reason), ...details } },
    request_id: details.call_id,
  });
}

/** The Response for a call that Holdfast itself ends. Marked so that nothing above repeats it. */
export function ownAnswer(
  reason: SurfaceReason,
  details: Omit<OwnErrorDetails, 'error_code'>,
  labels: Record<string, string>,
  said?: ErrorFacts,
): Response {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'request-id': headerValue(details.call_id),
    'x-should-retry': 'false',
    ...labels,
  };
  if (details.retry_after_ms !== undefined) headers['retry-after'] = String(Math.ceil(details.retry_after_ms / 1000));
  return new Response(errorBody(reason, details, said), { status: endings[reason].status, headers });
}

const encoder = new TextEncoder();

/** The in-stream `error` event for a stream that Holdfast gives up. */
export function ownErrorEvent(reason: SurfaceReason, details: Omit<OwnErrorDetails, 'error_code'>, said?: ErrorFacts): Uint8Array {
  return encoder.encode(`event: error\ndata: ${errorBody(reason, details, said)}\n\n`);
}

/**
 * The Response for a caller whose scope has ended. It fails when it is read: a call that was begun and is not awaited yet, by
 * somebody who has left and may never come to it, must not end the process by a rejection that nobody handles.
 */
export function leftAnswer(stream: boolean, details: Omit<OwnErrorDetails, 'error_code'>, labels: Record<string, string>): Response {
  const as = (contentType: string): ResponseInit => ({ status: 200, headers: { 'content-type': contentType, ...labels } });
  if (stream) return new Response(ownErrorEvent('aborted', details) as Uint8Array<ArrayBuffer>, as('text/event-stream; charset=utf-8'));
  const { message, status } = endings.aborted;
  const error = Object.assign(new Error(message), {
    name: 'ClientClosedRequestError',
    status,
    errorCode: errorCodeOf('aborted'),
    error: JSON.parse(errorBody('aborted', details)) as unknown,
    requestID: headerValue(details.call_id),
    headers: new Headers(labels),
  });
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: (controller) => controller.error(error) }, { highWaterMark: 0 });
  return new Response(body, as('application/json'));
}
