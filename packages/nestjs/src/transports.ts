// What a failed Claude call looks like where there is no HTTP reply. Nothing of it says more than the problem of HTTP does.

import type { Problem } from '@holdfast/core/http';
import type { ArgumentsHost } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

/** The members that callers decide by. */
function factsOf({ body: { code, retryable, retryAfterMs, requestId } }: Problem): Record<string, unknown> {
  return { code, retryable, retryAfterMs, requestId };
}

/** What Nest makes of an `RpcException` or `WsException` with an object in it. */
const payloadOf = (told: Problem): object => ({ status: 'error', message: told.body.detail, ...factsOf(told) });

/** @internal For a microservice: the caller's Observable fails with it, as with an `RpcException`. */
export const rpcError = (told: Problem): Observable<never> => throwError(() => payloadOf(told));

/** @internal For a resolver: GraphQL keeps `extensions` of whatever was thrown. */
export function graphqlError(told: Problem): Error {
  return Object.assign(new Error(told.body.detail), {
    extensions: { ...factsOf(told), code: told.kind.toUpperCase().replaceAll('-', '_'), http: { status: told.status } },
  });
}

/** @internal For a gateway: Nest takes a filter that was called for the reply, so its own has to be called here. */
export async function replyToMessage(told: Problem | undefined, error: unknown, host: ArgumentsHost): Promise<void> {
  // Only an application with gateways has this package.
  const { BaseWsExceptionFilter, WsException } = await import('@nestjs/websockets');
  new BaseWsExceptionFilter().catch(told ? new WsException(payloadOf(told)) : (error as Error), host);
}
