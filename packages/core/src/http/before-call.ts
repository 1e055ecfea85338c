// What a server may say about a call that its proxy is asked for, before it is made.

import type { IncomingMessage } from 'node:http';
import type { CallOptions } from '../options.ts';
import { anthropicError, type AnthropicReply } from './anthropic-error.ts';
import { isObject } from '../wire/sdk-error.ts';
import { wireError } from './relay-error.ts';

/** A call as its caller wrote it. */
export interface ProxiedCall {
  readonly path: '/v1/messages' | '/v1/messages/count_tokens';
  /** The request body: `model`, `max_tokens`, `messages` and the others, unchecked. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The beta features of its `anthropic-beta` header. */
  readonly betas: readonly string[];
  /** Whose key pays. */
  readonly credential: 'operator' | 'caller';
}

/** What to do with it. Members that are left out stay as the caller wrote them. */
export interface ProxyDecision {
  /** Told to the caller in Anthropic's shape, and nothing is sent upstream. A text is a 403. */
  readonly refuse?: string | ProxyRefusal | undefined;
  /** Sent instead. */
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  readonly betas?: readonly string[] | undefined;
  /** Options of the call: its tenant, deadline, fence … */
  readonly holdfast?: CallOptions | undefined;
}

export interface ProxyRefusal {
  readonly message: string;
  /** Default: 403. */
  readonly status?: number | undefined;
  /** Anthropic's word for it. Default: the one of the status. */
  readonly type?: string | undefined;
}

/** Decides about a call; nothing returned means yes. What it throws is a failure of this server, and nothing is sent. */
export type BeforeCall = (
  call: ProxiedCall,
  request: IncomingMessage,
) => ProxyDecision | undefined | void | Promise<ProxyDecision | undefined | void>;

const known: ReadonlySet<string> = new Set(['refuse', 'body', 'betas', 'holdfast'] satisfies readonly (keyof ProxyDecision)[]);

/**
 * Asks `beforeCall` about a call. A decision that cannot be read is none: nothing may pass because of a misspelt word.
 *
 * @throws {TypeError} for such a decision
 */
export async function decisionOn(call: ProxiedCall, request: IncomingMessage, beforeCall: BeforeCall | undefined): Promise<ProxyDecision> {
  const decision = await beforeCall?.(call, request);
  if (decision === undefined || decision === null) return {};
  const unknown = isObject(decision) ? Object.keys(decision).find((name) => !known.has(name)) : String(decision);
  if (unknown !== undefined) throw new TypeError(`beforeCall returned "${unknown}"; it may return nothing or ${[...known].join(', ')}`);
  if (decision.body !== undefined && !isObject(decision.body)) throw new TypeError('The body that beforeCall returned is no object.');
  return decision;
}

/** This server's own words to a caller, in Anthropic's shape. */
export function ownRefusal({ message, status = 403, type = typeOf(status) }: ProxyRefusal): AnthropicReply {
  return anthropicError(wireError(status, { type: 'error', error: { type, message } }, new Headers()), { exposeAccount: true });
}

/** https://platform.claude.com/docs/en/api/errors */
function typeOf(status: number): string {
  const types: Readonly<Record<number, string>> = {
    401: 'authentication_error',
    402: 'billing_error',
    403: 'permission_error',
    404: 'not_found_error',
    413: 'request_too_large',
    429: 'rate_limit_error',
    529: 'overloaded_error',
  };
  return types[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}
