// Errors of the relay, in the shape of the SDK's own, so that one reading serves both.

import { errorFacts } from '../wire/error-body.ts';

/** What a reader can be told when the upstream said nothing itself. */
type Reason = 'aborted' | 'stream_broken' | 'shutting_down';

const answers: Readonly<Record<Reason, { readonly name: string; readonly status: number | undefined; readonly message: string }>> = {
  aborted: { name: 'ClientClosedRequestError', status: 499, message: 'The request was cancelled before the answer was complete.' },
  stream_broken: { name: 'APIError', status: undefined, message: 'The stream ended before the message was complete.' },
  shutting_down: { name: 'ServiceUnavailableError', status: 503, message: 'The server is shutting down.' },
};

export function relayError(reason: Reason): Error {
  const { name, status, message } = answers[reason];
  return shaped(
    name,
    status,
    new Headers(),
    { type: 'error', error: { type: 'api_error', message, details: { error_code: `holdfast_${reason}` } } },
    message,
  );
}

/** An `error` event read off the wire, or the body of a refusal, as the SDK would have thrown it. */
export function wireError(status: number | undefined, body: unknown, headers: Headers): Error {
  return shaped('APIError', status, headers, body, 'The upstream reported an error.');
}

function shaped(name: string, status: number | undefined, headers: Headers, body: unknown, message: string): Error {
  const { type = null, code = null, message: said = null } = errorFacts(body);
  const { error: inner } = (body ?? {}) as { error?: { details?: unknown } | null };
  return Object.assign(new Error(message), {
    name,
    status,
    headers,
    error: body,
    requestID: headers.get('request-id'),
    type,
    apiMessage: said,
    errorCode: code,
    details: inner?.details ?? null,
  });
}
