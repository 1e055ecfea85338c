// What a request carries for the handlers below the middleware.

import type { Drain } from '@holdfast/core/http';
import type { Request } from 'express';

/** A request's access to Claude. */
export interface HoldfastContext<Client = unknown> {
  /** The SDK client. Its calls inherit the request's scope when Holdfast is among its middleware. */
  readonly client: Client;
  /** Aborts when the client of this request has left. */
  readonly signal: AbortSignal;
  /** This server's id of the request. */
  readonly requestId: string;
  /** Where the server is on its way down. */
  readonly drain: Drain;
}

// Not a property of the request: other packages have their own ideas of what belongs there.
const contexts = new WeakMap<Request, HoldfastContext>();

let isAugmented = false;

/** @internal Makes `req.holdfast` exist; called by `@holdfast/express/augment`. */
export function augmentRequests(): void {
  isAugmented = true;
}

/** @internal */
export function setContext(request: Request, context: HoldfastContext): void {
  contexts.set(request, context);
  if (isAugmented) Object.assign(request, { holdfast: context });
}

/** @internal */
export function findContext(request: Request): HoldfastContext | undefined {
  return contexts.get(request);
}

/**
 * The request's access to Claude. `holdfastExpress(…).of(request)` is the same with the client's own type.
 *
 * @throws {Error} when the middleware did not run for this request
 */
export function getHoldfast<Client = unknown>(request: Request): HoldfastContext<Client> {
  const context = contexts.get(request);
  if (!context) throw new Error('Holdfast has not seen this request: mount holdfastExpress(…) with app.use before the route.');
  return context as HoldfastContext<Client>;
}
