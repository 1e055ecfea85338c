// What a handler's helpers need to know of the application and of the request, without being told: carried beside the scope.

import type { Drain, NodeResponse } from '@holdfast/core/http';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';

/** @internal */
export interface RequestContext {
  readonly drain: Drain;
  /** Aborts when the response is over, however it ended: whatever is still read for it is read for nobody. */
  readonly over: AbortSignal;
  /** Hears of a failure that no filter will see. */
  readonly tell: (error: unknown) => void;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** @internal */
export const currentContext = (): RequestContext | undefined => storage.getStore();

/** @internal */
export const runWith = <T>(context: RequestContext, fn: () => T): T => storage.run(context, fn);

// Filters run outside of the scope, so they find the id by the request.
const requestIds = new WeakMap<IncomingMessage, string>();

/** @internal */
export function rememberRequestId(request: IncomingMessage, requestId: string): void {
  requestIds.set(request, requestId);
}

/** @internal */
export const requestIdOf = (request: IncomingMessage): string | undefined => requestIds.get(request);

/** @internal Fastify wraps Node's objects, Express extends them. */
export const rawRequest = (request: object): IncomingMessage => ((request as { raw?: IncomingMessage }).raw ?? request) as IncomingMessage;

/** @internal */
export function rawResponse(response: object): NodeResponse {
  return (response as { raw?: NodeResponse }).raw ?? (response as NodeResponse);
}
