// Reads server-sent events off a body, each with the text it came in.

import { EventScanner, readEvent } from '../wire/sse.ts';

export interface WireEvent {
  readonly name: string;
  readonly data: string;
  /** Exactly what was received, comments included, with the blank line that ends it. */
  readonly raw: string;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const eventOf = (bytes: Uint8Array, start: number, end: number): WireEvent | null => {
  const { name, data } = readEvent(bytes, start, end);
  return name === '' && data === '' ? null : { name, data, raw: decoder.decode(bytes.subarray(start, end)) };
};

/** An unfinished event at the end is dropped, as the specification of server-sent events demands. */
export async function* readServerSentEvents(body: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<WireEvent, void, undefined> {
  const scanner = new EventScanner();
  for (;;) {
    const { value, done } = await body.read();
    if (done) break;
    const events: WireEvent[] = [];
    const isBounded = scanner.push(value, (bytes, start, end) => {
      const event = eventOf(bytes, start, end);
      if (event) events.push(event);
      return true;
    });
    yield* events;
    if (!isBounded) throw new RangeError('An event of the stream is larger than 16 MB.');
  }
  const last = scanner.last();
  const event = last && eventOf(last, 0, last.length);
  if (event) yield event;
}
