// What a failure means and what may be done about it: looks up one table (failure-table.ts), then listens to the headers.

import { failureKinds } from './endings.ts';
import { isCertificateFailure, isNetworkCode } from './connection-facts.ts';
import {
  aborted,
  asksNotToRepeat,
  byBadBody,
  byBreak,
  byCode,
  byConnectionCode,
  byHundred,
  byLimit,
  byName,
  byStatus,
  byType,
  byWords,
  connections,
  fastAction,
  local,
  notAgain,
  success,
  unknownStreamError,
  type Row,
} from './failure-table.ts';
import type { ConnectionFacts, ErrorFacts, HeaderReader, Outcome } from './outcome.ts';
import { refillHint, retryHint, shouldRetryHeader } from '../wire/retry-after.ts';
import type { Verdict } from './verdict.ts';

export interface ClassifyContext {
  /** Milliseconds since the Unix epoch, to read dates in `retry-after`. Default 0. */
  readonly now?: number | undefined;
  /** `messages` and `count_tokens` may be repeated; on other routes only what is safe is. Default `messages`. */
  readonly route?: 'messages' | 'count_tokens' | 'other' | undefined;
  /** The HTTP method, for other routes. Default `POST`. */
  readonly method?: string | undefined;
  /** The request's `speed`: fast mode has capacity and limits of its own. */
  readonly speed?: string | undefined;
  /** The target that was asked is the caller's own client. What the program does wrong with another one may be right with this. Default true. */
  readonly isFirstTarget?: boolean | undefined;
}

/**
 * Says what an outcome means: its kind, whether to retry and where, how far it reaches, what it counts as, how long to
 * wait, and what to advise. Pure and total: the same outcome always gives the same verdict, and none throws.
 *
 * The first that is known decides: the `error_code`; two messages that have no code; a telling name (`overloaded_error`,
 * `ThrottlingException`, `RESOURCE_EXHAUSTED`); the status; a general type; the hundred of the status. An unknown code is
 * thereby treated as its bare type, as Anthropic asks (https://platform.claude.com/docs/en/api/errors). Then the server's
 * `x-should-retry` overrules the table, except where the account cannot serve until somebody acts or the month ends.
 *
 * @example
 * const { retry, waitMs, action } = classify({ type: 'response', status: 529, headers: response.headers });
 */
export function classify(outcome: Outcome, context: ClassifyContext = {}): Verdict {
  const headers = 'headers' in outcome ? outcome.headers : undefined;
  const verdict = fitSpeed(headers ? obey(judge(outcome), headers, context.now ?? 0) : judge(outcome), context.speed);
  if (verdict.kind === 'local-error' && context.isFirstTarget === false) return { ...verdict, retry: 'elsewhere' };
  return context.route === 'other' ? conservative(verdict, outcome, headers, context.method ?? 'POST') : verdict;
}

function judge(outcome: Outcome): Verdict {
  switch (outcome.type) {
    case 'response':
      return ofResponse(outcome.status, outcome.headers, outcome.error ?? {});
    case 'bad-body':
      return outcome.error
        ? ofStreamError(outcome.error, byBadBody[outcome.problem])
        : verdict(byBadBody[outcome.problem], outcome.problem);
    case 'stream-error':
      return ofStreamError(outcome.error, unknownStreamError);
    case 'stream-break':
      return verdict(byBreak[outcome.problem], outcome.problem);
    case 'connection':
      return verdict(connectionRow(outcome.cause), outcome.cause.code || outcome.cause.name);
    case 'limit':
      return verdict(byLimit[outcome.limit], `${outcome.limit}-limit`);
    case 'aborted':
      return verdict(aborted, 'aborted');
  }
}

function ofResponse(status: number, headers: HeaderReader, error: ErrorFacts): Verdict {
  if (status >= 200 && status < 300) return verdict(success, 'success');
  const type = error.type ?? amazonName(headers);
  const words = wordsOf(status, error);
  const row =
    codeRow(error) ??
    words?.row ??
    unrepeatable(status, error) ??
    nameRow(type) ??
    byStatus.get(status) ??
    rowOf(byType, type) ??
    byHundred(status);
  return verdict(row, error.code || words?.reason || type || `status-${status}`);
}

