// The typed story of a failure, read from whatever error reached the caller, by structure.

import { classify } from './policy/classify.ts';
import type { HeaderReader } from './policy/outcome.ts';
import type { FailureKind } from './policy/verdict.ts';
import type { Ledger } from './telemetry/ledger.ts';

/** What the reader of a broken stream had been given. */
export interface PartialAnswer {
  /** Content blocks as delivered; the last one may be unfinished. */
  readonly content: readonly { readonly type: string; readonly text: string; readonly complete: boolean }[];
  /** The delivered text of all text blocks. */
  readonly text: string;
}

export interface Explanation {
  /** The kind of failure; `unknown` for an error that is not Claude's or Holdfast's. */
  readonly kind: FailureKind | 'circuit-open' | 'budget-empty' | 'deadline' | 'no-target' | 'shutting-down' | 'unknown';
  /** The error code, or the row of the table that decided. */
  readonly reason: string;
  /** What to do about it, one sentence. */
  readonly action: string;
  /** The same call may succeed later. */
  readonly retryable: boolean;
  /** When, milliseconds from the failure, if known. */
  readonly retryAfterMs: number | null;
  /** Id of the logical call, when the error came through Holdfast. */
  readonly callId: string | null;
  /** Every attempt, when this instance still remembers the call. */
  readonly ledger: Ledger | null;
  /** What had been delivered, for a stream that broke. */
  readonly partial: PartialAnswer | null;
}

/** The structure of SDK errors, of either module format. */
interface ErrorShape {
  readonly name?: unknown;
  readonly status?: unknown;
  readonly type?: unknown;
  readonly errorCode?: unknown;
  readonly message?: unknown;
  readonly headers?: HeaderReader | undefined;
  readonly error?: unknown;
}

/** Reasons of ours that name no failure of the upstream. */
const ownKinds: Record<string, { kind: Explanation['kind']; action: string; retryable: boolean }> = {
  holdfast_circuit_open: { kind: 'circuit-open', action: 'Wait until the circuit closes, or configure a second target.', retryable: true },
  holdfast_budget_empty: {
    kind: 'budget-empty',
    action: 'Many calls are failing: look at the upstream before adding retries.',
    retryable: true,
  },
  holdfast_deadline: { kind: 'deadline', action: 'Give the call more time, ask for fewer tokens, or stream it.', retryable: true },
  holdfast_no_target: {
    kind: 'no-target',
    action: 'Look at the ledger: every target refused this request or is outside the fence.',
    retryable: true,
  },
  holdfast_shutting_down: { kind: 'shutting-down', action: 'Send the call to another instance.', retryable: true },
  holdfast_timeout: {
    kind: 'timeout',
    action: 'The upstream was silent: try again, or raise the limit for slow requests.',
    retryable: true,
  },
  holdfast_unreachable: {
    kind: 'unreachable',
    action: 'Check network, DNS and proxy between this process and the upstream.',
    retryable: true,
  },
  holdfast_bad_answer: {
    kind: 'bad-answer',
    action: 'Something between here and the upstream cuts or replaces answers: look at proxies.',
    retryable: true,
  },
  holdfast_stream_broken: { kind: 'stream-broken', action: 'Show the partial answer, or ask again from the start.', retryable: true },
  holdfast_aborted: { kind: 'aborted', action: 'Nothing: the caller left.', retryable: false },
};

/** Explains any error. `ledger` and `partial` are what the caller remembers of the call, if anything. */
export function explainError(error: unknown, remembered: { ledger: Ledger | null; partial: PartialAnswer | null }): Explanation {
  const shape = (typeof error === 'object' && error !== null ? error : {}) as ErrorShape;
  const callId = remembered.ledger?.callId ?? callIdOf(error);
  const base = { callId, ...remembered };
  const code = typeof shape.errorCode === 'string' ? shape.errorCode : undefined;
  const own = code === undefined ? undefined : ownKinds[code];
  if (own) {
    return { ...base, ...own, reason: code as string, retryAfterMs: retryAfterOf(error) };
  }
  if (shape.name === 'APIUserAbortError' || shape.name === 'AbortError') {
    return { ...base, kind: 'aborted', reason: 'aborted', action: 'Nothing: the caller left.', retryable: false, retryAfterMs: null };
  }
  const facts = { type: text(shape.type), code, message: text(shape.message) };
  const verdict =
    typeof shape.status === 'number'
      ? classify({ type: 'response', status: shape.status, headers: shape.headers ?? noHeaders, error: facts })
      : facts.type !== undefined
        ? classify({ type: 'stream-error', error: facts })
        : null;
  if (!verdict || verdict.kind === 'success') {
    return {
      ...base,
      kind: 'unknown',
      reason: 'unknown',
      action: 'This error did not come from Claude or Holdfast.',
      retryable: false,
      retryAfterMs: null,
    };
  }
  return {
    ...base,
    kind: verdict.kind,
    reason: verdict.reason,
    action: verdict.action,
    retryable: verdict.retry === 'here',
    retryAfterMs: verdict.waitMs ?? null,
  };
}

/** The logical call an error belongs to, from our label or our details. */
export function callIdOf(error: unknown): string | null {
  const shape = (typeof error === 'object' && error !== null ? error : {}) as ErrorShape;
  const label = typeof shape.headers?.get === 'function' ? shape.headers.get('holdfast-call-id') : null;
  return label ?? text(detailsOf(error)['call_id']) ?? null;
}

function retryAfterOf(error: unknown): number | null {
  const value = detailsOf(error)['retry_after_ms'];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** `err.error` is the parsed body: `{ type: 'error', error: { details } }`. */
function detailsOf(error: unknown): Record<string, unknown> {
  const body = record(record(error)['error']);
  return record(record(body['error'])['details']);
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const noHeaders: HeaderReader = { get: () => null };
