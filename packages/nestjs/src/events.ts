// The events of an answer for @Sse.

import {
  currentScope,
  problemOfCall,
  relay,
  type RelayEvent,
  type RelayOptions,
  type RelayResult,
  type RelaySource,
} from '@holdfast/core/http';
import type { MessageEvent } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import { currentContext } from './request-context.ts';
import { ofRequest } from './streams.ts';

/** The longest time a browser can be told to wait before it connects again by itself. Milliseconds, 24 days. */
const neverMs = 2_147_483_647;

/**
 * An answer for `@Sse()`. The upstream is stopped when the client leaves or the server goes down; a failure, a silent end among
 * them, is an `error` event without the upstream's words, and `errors.onError` hears of it. A quiet upstream is bridged with
 * `ping` events every 15 s.
 *
 * A browser's `EventSource` connects again when an answer has ended, which would ask (and pay for) it again: the last event
 * tells it not to. `@Sse` cannot slow its producer down: prefer `claudeResponse` for long answers.
 */
export function claudeEvents(source: RelaySource): Observable<MessageEvent> {
  hush(source);
  const context = currentContext();
  // Subscribed to outside of the handler, where the request's scope may not hold any more.
  const options = ofRequest({ signal: currentScope()?.signal });
  return new Observable((subscriber) => {
    const left = new AbortController();
    void deliver(
      subscriber,
      source,
      { ...options, signal: options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal },
      context?.tell,
    );
    return () => left.abort();
  });
}

async function deliver(
  subscriber: Subscriber<MessageEvent>,
  source: RelaySource,
  options: RelayOptions,
  tell: ((error: unknown) => void) | undefined,
): Promise<void> {
  let end: RelayResult | undefined;
  try {
    const response = await relay(source, {
      ...options,
      as: 'ndjson',
      onEnd(result) {
        end = result;
        options.onEnd?.(result);
      },
    });
    for await (const line of response.body ?? []) {
      // The line after a failure says what the error event says in its own words.
      if (failureOf(end) === undefined) subscriber.next(messageOf(line));
    }
    const error = failureOf(end);
    if (error !== undefined) subscriber.next(errorEvent(error));
  } catch (error) {
    // It failed before its first event. A client that left hears nothing, and is no failure.
    if (!subscriber.closed) {
      tell?.(error);
      subscriber.next(errorEvent(error));
    }
  }
  subscriber.complete();
}

const failureOf = (end: RelayResult | undefined): unknown => (end?.outcome === 'completed' ? undefined : end?.error);

const decoder = new TextDecoder();

function messageOf(line: Uint8Array): MessageEvent {
  const event = JSON.parse(decoder.decode(line)) as RelayEvent;
  return event.type === 'message_stop' ? { type: event.type, data: event, retry: neverMs } : { type: event.type, data: event };
}

function errorEvent(error: unknown): MessageEvent {
  const { body } = problemOfCall(error);
  return { type: 'error', data: body, retry: body.retryAfterMs ?? neverMs };
}

/**
 * A client that leaves before its handler returned is never subscribed for, so nobody would hear of the call that ended with
 * it; unheard, that ends the process.
 */
function hush(source: RelaySource): void {
  const { then, done } = source as { then?: PromiseLike<unknown>['then']; done?: () => Promise<unknown> };
  if (typeof then === 'function') then.call(source, undefined, () => {});
  else if (typeof done === 'function') done.call(source).catch(() => {});
}
