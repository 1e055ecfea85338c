// One mapping from a failed Claude call to an HTTP reply, for every adapter (RFC 9457).

import { systemClock, systemRandom, type Random } from '../time.ts';
import { readFailure, isClaudeError, type Failure } from '../wire/sdk-error.ts';
import type { ProblemKind } from '../policy/endings.ts';
import type { Story } from '../policy/story.ts';
import { kindOf, storyOf } from './failure-kind.ts';
import { problemRows } from './kinds.ts';
import { knownRetryAfterMs, retryAfterSeconds } from './retry-after.ts';
import { currentScope } from './scope.ts';

/** The body of a reply about a failure: RFC 9457 members, then ours. */
export interface ProblemBody {
  /** Identifies the kind of problem; `typeBase` and the kind. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The request it happened to, when the adapter names it. */
  readonly instance?: string;
  readonly code: ProblemKind;
  /** The same request may succeed later. */
  readonly retryable: boolean;
  /** Milliseconds from now; null when not retryable. */
  readonly retryAfterMs: number | null;
  /** This server's id of the request; null when there is none. */
  readonly requestId: string | null;
  /** The upstream's id, only with `exposeUpstreamId`. */
  readonly upstreamRequestId?: string;
  /** Members added by `mapError`. */
  readonly [extension: string]: unknown;
}

export interface Problem {
  readonly kind: ProblemKind;
  readonly status: number;
  /** Lower-case names: content type, `retry-after`, `cache-control`, and `connection` when shutting down. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemBody;
}

/** What `mapError` may replace. Members of `body` are merged over the mapped ones. */
export interface ProblemOverride {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

export interface ProblemOptions {
  /** Overrides the mapping for the errors it chooses; return undefined to keep what was mapped. Default: none. */
  readonly mapError?: ((error: unknown, mapped: Problem) => ProblemOverride | undefined) | undefined;
  /** Puts the upstream's request id into the body, for clients that are your own. Default: false. */
  readonly exposeUpstreamId?: boolean | undefined;
  /** The status for an upstream's rate limit. 503 where 429 would make a client think it is its own limit. Default: 429. */
  readonly rateLimitedStatus?: 429 | 503 | undefined;
  /** The request was built from the client's own input, so a refusal of it is the client's to fix: 422 instead of 500. Default: false. */
  readonly userInput?: boolean | undefined;
  /** Milliseconds to announce where the failure does not know, replacing the default of its kind. */
  readonly retryAfterMs?: number | undefined;
  /** The id of the request in the body. Default: the scope's, then the id of the call if Holdfast ended it. */
  readonly requestId?: string | undefined;
  /** The `instance` member, for example the request's path. Default: none. */
  readonly instance?: string | undefined;
  /** What `type` begins with; the kind follows. Point it at your own documentation. Default: `urn:holdfast:problem:`. */
  readonly typeBase?: string | undefined;
  /** Default: `Math.random`. */
  readonly random?: Random | undefined;
  /** Milliseconds since the Unix epoch. Default: the machine's clock. */
  readonly now?: number | undefined;
}

/**
 * The reply for `error`, whatever threw it: status, headers and an `application/problem+json` body. Nothing of the
 * upstream's text, ids or limits is in it. An error that is not Claude's becomes a plain 500 without its message;
 * ask `isClaudeError` first to leave such errors to your framework.
 *
 * @example
 * const { status, headers, body } = problem(error);
 * return new Response(JSON.stringify(body), { status, headers });
 */
export function problem(error: unknown, options: ProblemOptions = {}): Problem {
  return isClaudeError(error) ? problemOfCall(error, options) : problemOf(error, 'internal-error', null, readFailure(error), options);
}

/** The reply for a kind of problem that no error stands for, for example `shutting-down`. */
export function problemOfKind(kind: ProblemKind, options: ProblemOptions = {}): Problem {
  return problemOf(undefined, kind, null, readFailure(undefined), options);
}

/** The reply for an error known to come from a Claude call although it may not look like it, such as a broken body. */
export function problemOfCall(error: unknown, options: ProblemOptions = {}): Problem {
  const failure = readFailure(error);
  const story = storyOf(failure, options.now ?? systemClock.wall());
  return problemOf(error, kindOf(story), story, failure, options);
}

/** `story`: null where a kind is all that is known. */
function problemOf(error: unknown, kind: ProblemKind, story: Story | null, failure: Failure, options: ProblemOptions): Problem {
  const row = problemRows[kind];
  const status = statusOf(kind, options);
  const retryAfterMs = retryAfterOf(kind, story, options);
  const isOurs = failure.code?.startsWith('holdfast_') === true;
  const mapped: Problem = {
    kind,
    status,
    headers: headersOf(kind, retryAfterMs),
    body: {
      type: (options.typeBase ?? 'urn:holdfast:problem:') + kind,
      title: row.title,
      status,
      detail: row.detail,
      ...(options.instance === undefined ? {} : { instance: options.instance }),
      code: kind,
      retryable: retryAfterMs !== null,
      retryAfterMs,
      requestId: options.requestId ?? currentScope()?.requestId ?? (isOurs ? failure.requestId : undefined) ?? null,
      ...(options.exposeUpstreamId && !isOurs && failure.requestId !== undefined ? { upstreamRequestId: failure.requestId } : {}),
    },
  };
  const override = options.mapError?.(error, mapped);
  return override ? overridden(mapped, override) : mapped;
}

function statusOf(kind: ProblemKind, options: ProblemOptions): number {
  if (kind === 'rate-limited') return options.rateLimitedStatus ?? 429;
  if (kind === 'invalid-request' && options.userInput) return 422;
  return problemRows[kind].status;
}

/**
 * Null for what no retry cures: the verdict says so, or else its kind. Ours is spread over one to two times the default, so
 * that clients who failed together do not return together.
 */
function retryAfterOf(kind: ProblemKind, story: Story | null, options: ProblemOptions): number | null {
  const row = problemRows[kind];
  if (story?.retryable === false) return null;
  const known = story === null ? undefined : knownRetryAfterMs(story);
  if (!row.retryable && known === undefined) return null;
  if (known !== undefined) return Math.ceil(known);
  return Math.round((options.retryAfterMs ?? row.retryAfterMs) * (1 + (options.random ?? systemRandom)()));
}

function headersOf(kind: ProblemKind, retryAfterMs: number | null): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  if (retryAfterMs !== null) headers['retry-after'] = retryAfterSeconds(retryAfterMs);
  if (kind === 'shutting-down') headers['connection'] = 'close';
  return headers;
}

function overridden(mapped: Problem, override: ProblemOverride): Problem {
  const status = override.status ?? mapped.status;
  return {
    kind: mapped.kind,
    status,
    headers: { ...mapped.headers, ...override.headers },
    body: { ...mapped.body, ...(override.status === undefined ? {} : { status }), ...override.body },
  };
}
