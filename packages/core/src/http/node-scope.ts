// The scope of a Node.js request: ends when its client leaves, and is known by its id.

import type { IncomingMessage } from 'node:http';
import { newId } from '../time.ts';
import { isGone, type NodeResponse } from './relay-node.ts';
import type { ScopeOptions } from './scope.ts';

export interface NodeScopeOptions {
  /** Milliseconds an answer is of use. Default: no deadline. */
  readonly deadlineMs?: number | undefined;
  /** Default: the request's `x-request-id` if it is a plain one, else a new id. */
  readonly requestId?: string | undefined;
  readonly tenant?: string | undefined;
}

/** The scope to open for a request, for `runInScope`. Its signal aborts when the client leaves before the response is finished. */
export function nodeScope(
  request: Pick<IncomingMessage, 'headers'>,
  response: NodeResponse,
  options: NodeScopeOptions = {},
): ScopeOptions & { readonly signal: AbortSignal; readonly requestId: string } {
  return {
    signal: clientSignal(response),
    deadlineMs: options.deadlineMs,
    requestId: options.requestId ?? acceptRequestId(request.headers['x-request-id']),
    tenant: options.tenant,
  };
}

/**
 * Aborts when the client of `response` has left. The request's own `close` event comes as soon as its body was read, so
 * it cannot tell; the response's can.
 */
export function clientSignal(response: NodeResponse): AbortSignal {
  const controller = new AbortController();
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  if (isGone(response)) onClose();
  else response.once('close', onClose);
  return controller.signal;
}

/** An id from outside is taken only if it can do no harm in logs and headers. */
function acceptRequestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : newId();
}
