// One logical call: what was asked, by whom, until when. Opened once, read by everything after.

import type { MiddlewareContext, MiddlewareNext } from '@anthropic-ai/sdk';
import type { Span } from '@opentelemetry/api';
import type { CallOptions, LimitOptions } from '../options.ts';
import type { Credential, RouteName } from '../policy/target-state.ts';
import { stripUnfinishedThinking } from '../stream/own-thinking.ts';
import type { Transcript } from '../stream/transcript.ts';
import type { Ledger } from '../telemetry/ledger.ts';
import { credentialOf } from './credential.ts';

/** Request options under this key carry the transcript of an answer to be finished. */
export const resumeMark: unique symbol = Symbol('holdfast.resume');

/** The SDK's request as its middleware sees it. */
export type ApiRequest = Parameters<MiddlewareNext>[0];
export type ApiOptions = NonNullable<MiddlewareContext['options']> & { readonly holdfast?: CallOptions };

/** What the surrounding request of the application lends to the calls made in it. */
export interface AmbientScope {
  readonly signal?: AbortSignal | undefined;
  readonly requestId?: string | undefined;
  readonly tenant?: string | undefined;
}

export interface Call {
  readonly id: string;
  /** The name of its checkpoint: an id that the application chose for this call, else one that nobody can guess or take twice. */
  readonly checkpointId: string;
  readonly route: RouteName;
  readonly method: string;
  readonly request: ApiRequest;
  readonly next: MiddlewareNext;
  readonly options: ApiOptions;
  /** The request body as sent (not `ctx.options.body`, which other middleware may have replaced); null if it is not JSON. */
  readonly body: Readonly<Record<string, unknown>> | null;
  /** `body` differs from what the SDK wrote: thinking that nobody could accept was taken out. */
  readonly rewritten: boolean;
  readonly model: string | null;
  readonly stream: boolean;
  /** Part of a message thread: the server holds the history, so only this target can answer and no stream may be spliced. */
  readonly thread: boolean;
  /** The body can be sent again. */
  readonly replayable: boolean;
  /** Whose key or token it is made with. */
  readonly credential: Credential;
  /** Requests of one class take about as long as each other. */
  readonly sizeClass: string;
  readonly tenant: string | null;
  /** When it began, and until when its answer is of use, as the clock's `now` counts. Infinity without a deadline. */
  readonly startedAt: number;
  readonly deadlineAt: number;
  /** Whoever may end this call: the SDK's signal (which follows the user's and the stream's), and the ambient scope's. */
  readonly callers: readonly AbortSignal[];
  readonly perCall: CallOptions;
  /** What an earlier process had delivered of this answer, when this call finishes it. */
  readonly resumeFrom: Transcript | null;
  /** The SDK's own span of this call, when somebody records it. */
  readonly span: Span | undefined;
  readonly ledger: Ledger;
}

interface OpenCallInput {
  readonly request: ApiRequest;
  readonly next: MiddlewareNext;
  readonly options: ApiOptions;
  readonly scope: AmbientScope | undefined;
  /** The scope's deadline as `now` counts; Infinity without one. */
  readonly scopeDeadlineAt: number;
  readonly limits: LimitOptions | undefined;
  readonly span: Span | undefined;
  readonly now: number;
  readonly newId: () => string;
}

export function openCall({ request, next, options, scope, scopeDeadlineAt, limits, span, now, newId }: OpenCallInput): Call {
  const perCall = options.holdfast ?? {};
  const route = routeOf(options);
  const sent = route === 'other' ? null : parseObject(request.body);
  // Thinking that was shown and then begun anew after a break carries no signature: the API refuses it as history.
  const body = sent && stripUnfinishedThinking(sent);
  const model = typeof body?.['model'] === 'string' ? body['model'] : null;
  const stream = body?.['stream'] === true;
  const id = perCall.requestId ?? scope?.requestId ?? newId();
  // A scope's id is often the client's own `x-request-id`, and several calls have it.
  const checkpointId = perCall.requestId ?? (scope?.requestId === undefined ? id : newId());
  const tenant = perCall.tenant ?? scope?.tenant ?? null;
  const deadlineMs = perCall.deadlineMs ?? limits?.deadlineMs ?? Infinity;
  const callers: AbortSignal[] = [];
  if (request.signal) callers.push(request.signal as AbortSignal);
  if (scope?.signal) callers.push(scope.signal);

  return {
    id,
    checkpointId,
    route,
    method: (request.method ?? options.method).toUpperCase(),
    request,
    next,
    options,
    body,
    rewritten: body !== sent,
    model,
    stream,
    thread: body !== null && 'thread' in body,
    replayable: request.body === undefined || request.body === null || typeof request.body === 'string',
    credential: credentialOf(request.headers, options.headers, perCall.credential),
    sizeClass: sizeClassOf(request.body, stream ? null : body?.['max_tokens']),
    tenant,
    startedAt: now,
    deadlineAt: Math.min(now + deadlineMs, scopeDeadlineAt),
    callers,
    perCall,
    resumeFrom: (options as { [resumeMark]?: Transcript })[resumeMark] ?? null,
    span,
    ledger: {
      callId: id,
      checkpointId: null,
      route,
      model,
      stream,
      tenant,
      startedAt: now,
      durationMs: null,
      attempts: [],
      result: null,
      failure: null,
      degraded: null,
      resumes: 0,
      notes: [],
    },
  };
}

/** Each class is four times the one before it: of the request's length, and of what a whole answer may be long. */
function sizeClassOf(body: unknown, maxTokens: unknown): string {
  const length = typeof body === 'string' ? body.length : 0;
  return `${classOf(length)}.${typeof maxTokens === 'number' ? classOf(maxTokens) : 0}`;
}

const classOf = (size: number): number => Math.ceil(Math.log2(Math.max(1, size)) / 2);

function routeOf(options: ApiOptions): RouteName {
  if (options.method !== 'post') return 'other';
  if (options.path === '/v1/messages') return 'messages';
  return options.path === '/v1/messages/count_tokens' ? 'count_tokens' : 'other';
}

function parseObject(body: unknown): Record<string, unknown> | null {
  if (typeof body !== 'string') return null;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
