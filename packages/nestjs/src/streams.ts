// Streams from a controller: as a web Response, or on the framework's own response. For @Sse there is `claudeEvents`.

import { currentScope, relay, relayToNode, type RelayOptions, type RelayResult, type RelaySource } from '@holdfast/core/http';
import { isFastifyReply, relayToFastify } from './fastify-reply.ts';
import { currentContext, rawResponse } from './request-context.ts';
import { deliverable } from './web-response.ts';

/**
 * An answer as a web `Response`, to be returned from a handler: at the client's pace, with the upstream stopped when the client
 * leaves. A failure before the first event is thrown, for the filter to reply; a later one is told inside the stream, and to
 * `errors.onError`. NestJS 11 on Express sends it through `HoldfastInterceptor`.
 *
 * @param source what `client.messages.create({ stream: true })` or `client.messages.stream()` returned
 */
export async function claudeResponse(source: RelaySource, options: RelayOptions = {}): Promise<Response> {
  return deliverable(await relay(source, ofRequest(options)));
}

/** The same onto `@Res()`, with the headers that are on it already, also for handlers that have written already. */
export function sendStream(response: object, source: RelaySource, options: RelayOptions = {}): Promise<RelayResult> {
  const given = ofRequest(options);
  return isFastifyReply(response) ? relayToFastify(source, response, given) : relayToNode(source, rawResponse(response), given);
}

/** @internal What the request adds: it ends with its response and with the server, and its failures are heard of. */
export function ofRequest(options: RelayOptions): RelayOptions {
  const context = currentContext();
  if (!context) return options;
  const signal = options.signal ?? currentScope()?.signal;
  return {
    ...options,
    interrupt: options.interrupt ?? context.drain.deadline,
    signal: signal ? AbortSignal.any([signal, context.over]) : context.over,
    onEnd(result) {
      if (result.outcome === 'failed') context.tell(result.error);
      options.onEnd?.(result);
    },
  };
}
