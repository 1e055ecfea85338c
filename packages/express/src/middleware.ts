// The middleware: every Claude call below it ends with its client and its deadline.

import { createDrain, nodeScope, problemOfKind, replyToNode, runInScope, type Drain, type HealthSources } from '@holdfast/core/http';
import type { Request, RequestHandler } from 'express';
import { getHoldfast, setContext, type HoldfastContext } from './context.ts';

export interface HoldfastExpressOptions<Client> {
  /** The SDK client that handlers get. */
  readonly client: Client;
  /** Holdfast's controls, what `holdfast()` returned; several by name. The health routes ask it. Default: always well. */
  readonly hold?: HealthSources | undefined;
  /** Milliseconds an answer is of use. Default: no deadline. */
  readonly deadlineMs?: number | ((request: Request) => number | undefined) | undefined;
  /** Default: the request's `x-request-id` if it is a plain one, else a new id. */
  readonly requestId?: ((request: Request) => string | undefined) | undefined;
  /** Whose request it is; keeps cached answers of tenants apart. Default: none. */
  readonly tenant?: ((request: Request) => string | undefined) | undefined;
}

/** The middleware, with what the other parts of this package need on it. */
export interface HoldfastExpress<Client> extends RequestHandler {
  readonly client: Client;
  readonly hold: HealthSources;
  readonly drain: Drain;
  /** `getHoldfast` with the client's own type. */
  of(request: Request): HoldfastContext<Client>;
}

/**
 * Opens a scope for every request: its Claude calls are aborted when the client leaves, share its deadline, and are known
 * by its id. Requests that come after the server began to close get 503.
 */
export function holdfastExpress<Client>(options: HoldfastExpressOptions<Client>): HoldfastExpress<Client> {
  const { client, deadlineMs } = options;
  const drain = createDrain();
  const handler: RequestHandler = (request, response, next) => {
    if (drain.refuses) {
      replyToNode(response, problemOfKind('shutting-down'));
      return;
    }
    const scope = nodeScope(request, response, {
      deadlineMs: typeof deadlineMs === 'function' ? deadlineMs(request) : deadlineMs,
      requestId: options.requestId?.(request),
      tenant: options.tenant?.(request),
    });
    setContext(request, { client, drain, signal: scope.signal, requestId: scope.requestId });
    runInScope(scope, next);
  };
  return Object.assign(handler, {
    client,
    drain,
    hold: options.hold ?? { health: () => ({ status: 'ok' as const }) },
    of: (request: Request) => getHoldfast<Client>(request),
  });
}
