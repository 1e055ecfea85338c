// Streams from a controller: as a web Response, on the framework's own response, or for @Sse.

import { isClaudeError, problem, relay, relayToNode, type RelayOptions, type RelayResult, type RelaySource } from '@holdfast/core/http';
import type { MessageEvent } from '@nestjs/common';
import { Observable } from 'rxjs';
import { currentDrain, rawResponse, takeOver } from './request-context.ts';

/**
 * An answer as a web `Response`, to be returned from a handler of Nest 12: at the client's pace, with the upstream stopped when
 * the client leaves. A failure before the first event is thrown, for the filter to reply.
 *
 * @param source what `client.messages.create({ stream: true })` or `client.messages.stream()` returned
 */
export function claudeResponse(source: RelaySource, options: RelayOptions = {}): Promise<Response> {
  return relay(source, { ...options, interrupt: options.interrupt ?? currentDrain()?.deadline });
}

/** The same onto `@Res()`, for Nest 11 and for handlers that have written already. */
export function sendStream(response: object, source: RelaySource, options: RelayOptions = {}): Promise<RelayResult> {
  takeOver(response);
  return relayToNode(source, rawResponse(response), { ...options, interrupt: options.interrupt ?? currentDrain()?.deadline });
}

/** The streams of the SDK are these. */
type ClaudeEvents = AsyncIterable<{ readonly type: string }> & { readonly controller?: { abort(): void } };

/**
 * An answer for `@Sse()`. The upstream is stopped when the client leaves, and a failure is an `error` event without the
 * upstream's words. `@Sse` cannot slow its producer down: prefer `claudeResponse` for long answers.
 */
export function claudeEvents(
  source: AsyncIterable<{ readonly type: string }> | PromiseLike<AsyncIterable<{ readonly type: string }>>,
): Observable<MessageEvent> {
  return new Observable((subscriber) => {
    let left = false;
    let stop = (): void => {};
    const run = async (): Promise<void> => {
      try {
        const stream: ClaudeEvents = await source;
        // An upstream that is silent has no next event to leave at.
        stop = () => stream.controller?.abort();
        if (left) stop();
        for await (const event of stream) {
          if (left) break;
          subscriber.next({ type: event.type, data: event });
        }
      } catch (error) {
        subscriber.next({ type: 'error', data: isClaudeError(error) ? problem(error).body : { code: 'internal-error' } });
      }
      subscriber.complete();
    };
    void run();
    return () => {
      left = true;
      stop();
    };
  });
}
