// Opens the scope of a request: its Claude calls share its deadline and end when its client leaves.

import { nodeScope, problemOfKind, replyToNode, runInScope } from '@holdfast/core/http';
import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { NEVER, Observable } from 'rxjs';
import { HoldfastApp } from './app.ts';
import { rawRequest, rawResponse, rememberDrain, rememberRequestId, takeOver } from './request-context.ts';

/** `{ provide: APP_INTERCEPTOR, useExisting: HoldfastInterceptor }`, or `@UseInterceptors(HoldfastInterceptor)`. */
@Injectable()
export class HoldfastInterceptor implements NestInterceptor {
  readonly #app: HoldfastApp;

  constructor(@Inject(HoldfastApp) app: HoldfastApp) {
    this.#app = app;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<object>();
    const response = rawResponse(http.getResponse<object>());
    const { drain, options } = this.#app;
    if (drain.refuses) {
      takeOver(http.getResponse<object>());
      replyToNode(response, problemOfKind('shutting-down'));
      return NEVER;
    }
    const raw = rawRequest(request);
    const scope = nodeScope(raw, response, { deadlineMs: options.deadlineMs, tenant: options.tenant?.(request) });
    rememberRequestId(raw, scope.requestId);
    // The handler runs when its result is subscribed to: that is what has to happen inside the scope.
    return new Observable((subscriber) =>
      runInScope(scope, () => {
        rememberDrain(drain);
        return next.handle().subscribe(subscriber);
      }),
    );
  }
}
