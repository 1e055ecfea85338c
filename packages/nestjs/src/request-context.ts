// What a handler's helpers need to know of the application, without being told: kept beside the scope of the request.

import { currentScope, type Drain, type NodeResponse, type Scope } from '@holdfast/core/http';
import type { IncomingMessage } from 'node:http';

const drains = new WeakMap<Scope, Drain>();

/** @internal */
export function rememberDrain(drain: Drain): void {
  const scope = currentScope();
  if (scope) drains.set(scope, drain);
}

/** @internal The drain of the application whose request this is. */
export function currentDrain(): Drain | undefined {
  const scope = currentScope();
  return scope && drains.get(scope);
}

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

/** @internal Tells Fastify that the reply is ours. */
export const takeOver = (response: object): void => (response as { hijack?: () => void }).hijack?.();
