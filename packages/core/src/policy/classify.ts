// What a failure means and what may be done about it: one table over everything that can come back.

import { isCertificateFailure } from './connection-facts.ts';
import type { ErrorFacts, Outcome, StreamBreak } from './outcome.ts';
import { retryHint, shouldRetryHeader } from './retry-hints.ts';
import { codeRows, statusRows, typeRows, type Row } from './failure-table.ts';
import type { Verdict } from './verdict.ts';

export interface ClassifyContext {
  /** Milliseconds since the Unix epoch, to read dates in `retry-after`. */
  readonly now?: number;
  /** `messages` and `count_tokens` may be repeated; on other routes only what is safe is. Default `messages`. */
  readonly route?: 'messages' | 'count_tokens' | 'other';
  /** The HTTP method, for other routes. */
  readonly method?: string;
}

/**
 * Classifies how an attempt ended. Pure: the same outcome always gives the same verdict.
 *
 * Precedence for a response: its `error_code`, then its status; then `x-should-retry`, the server's override, unless the
 * code says that no retry can ever succeed (spend limits). An unknown code takes the rule of its status.
 */
export function classify(outcome: Outcome, context: ClassifyContext = {}): Verdict {
  const verdict = verdictOf(outcome, context.now ?? 0);
  return context.route === 'other' ? conservative(verdict, outcome, context.method ?? 'POST') : verdict;
}

function verdictOf(outcome: Outcome, now: number): Verdict {
  switch (outcome.type) {
    case 'response': {
      if (outcome.status >= 200 && outcome.status < 300) return verdict(rows.success, 'success');
      const found = responseRow(outcome.status, outcome.error);
      const word = shouldRetryHeader(outcome.headers);
      const waitMs = retryHint(outcome.headers, now);
      return { ...override(verdict(found.row, found.reason), word), ...(waitMs === undefined ? {} : { waitMs }) };
    }
    case 'bad-body': {
      // A proxy's redirect or error page says nothing about the request.
      const row = outcome.problem === 'error-envelope' && outcome.error ? (streamErrorRow(outcome.error)?.row ?? rows.badAnswer) : outcome.problem === 'redirect' ? rows.redirect : rows.badAnswer;
      return verdict(row, outcome.problem);
    }
    case 'stream-error': {
      const found = streamErrorRow(outcome.error);
      return found ? verdict(found.row, found.reason) : verdict(rows.unknownStreamError, outcome.error.type ?? 'stream-error');
    }
    case 'stream-break':
      return verdict(rows.streamBreak, streamReasons[outcome.problem]);
    case 'connection':
      return verdict(isCertificateFailure(outcome.cause) ? rows.certificate : outcome.cause.sent === 'no' ? rows.unsent : rows.connection, outcome.cause.code ?? outcome.cause.name);
    case 'limit':
      return verdict(rows.limit, `${outcome.limit}-limit`);
    case 'aborted':
      return verdict(rows.aborted, 'aborted');
  }
}

const streamReasons: Record<StreamBreak, string> = {
  socket: 'socket',
  'early-end': 'early-end',
  stall: 'stall',
  malformed: 'malformed',
  oversized: 'oversized',
  'wrong-type': 'wrong-type',
};

const rows = {
  success: { kind: 'success', retry: 'never', scope: 'request', countsAs: 'success', billed: 'yes', action: 'Nothing to do.' },
  badAnswer: { kind: 'bad-answer', retry: 'here', scope: 'request', countsAs: 'failure', billed: 'maybe', action: 'Retry; if it persists, look at proxies between here and the upstream.' },
  redirect: { kind: 'bad-answer', retry: 'elsewhere', scope: 'target', countsAs: 'neutral', billed: 'no', action: 'Check the base URL: redirects are never followed, because they would carry credentials along.' },
  streamBreak: { kind: 'stream-broken', retry: 'here', scope: 'request', countsAs: 'failure', billed: 'yes', action: 'Continue the stream from what the reader has.' },
  unknownStreamError: { kind: 'upstream-error', retry: 'here', scope: 'request', countsAs: 'failure', billed: 'maybe', action: 'Retry with backoff.' },
  unsent: { kind: 'unreachable', retry: 'here', scope: 'target', countsAs: 'failure', billed: 'no', action: 'Check network, DNS and proxy; nothing was sent, so retrying is safe.' },
  connection: { kind: 'unreachable', retry: 'here', scope: 'target', countsAs: 'failure', billed: 'maybe', action: 'Retry with backoff; the request may have been received.' },
  certificate: { kind: 'unreachable', retry: 'elsewhere', scope: 'target', countsAs: 'failure', billed: 'no', action: 'Mend the certificate or the trust store; retrying cannot help.' },
  limit: { kind: 'timeout', retry: 'here', scope: 'target', countsAs: 'failure', billed: 'maybe', action: 'Retry; for long answers stream, or raise the limit.' },
  aborted: { kind: 'aborted', retry: 'never', scope: 'request', countsAs: 'neutral', billed: 'maybe', action: 'Nothing: the caller left.' },
} as const satisfies Record<string, Row>;

/** An organisation's own spend limit comes as a plain 400: its first words are the only sign. */
const ownSpendLimit = /^You have reached your specified (?:workspace )?API usage limits/;

function responseRow(status: number, error: ErrorFacts | undefined): { row: Row; reason: string } {
  const code = error?.code;
  if (code !== undefined) {
    const row = codeRows.get(`${status} ${code}`) ?? codeRows.get(code);
    if (row) return { row, reason: code };
  }
  if (status === 400 && ownSpendLimit.test(error?.message ?? '')) return { row: codeRows.get('own_spend_limit') as Row, reason: 'own_spend_limit' };
  if (status === 429 && error?.type === 'billing_error') return { row: codeRows.get('enforced_spend_limit_reached') as Row, reason: 'billing_error' };
  const row = statusRows.get(status) ?? statusRows.get(status >= 500 ? 500 : 400);
  return { row: row as Row, reason: code ?? error?.type ?? `status-${status}` };
}

function streamErrorRow(error: ErrorFacts): { row: Row; reason: string } | undefined {
  const byCode = error.code === undefined ? undefined : codeRows.get(error.code);
  if (byCode) return { row: byCode, reason: error.code as string };
  const byType = error.type === undefined ? undefined : typeRows.get(error.type);
  return byType && { row: byType, reason: error.type as string };
}

function verdict(row: Row, reason: string): Verdict {
  return { ...row, reason };
}

/** `x-should-retry` wins over the table, except where a limit is known never to clear or the request is known to be wrong. */
function override(given: Verdict, word: boolean | undefined): Verdict {
  if (word === undefined || given.kind === 'success') return given;
  if (word) return given.retry === 'never' && given.kind !== 'billing' ? { ...given, retry: 'here' } : given;
  return given.retry === 'here' ? { ...given, retry: given.scope === 'request' ? 'never' : 'elsewhere' } : given;
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Routes other than messages may create things twice. Repeat only what the server says may be repeated, what changes
 * nothing, and what was certainly not accepted. Other targets know nothing of these resources.
 */
function conservative(given: Verdict, outcome: Outcome, method: string): Verdict {
  if (given.retry === 'never') return given;
  if (given.retry === 'elsewhere') return { ...given, retry: 'never' };
  const told = outcome.type === 'response' && shouldRetryHeader(outcome.headers) === true;
  const notAccepted = (outcome.type === 'response' && [429, 503, 529].includes(outcome.status)) || (outcome.type === 'connection' && outcome.cause.sent === 'no');
  return told || notAccepted || idempotent.has(method) ? given : { ...given, retry: 'never' };
}
