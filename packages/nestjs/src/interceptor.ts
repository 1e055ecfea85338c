// Opens the scope of a request: its Claude calls share its deadline and end when its client leaves.

import { currentScope, nodeScope, problemOfKind, runInScope, type ScopeOptions } from '@holdfast/core/http';
import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { NEVER, Observable } from 'rxjs';
import { HoldfastApp } from './app.ts';
import { exchangeOf, type Exchange } from './exchange.ts';
import { sendReply } from './reply.ts';
import { rawRequest, rawResponse, rememberRequestId, runWith } from './request-context.ts';
import { delivered } from './web-response.ts';

interface RequestScope extends ScopeOptions {
  readonly signal: AbortSignal;
}

/** `{ provide: APP_INTERCEPTOR, useExisting: HoldfastInterceptor }`, or `@UseInterceptors(HoldfastInterceptor)`. */
@Injectable()
export class HoldfastInterceptor implements NestInterceptor {
  readonly #app: HoldfastApp;
  /** The resolvers of one GraphQL request share its scope, and its deadline. */
  readonly #scopes = new WeakMap<object, { readonly scope: RequestScope; readonly over: AbortSignal }>();

  constructor(@Inject(HoldfastApp) app: HoldfastApp) {
    this.#app = app;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const exchange = exchangeOf(context);
    if (!exchange) return next.handle();
    const isHttp = context.getType() === 'http';
    if (isHttp && this.#app.drain.refuses) {
      sendReply(exchange.response, problemOfKind('shutting-down'));
      return NEVER;
    }
    const handled = this.#inScope(exchange, next);
    return isHttp ? delivered(handled, exchange.response) : handled;
  }

  /**
   * The handler runs when its result is subscribed to: that is what has to happen inside the scope. A result that nobody
   * waits for any more (a timeout of rxjs) or that failed ends the calls that still run for it.
   */
  #inScope(exchange: Exchange, next: CallHandler): Observable<unknown> {
    const app = this.#app;
    const { scope, over } = this.#scopeOf(exchange);
    const requestContext = { drain: app.drain, over, tell: (error: unknown) => app.tellOfStream(error, exchange.request) };
    return new Observable((subscriber) => {
      const abandoned = new AbortController();
      let isOpen = true;
      const signal = AbortSignal.any([scope.signal, abandoned.signal]);
      const subscription = runWith(requestContext, () =>
        runInScope({ ...scope, signal }, () =>
          next.handle().subscribe({
            next: (value) => {
              // From here on it is the value that ends with its client; who takes only the first one has still taken it.
              isOpen = false;
              subscriber.next(value);
            },
            error: (error: unknown) => {
              isOpen = false;
              abandoned.abort();
              subscriber.error(error);
            },
            complete: () => {
              isOpen = false;
              subscriber.complete();
            },
          }),
        ),
      );
      return () => {
        if (isOpen) abandoned.abort();
        subscription.unsubscribe();
      };
    });
  }

  #scopeOf({ request, response }: Exchange): { readonly scope: RequestScope; readonly over: AbortSignal } {
    const raw = rawResponse(response);
    const known = this.#scopes.get(raw);
    if (known) return known;
    const { deadlineMs, tenant } = this.#app.options;
    const opened = nodeScope(rawRequest(request), raw, { deadlineMs, tenant: tenant?.(request) });
    rememberRequestId(rawRequest(request), opened.requestId);
    const over = new AbortController();
    raw.once('close', () => over.abort());
    // From here on the deadline is a point in time, for whoever asks later in the same request.
    const scope = runInScope(opened, () => ({ ...currentScope(), signal: opened.signal }));
    const entry = { scope, over: over.signal };
    this.#scopes.set(raw, entry);
    return entry;
  }
}
