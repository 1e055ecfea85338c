// Whatever answers can stream, read as one thing: events, one at a time, that can be cancelled.

import { eventType } from '../wire/event-type.ts';
import { relayError, wireError } from './relay-error.ts';
import { readServerSentEvents } from './sse-reader.ts';

/** An event of a stream. Every event of the SDK is one. */
export interface RelayEvent {
  readonly type: string;
}

/**
 * What can be relayed: the stream of `messages.create({ stream: true })`, a `messages.stream()`, the `Response` of
 * either (`.asResponse()`), any iterable of events, or a promise of one of these.
 */
export type RelaySource = Response | AsyncIterable<RelayEvent> | PromiseLike<Response | AsyncIterable<RelayEvent>>;

/** One event on its way. Either the object or its text is there from the start; the other is made when needed. */
export interface RelayItem {
  readonly name: string;
  readonly event: unknown;
  readonly json: string;
  /** As it came off the wire, when it did. */
  readonly raw: string | undefined;
}

export interface OpenSource {
  /** The next event; null when the message is complete. Rejects when the stream breaks, and when it ends too early. */
  next(): Promise<RelayItem | null>;
  /** Reads what comes after the end and drops it. */
  drain(): Promise<void>;
  /** Ends the upstream request. Safe to call at any time, more than once. */
  cancel(): void;
}

interface Reading {
  readonly iterator: AsyncIterator<RelayItem>;
  cancel(): void;
  /** A stream of messages: it must begin, and end with `message_stop`. */
  readonly isClaude: boolean;
}

/** Starts to read at once: the events of a `MessageStream` that nobody listens to are lost. */
export function openSource(source: RelaySource): OpenSource {
  let cancelled = false;
  let reading: Reading | Promise<Reading>;
  if (isThenable(source)) {
    reading = Promise.resolve(source).then((value) => {
      const late = open(value);
      if (cancelled) late.cancel();
      return late;
    });
    reading.catch(() => {});
  } else {
    reading = open(source);
  }

  let started = false;
  let stopped = false;
  return {
    async next() {
      // A plain value is not awaited: each await is a turn of the event loop for every event.
      const { iterator, isClaude } = isThenable(reading) ? await reading : reading;
      if (stopped) return null;
      const { value, done } = await iterator.next();
      if (!done) {
        if (value.name === 'message_start') started = true;
        if (value.name === 'message_stop') stopped = true;
        return value;
      }
      if (!cancelled && (started || isClaude)) throw relayError('stream_broken');
      return null;
    },
    async drain() {
      const { iterator } = await reading;
      while (!(await iterator.next()).done);
    },
    cancel() {
      if (cancelled) return;
      cancelled = true;
      if (!isThenable(reading)) reading.cancel();
      else
        reading.then(
          (late) => late.cancel(),
          () => {},
        );
    },
  };
}

function open(source: Response | AsyncIterable<RelayEvent>): Reading {
  if (isResponse(source)) return openResponse(source);
  const { controller } = source as { controller?: { abort?: unknown } };
  const abort = typeof controller?.abort === 'function' ? (): void => (controller as AbortController).abort() : undefined;
  const inner = isMessageStream(source) ? eventsOf(source) : source[Symbol.asyncIterator]();
  return {
    iterator: {
      async next() {
        const result = await inner.next();
        return result.done ? { value: undefined, done: true } : { value: itemOf(result.value), done: false };
      },
    },
    cancel() {
      abort?.();
      // A generator that waits cannot return before it wakes; its failure then is no news.
      inner.return?.()?.then(undefined, () => {});
    },
    isClaude: abort !== undefined,
  };
}

function itemOf(event: RelayEvent): RelayItem {
  return { name: event.type, event, json: JSON.stringify(event), raw: undefined };
}

function openResponse(response: Response): Reading {
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  return {
    iterator: response.ok ? itemsOf(response, reader) : refusalOf(response, reader),
    cancel: () => void reader.cancel().catch(() => {}),
    isClaude: true,
  };
}

async function* itemsOf(response: Response, reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<RelayItem, void, undefined> {
  let begun = false;
  for await (const { name, data, raw } of readServerSentEvents(reader)) {
    if (name === 'error') throw wireError(undefined, parse(data), response.headers);
    // A ping is no beginning: what follows may still be a failure with a status of its own.
    if (name === 'ping' && !begun) continue;
    begun = true;
    yield {
      name: (name === '' || name === 'message' ? eventType(name, parse(data) as Record<string, unknown> | null) : name) || 'message',
      json: data,
      raw,
      get event() {
        return parse(data);
      },
    };
  }
}

/** Error bodies are read up to this many bytes. */
const longestRefusal = 64 * 1024;

async function* refusalOf(response: Response, reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<RelayItem, void, undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  for (let part = await reader.read(); !part.done && length < longestRefusal; part = await reader.read()) {
    length += part.value.length;
    text += decoder.decode(part.value, { stream: true });
  }
  void reader.cancel().catch(() => {});
  throw wireError(response.status, parse(text), response.headers);
}

interface MessageStreamLike extends AsyncIterable<RelayEvent> {
  readonly ended: boolean;
  readonly currentMessage: unknown;
  done(): Promise<void>;
}

function isMessageStream(source: AsyncIterable<RelayEvent>): source is MessageStreamLike {
  const candidate = source as Partial<MessageStreamLike>;
  return typeof candidate.done === 'function' && 'currentMessage' in source && 'ended' in source;
}

/**
 * The iterator of a `MessageStream` forgets an error that comes while nobody waits for the next event (a slow reader),
 * and waits for ever when the stream has ended before it was made. `done()` knows both.
 */
function eventsOf(stream: MessageStreamLike): AsyncIterator<RelayEvent> {
  const began = stream.currentMessage !== undefined;
  const ended = stream.ended;
  const inner = stream[Symbol.asyncIterator]();
  return {
    async next() {
      if (ended) await stream.done();
      if (began || ended)
        throw new TypeError(
          'This MessageStream had already begun. Hand it to the relay in the same turn that creates it, or use messages.create({ stream: true }).',
        );
      const result = await inner.next();
      if (result.done) await stream.done();
      return result;
    },
    return: () => inner.return?.() ?? Promise.resolve({ value: undefined, done: true }),
  };
}

function isThenable<T>(value: unknown): value is PromiseLike<T> {
  return typeof (value as { then?: unknown }).then === 'function';
}

/** By structure: undici and the global are different classes. */
function isResponse(source: object): source is Response {
  return 'headers' in source && 'body' in source && 'ok' in source;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
