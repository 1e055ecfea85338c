// Failed Claude calls in tRPC's words.

import { isClaudeError, problem, type Problem, type ProblemOptions } from '@holdfast/core/http';
import { TRPCError, type TRPC_ERROR_CODE_KEY } from '@trpc/server';

/** What a client is told about a failed Claude call: `error.data.claude`. */
export interface ClaudeErrorData {
  /** The kind of problem, the same words as in every other adapter. */
  readonly kind: string;
  readonly retryable: boolean;
  /** Milliseconds until a retry makes sense; null if none does. */
  readonly retryAfterMs: number | null;
  readonly requestId: string | null;
}

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

/** The cause of our TRPCErrors: carries the mapped problem to formatter and response headers. */
class ClaudeProblem extends Error {
  readonly problem: Problem;

  constructor(mapped: Problem) {
    super(mapped.body.detail);
    this.name = 'ClaudeProblem';
    this.problem = mapped;
  }
}

/** A failed Claude call as a TRPCError without the upstream's words; any other error as it is. */
export function toTRPCError(error: unknown, options: ProblemOptions = {}): unknown {
  if (!isClaudeError(error)) return error;
  const mapped = problem(error, options);
  return new TRPCError({
    code: codes[mapped.status] ?? 'INTERNAL_SERVER_ERROR',
    message: mapped.body.detail,
    cause: new ClaudeProblem(mapped),
  });
}

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

/**
 * Adds `data.claude` to the shape of our errors: `initTRPC.create({ errorFormatter: claudeErrorFormatter })`, or call it from
 * your own formatter.
 */
export function claudeErrorFormatter<Shape extends { data: object }>({
  shape,
  error,
}: {
  shape: Shape;
  error: unknown;
}): Shape & { data: { claude?: ClaudeErrorData } } {
  const mapped = problemOf(error);
  return mapped ? { ...shape, data: { ...shape.data, claude: dataOf(mapped) } } : shape;
}

/** `responseMeta` for tRPC's HTTP adapters: tells clients when to come back, where headers are not out yet. */
export function claudeResponseMeta({ errors }: { readonly errors: readonly unknown[] }): { headers?: Headers } {
  const waits = errors.map((error) => problemOf(error)?.headers['retry-after']).filter((value) => value !== undefined);
  return waits.length === 0 ? {} : { headers: new Headers({ 'retry-after': String(Math.max(...waits.map(Number))) }) };
}
