// Which row of the mapping a failed Claude call belongs to.

import type { Failure } from './failure.ts';
import { problemKindOf, type ProblemKind } from './kinds.ts';
import type { FailureKind } from '../policy/verdict.ts';

/** The kind of problem behind `error`, for any error of a Claude call. */
export function kindOf(failure: Failure): ProblemKind {
  if (failure.code?.startsWith('holdfast_')) return kindOfOurs(failure);
  return kindByWords(failure) ?? (failure.status === undefined ? kindWithoutStatus(failure) : kindByStatus(failure, failure.status));
}

function kindOfOurs({ code, details }: Failure): ProblemKind {
  switch (code) {
    case 'holdfast_circuit_open':
    case 'holdfast_no_target':
      return 'circuit-open';
    case 'holdfast_budget_empty':
      return 'shed';
    case 'holdfast_deadline':
    case 'holdfast_timeout':
      return 'timeout';
    case 'holdfast_aborted':
      return 'client-closed';
    case 'holdfast_unreachable':
      return 'unreachable';
    case 'holdfast_stream_broken':
      return 'stream-broken';
    case 'holdfast_shutting_down':
      return 'shutting-down';
  }
  const kind = details['kind'];
  return typeof kind === 'string' && Object.hasOwn(problemKindOf, kind) ? problemKindOf[kind as FailureKind] : 'upstream-error';
}

/**
 * Two permanent refusals share `invalid_request_error` and have no code of their own; only the beginning of the message
 * tells them apart. A wrong guess costs no more than a less helpful status.
 */
function kindByWords({ status, type, message }: Failure): ProblemKind | undefined {
  if (message === undefined || (status !== 400 && type !== 'invalid_request_error')) return undefined;
  if (/^prompt is too long|^input length and `max_tokens` exceed/i.test(message)) return 'too-large';
  if (/^you have reached your specified (workspace )?api usage limits/i.test(message)) return 'upstream-billing';
  return undefined;
}

function kindWithoutStatus({ type, name }: Failure): ProblemKind {
  switch (name) {
    case 'APIUserAbortError':
    case 'AbortError':
      return 'client-closed';
    case 'APIConnectionTimeoutError':
    case 'TimeoutError':
      return 'timeout';
    case 'APIConnectionError':
      return 'unreachable';
  }
  return kindByType(type) ?? 'stream-broken';
}

function kindByStatus({ code, type }: Failure, status: number): ProblemKind {
  if (status === 429 && code !== undefined && code.endsWith('spend_limit_reached')) return 'upstream-billing';
  if (status === 429 && type === 'billing_error') return 'upstream-billing';
  if (code === 'organization_on_hold' || code?.startsWith('cmek_')) return 'upstream-config';
  switch (status) {
    case 401:
    case 403:
      return 'upstream-auth';
    case 402:
      return 'upstream-billing';
    case 404:
    case 501:
      return 'upstream-config';
    case 408:
    case 504:
      return 'timeout';
    case 413:
      return 'too-large';
    case 429:
      return 'rate-limited';
    case 499:
      return 'client-closed';
    case 529:
      return 'overloaded';
  }
  return status >= 500 ? 'upstream-error' : status >= 400 ? 'invalid-request' : 'upstream-error';
}

/** In-stream errors have a type only; the second half of the list is how Amazon words them. */
function kindByType(type: string | undefined): ProblemKind | undefined {
  switch (type) {
    case 'overloaded_error':
    case 'serviceUnavailableException':
      return 'overloaded';
    case 'rate_limit_error':
    case 'throttlingException':
      return 'rate-limited';
    case 'api_error':
    case 'internalServerException':
    case 'modelStreamErrorException':
      return 'upstream-error';
    case 'timeout_error':
    case 'modelTimeoutException':
      return 'timeout';
    case 'authentication_error':
    case 'permission_error':
      return 'upstream-auth';
    case 'billing_error':
      return 'upstream-billing';
    case 'not_found_error':
      return 'upstream-config';
    case 'request_too_large':
      return 'too-large';
    case 'invalid_request_error':
    case 'validationException':
      return 'invalid-request';
  }
  return undefined;
}
