// What each kind of problem becomes on the way to a client: the words and statuses that every adapter shares.

import type { ProblemKind } from '../policy/endings.ts';

export interface ProblemRow {
  readonly status: number;
  readonly title: string;
  /** What the client may read. Says nothing of the upstream's words, ids, accounts or limits. */
  readonly detail: string;
  /** The same request may succeed later. */
  readonly retryable: boolean;
  /** Milliseconds to announce when nobody upstream said when; the announcement is spread over one to two times this. */
  readonly retryAfterMs: number;
  /** Anthropic's own word for it, for streams and replies in Anthropic's shape. */
  readonly wireType: string;
}

/**
 * Statuses: an upstream's 401, 402, 403 and 404 concern this server's credentials, account and model names, so its client
 * gets 502 or 503 and never a code that would make it doubt its own login or URL. 529 is no registered status, so overload
 * is 503. 429 stays 429 because clients and load balancers know it.
 */
export const problemRows: Readonly<Record<ProblemKind, ProblemRow>> = {
  'upstream-auth': row(
    502,
    'The language model refused this server',
    'This server could not authenticate with the language model. Its operators have to fix that.',
    'api_error',
  ),
  'upstream-billing': row(
    503,
    'The language model is not available',
    'The language model is not available to this server at the moment.',
    'api_error',
  ),
  'upstream-config': row(
    502,
    'The language model is set up wrongly',
    'This server asked for a model or endpoint that is not there. Its operators have to fix that.',
    'api_error',
  ),
  'invalid-request': row(
    500,
    'The request to the language model was not valid',
    'The language model did not accept the request this server built.',
    'invalid_request_error',
  ),
  'too-large': row(413, 'The input is too large', 'The input is larger than the language model accepts. Shorten it.', 'request_too_large'),
  'rate-limited': row(
    429,
    'Too many requests',
    'The language model takes no more requests at this rate. Try again later.',
    'rate_limit_error',
    10_000,
  ),
  overloaded: row(
    503,
    'The language model is overloaded',
    'The language model is overloaded. Try again shortly.',
    'overloaded_error',
    5_000,
  ),
  'upstream-error': row(502, 'The language model failed', 'The language model failed to answer. Try again shortly.', 'api_error', 2_000),
  timeout: row(
    504,
    'The language model took too long',
    'The language model did not answer in time. Try again shortly.',
    'timeout_error',
    2_000,
  ),
  unreachable: row(
    502,
    'The language model cannot be reached',
    'The language model could not be reached. Try again shortly.',
    'api_error',
    5_000,
  ),
  'circuit-open': row(
    503,
    'The language model is not available',
    'The language model is failing, so it is not being asked for a moment. Try again shortly.',
    'overloaded_error',
    5_000,
  ),
  shed: row(503, 'This server is busy', 'Too many requests are failing or waiting. Try again shortly.', 'overloaded_error', 5_000),
  'stream-broken': row(502, 'The answer broke off', 'The answer broke off and could not be continued. Ask again.', 'api_error', 1_000),
  'client-closed': row(499, 'The request was cancelled', 'The request was cancelled before an answer was complete.', 'api_error'),
  'shutting-down': row(
    503,
    'This server is restarting',
    'This server is shutting down. Try again at once: another one will answer.',
    'api_error',
    1_000,
  ),
  'internal-error': row(500, 'Internal server error', 'Something went wrong on this server.', 'api_error'),
};

function row(status: number, title: string, detail: string, wireType: string, retryAfterMs?: number): ProblemRow {
  return { status, title, detail, wireType, retryable: retryAfterMs !== undefined, retryAfterMs: retryAfterMs ?? 0 };
}