/** An error under a status that promised an answer. What was generated before it may have been billed. */
function ofStreamError(error: ErrorFacts, otherwise: Row): Verdict {
  const words = wordsOf(error.status ?? statusOfType.get(error.type), error);
  const row =
    codeRow(error) ?? words?.row ?? nameRow(error.type) ?? rowOf(byType, error.type) ?? byStatus.get(error.status ?? 0) ?? otherwise;
  const billed = row.billed === 'no' ? 'maybe' : row.billed;
  return { ...verdict(row, error.code || words?.reason || error.type || 'stream-error'), billed };
}

const rowOf = (table: ReadonlyMap<string | undefined, Row>, name: string | undefined): Row | undefined => table.get(name);
const codeRow = ({ code }: ErrorFacts): Row | undefined => rowOf(byCode, code);
const wordsOf = (status: number | undefined, { message }: ErrorFacts): (typeof byWords)[number] | undefined =>
  byWords.find((words) => words.status === status && message?.match(words.pattern));
/** Where an error came without its status, its type stands for the one that it usually has. */
const statusOfType: ReadonlyMap<string | undefined, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['conflict_error', 409],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

/** The status that fits an error which came without one, in a stream or under 200. */
export const statusFor = ({ type, status }: ErrorFacts, kind: Verdict['kind']): number =>
  statusOfType.get(type) ?? status ?? failureKinds[kind === 'success' ? 'upstream-error' : kind].status;
/** A failure of the server after something was done. */
const unrepeatable = (status: number, { message }: ErrorFacts): Row | undefined =>
  status >= 500 && message !== undefined && asksNotToRepeat.test(message) ? notAgain : undefined;

/** Amazon writes the same name with a capital in replies and without one in streams. */
const nameRow = (type: string | undefined): Row | undefined =>
  rowOf(byName, type) ??
  rowOf(
    byName,
    type?.replace(/./, (first) => first.toUpperCase()),
  );

/** Amazon names the error in a header: `ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/`. */
const amazonName = (headers: HeaderReader): string | undefined =>
  headers.get('x-amzn-errortype')?.replace(/:.*/s, '').replace(/.*#/s, '') || undefined;

function connectionRow(cause: ConnectionFacts): Row {
  if (cause.origin === 'program') return local.program;
  if (cause.origin === 'credentials') return isNetworkCode(cause.code) ? local.credentialsUnreachable : local.credentials;
  const known = rowOf(byConnectionCode, cause.code);
  if (known) return known;
  if (isCertificateFailure(cause)) return connections.certificate;
  if (cause.name === 'TimeoutError') return connections.tooSlow;
  return cause.sent === 'no' ? connections.unsent : connections.maybeSent;
}

const verdict = (row: Row, reason: string): Verdict => ({ ...row, reason });

/** What the server itself says about trying again. */
function obey(given: Verdict, headers: HeaderReader, now: number): Verdict {
  if (given.kind === 'success') return given;
  const waitMs = retryHint(headers, now) ?? (given.countsAs === 'throttled' ? refillHint(headers, now) : undefined);
  const hinted = waitMs === undefined ? given : { ...given, waitMs };
  switch (given.disable === undefined ? shouldRetryHeader(headers) : undefined) {
    case true:
      return { ...hinted, retry: 'here' };
    case false:
      return hinted.retry === 'here' ? { ...hinted, retry: hinted.scope === 'request' ? 'never' : 'elsewhere' } : hinted;
    case undefined:
      return hinted;
  }
}

function fitSpeed(given: Verdict, speed: string | undefined): Verdict {
  return speed === 'fast' && given.scope === 'model' && (given.kind === 'rate-limited' || given.kind === 'overloaded')
    ? { ...given, scope: 'speed', action: fastAction }
    : given;
}

/** DELETE and PUT are not among them: a repeated DELETE answers 404 for what it did itself. */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Turned away before anything was done. A 503 may as well be a proxy's word for a connection that broke in the middle of the work. */
const turnedAway: ReadonlySet<number> = new Set([429, 529]);

/**
 * Other routes may create things twice. Repeated is what the server says may be, what changes nothing, and what was
 * certainly not accepted. No other target knows of these resources.
 */
function conservative(given: Verdict, outcome: Outcome, headers: HeaderReader | undefined, method: string): Verdict {
  const unaccepted =
    (outcome.type === 'response' && turnedAway.has(outcome.status)) || (outcome.type === 'connection' && outcome.cause.sent === 'no');
  const safe = unaccepted || safeMethods.has(method.toUpperCase()) || (headers !== undefined && shouldRetryHeader(headers) === true);
  return given.retry === 'here' && safe ? given : { ...given, retry: 'never', transient: given.retry === 'here' };
}
