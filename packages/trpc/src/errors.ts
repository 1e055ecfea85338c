// Failed Claude calls in tRPC's words.

import { isClaudeError, problem, type Problem, type ProblemOptions } from '@holdfast/core/http';
import { TRPCError, type TRPC_ERROR_CODE_KEY } from '@trpc/server';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';

/** What a client is told about a failed Claude call: `error.data.claude`. */
export interface ClaudeErrorData {
  /** The kind of problem, the same words as in every other adapter. */
  readonly kind: string;
  readonly retryable: boolean;
  /** Milliseconds until a retry makes sense; null if none does. */
  readonly retryAfterMs: number | null;
  readonly requestId: string | null;
}

/** What a subscriber gets. `end` and `error` are the last. */
export type ClaudeEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end'; readonly stopReason: string | null }
  | ({ readonly type: 'error'; readonly message: string } & ClaudeErrorData);

/** tRPC's name for each status of the one mapping. */
const codes: Readonly<Record<number, TRPC_ERROR_CODE_KEY>> = {
  413: 'PAYLOAD_TOO_LARGE',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  499: 'CLIENT_CLOSED_REQUEST',
  500: 'INTERNAL_SERVER_ERROR',
  502: 'BAD_GATEWAY',
  503: 'SERVICE_UNAVAILABLE',
  504: 'GATEWAY_TIMEOUT',
};

/**
 * The cause of our TRPCErrors: carries the mapped problem to formatter and response headers, and the failed call itself, as its
 * own cause, to `onError` of the server.
 */
class ClaudeProblem extends Error {
  readonly problem: Problem;

  constructor(mapped: Problem, failure: unknown) {
    super(mapped.body.detail, failure === undefined ? undefined : { cause: failure });
    this.name = 'ClaudeProblem';
    this.problem = mapped;
  }
}

const codeOf = ({ status }: Problem): TRPC_ERROR_CODE_KEY => codes[status] ?? 'INTERNAL_SERVER_ERROR';

/** `mapped` as the error of a procedure; `failure` is what was mapped. */
export const errorOf = (mapped: Problem, failure?: unknown, code: TRPC_ERROR_CODE_KEY = codeOf(mapped)): TRPCError =>
  new TRPCError({ code, message: mapped.body.detail, cause: new ClaudeProblem(mapped, failure) });

/**
 * A failed Claude call as a TRPCError without the upstream's words; any other error as it is. What a procedure made of a failed
 * call stays: its code, and its message unless that is the upstream's.
 */
export function toTRPCError(error: unknown, options: ProblemOptions = {}): unknown {
  if (isClaudeError(error)) return errorOf(problem(error, options), error);
  if (!hasUpstreamWords(error)) return error;
  const mapped = problem(error.cause, options);
  return errorOf(mapped, error.cause, error.code === 'INTERNAL_SERVER_ERROR' ? undefined : error.code);
}

/** tRPC gives an error without words of its own those of its cause. */
function hasUpstreamWords(error: unknown): error is TRPCError & { cause: Error } {
  return isTRPCError(error) && isClaudeError(error.cause) && error.message === error.cause?.message;
}

/** Applications that were compiled to CommonJS have another copy of the class. */
export const isTRPCError = (error: unknown): error is TRPCError => error instanceof Error && error.name === 'TRPCError';

/** The problem behind an error of ours. */
export function problemOf(error: unknown): Problem | undefined {
  const { cause } = (error ?? {}) as { cause?: { name?: unknown; problem?: Problem } };
  return cause?.name === 'ClaudeProblem' ? cause.problem : undefined;
}

export const dataOf = ({ body }: Problem): ClaudeErrorData => ({
  kind: body.code,
  retryable: body.retryable,
  retryAfterMs: body.retryAfterMs,
  requestId: body.requestId,
});

export const errorEvent = (mapped: Problem): ClaudeEvent => ({ type: 'error', message: mapped.body.detail, ...dataOf(mapped) });

/**
 * Adds `data.claude` to the shape of our errors: `initTRPC.create({ errorFormatter: claudeErrorFormatter })`, or call it from
 * your own formatter. Failed Claude calls that reach tRPC on another way, such as a promise within a streamed answer, lose the
 * upstream's words here.
 */
export function claudeErrorFormatter<Shape extends { code: number; message: string; data: object }>({
  shape,
  error,
}: {
  shape: Shape;
  error: unknown;
}): Shape & { data: { claude?: ClaudeErrorData } } {
  const shown = problemOf(error) ? error : toTRPCError(error);
  const mapped = problemOf(shown);
  if (!mapped) return shape;
  const { code, message } = shown as TRPCError;
  const data = { ...shape.data, code, httpStatus: getHTTPStatusCodeFromError(shown as TRPCError), claude: dataOf(mapped) };
  return { ...shape, code: TRPC_ERROR_CODES_BY_KEY[code], message, data };
}

/** `responseMeta` for tRPC's HTTP adapters: tells clients when to come back, where headers are not out yet. */
export function claudeResponseMeta({ errors }: { readonly errors: readonly unknown[] }): { headers?: Headers } {
  const waits = errors.map((error) => problemOf(error)?.headers['retry-after']).filter((value) => value !== undefined);
  return waits.length === 0 ? {} : { headers: new Headers({ 'retry-after': String(Math.max(...waits.map(Number))) }) };
}
