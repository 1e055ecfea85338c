// A failed Claude call as a reply in Anthropic's own shape, for a server that speaks to an Anthropic SDK.

import { systemClock } from '../time.ts';
import { isClaudeError, isObject, readFailure, type Failure } from '../wire/sdk-error.ts';
import { endings, failureKinds, isFailureKind, reasonOfCode, type ProblemKind } from '../policy/endings.ts';
import type { Story } from '../policy/story.ts';
import { kindOf, storyOf } from './failure-kind.ts';
import { problemRows } from './kinds.ts';
import { knownRetryAfterMs, retryAfterSeconds } from './retry-after.ts';
import { currentScope } from './scope.ts';

/** The error body of the Messages API, also the data of a stream's `error` event. */
export interface AnthropicErrorBody {
  readonly type: 'error';
  readonly error: { readonly type: string; readonly message: string; readonly details?: Readonly<Record<string, unknown>> };
  readonly request_id: string | null;
}

export interface AnthropicReply {
  readonly kind: ProblemKind;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AnthropicErrorBody;
}

export interface AnthropicErrorOptions {
  /**
   * Passes on the upstream's words about this server's credentials, account and limits too. Its words about the
   * request itself (400, 404, 409, 413, 422) are always passed on, since the caller wrote the request. Default: false.
   */
  readonly exposeAccount?: boolean | undefined;
  /** Default: the scope's, then the error's. */
  readonly requestId?: string | undefined;
  /** Milliseconds since the Unix epoch. Default: the machine's clock. */
  readonly now?: number | undefined;
}

/**
 * The reply for `error` in Anthropic's shape, with Anthropic's status (529 included), so that the SDK on the other side
 * raises the same class as it would in this process. `x-should-retry` is `false`, because the retries were spent here,
 * except when Holdfast knows when a new call may succeed: then it is `true` with `retry-after-ms`.
 */
export function anthropicError(error: unknown, options: AnthropicErrorOptions = {}): AnthropicReply {
  const failure = readFailure(error);
  const story = isClaudeError(error) ? storyOf(failure, options.now ?? systemClock.wall()) : null;
  const kind = story === null ? 'internal-error' : kindOf(story);
  const status =
    failure.status !== undefined && failure.status >= 400 && kind !== 'internal-error' ? failure.status : statusOf(kind, story);
  const requestId = options.requestId ?? currentScope()?.requestId ?? failure.requestId ?? null;
  return {
    kind,
    status,
    headers: headersOf(kind, story, requestId),
    body: { type: 'error', error: innerOf(kind, status, failure, options.exposeAccount === true), request_id: requestId },
  };
}

/** Whose fault it was decides whether the upstream's words help the caller or describe this server's account. */
const wordsOfTheRequest: ReadonlySet<number> = new Set([400, 404, 405, 409, 412, 413, 422]);
const ofTheCaller: ReadonlySet<ProblemKind> = new Set(['invalid-request', 'too-large']);
const ofTheServer: ReadonlySet<ProblemKind> = new Set(['upstream-billing', 'upstream-auth', 'internal-error']);

function innerOf(kind: ProblemKind, status: number, failure: Failure, exposeAccount: boolean): AnthropicErrorBody['error'] {
  const row = problemRows[kind];
  const maySpeak = exposeAccount || isOurOwnWord(failure) || (wordsOfTheRequest.has(status) && !ofTheServer.has(kind));
  const details = maySpeak
    ? ofTheCaller.has(kind)
      ? failure.details
      : withoutStory(failure.details)
    : failure.code === undefined
      ? {}
      : { error_code: failure.code };
  return {
    type: failure.type ?? row.wireType,
    message: (maySpeak ? failure.message : undefined) ?? row.detail,
    ...(isObject(details) && Object.keys(details).length > 0 ? { details } : {}),
  };
}

/** An error of ours may carry the upstream's words, or a credential provider's. */
function isOurOwnWord({ code, message }: Failure): boolean {
  const reason = reasonOfCode(code);
  return reason !== undefined && message === endings[reason].message;
}

/** What was made of the failure here concerns this server's account, unless the caller's request was refused. */
function withoutStory(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { kind: _, reason: __, ...rest } = details;
  return 'call_id' in details ? rest : details;
}

/** @internal An id that the application chose may be anything; headers may not. */
export const isHeaderValue = (id: string | null | undefined): id is string => /^[\x21-\x7e]+$/.test(id ?? '');

function headersOf(kind: ProblemKind, story: Story | null, requestId: string | null): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-should-retry': 'false' };
  if (isHeaderValue(requestId)) headers['request-id'] = requestId;
  const retryAfterMs = story === null ? undefined : knownRetryAfterMs(story);
  if (retryAfterMs !== undefined) {
    headers['retry-after'] = retryAfterSeconds(retryAfterMs);
    if (kind === 'circuit-open') {
      headers['x-should-retry'] = 'true';
      headers['retry-after-ms'] = String(Math.max(1, Math.ceil(retryAfterMs)));
    }
  }
  if (kind === 'shutting-down') {
    headers['connection'] = 'close';
    headers['x-should-retry'] = 'true';
  }
  return headers;
}

/** For failures without a status: what Anthropic's API would answer. */
function statusOf(kind: ProblemKind, story: Story | null): number {
  if (story === null || kind === 'unreachable') return problemRows[kind].status;
  return (isFailureKind(story.kind) ? failureKinds[story.kind] : endings[story.kind]).status;
}
