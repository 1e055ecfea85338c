// Which row of the mapping a failed Claude call belongs to.

import { classify } from '../policy/classify.ts';
import type { HeaderReader, Outcome } from '../policy/outcome.ts';
import type { FailureKind } from '../policy/verdict.ts';
import type { Failure } from './failure.ts';
import { problemKindOf, type ProblemKind } from './kinds.ts';

/** The kind of problem behind `error`, for any error of a Claude call: what the policies make of it, in words for a client. */
export function kindOf(failure: Failure): ProblemKind {
  if (failure.code?.startsWith('holdfast_')) return kindOfOurs(failure);
  const { status, headers = noHeaders } = failure;
  if (status === undefined) return kindWithoutStatus(failure);
  // What a proxy in front of the upstream says of a client that left.
  if (status === 499) return 'client-closed';
  return kindOfVerdict({ type: 'response', status, headers, error: failure });
}

const noHeaders: HeaderReader = { get: () => null };

function kindOfVerdict(outcome: Outcome): ProblemKind {
  const { kind } = classify(outcome);
  return kind === 'success' ? 'upstream-error' : problemKindOf[kind];
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

function kindWithoutStatus(failure: Failure): ProblemKind {
  switch (failure.name) {
    case 'APIUserAbortError':
    case 'AbortError':
      return 'client-closed';
    case 'APIConnectionTimeoutError':
    case 'TimeoutError':
      return 'timeout';
    case 'APIConnectionError':
      return 'unreachable';
  }
  // An error event of a stream; without a type, the stream just ended.
  return failure.type === undefined ? 'stream-broken' : kindOfVerdict({ type: 'stream-error', error: failure });
}
