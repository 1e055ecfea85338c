// Finds the borders of server-sent events in bytes, whatever way the bytes were cut. Decodes nothing but what it is asked to.
// Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

/** More of one event than this is not kept: no real event is near it. */
export const maxEventBytes: number = 16 * 1024 * 1024;

const newline = 10;
const carriageReturn = 13;

/**
 * The position after the event that begins at `start`: after the blank line that ends it. -1 when that is not there yet.
 *
 * A carriage return that is the last byte waits for its line feed, so that no line end is cut in two.
 *
 * @param from where to look; bytes of the event before it are known to hold no blank line
 * @param length how many of the bytes are valid
 */
export function eventEnd(bytes: Uint8Array, start: number, from: number = start, length: number = bytes.length): number {
  for (let at = from; at < length; at += 1) {
    const byte = bytes[at] as number;
    if (byte > carriageReturn || (byte !== newline && byte !== carriageReturn)) continue;
    const next = lineEnd(bytes, at, length);
    // A blank line before anything else ends nothing: it is handed on with the event it precedes.
    if (next === -1 || next === length) return -1;
    const blank = bytes[next] === newline || bytes[next] === carriageReturn;
    if (blank) return lineEnd(bytes, next, length);
    at = next - 1;
  }
  return -1;
}

/** The position after the line end at `at`; -1 when its second half may still come. */
function lineEnd(bytes: Uint8Array, at: number, length: number): number {
  if (bytes[at] === newline) return at + 1;
  if (at + 1 === length) return -1;
  return bytes[at + 1] === newline ? at + 2 : at + 1;
}

/** Keeps the beginning of an event whose end has not arrived. */
export class EventTail {
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Keeps what `bytes` has from `start` on. */
  keep(bytes: Uint8Array, start: number): void {
    const rest = bytes.length - start;
    this.#reserve(rest);
    this.#bytes.set(bytes.subarray(start), this.#length);
    this.#length += rest;
  }

  /**
   * Takes from `chunk` what completes the event.
   *
   * @returns the event, as bytes of its own, and how many bytes of the chunk it took; null when all of it was kept and the
   * event still goes on
   */
  complete(chunk: Uint8Array): { readonly event: Uint8Array; readonly taken: number } | null {
    const had = this.#length;
    // Only as much of a large chunk is copied as the event needs: its end is near.
    for (let taken = 0, step = 256; taken < chunk.length; step *= 2) {
      const piece = chunk.subarray(taken, taken + step);
      // Four bytes may make a blank line, so three of them may have been seen before.
      const from = Math.max(0, this.#length - 3);
      this.keep(piece, 0);
      taken += piece.length;
      const end = eventEnd(this.#bytes, 0, from, this.#length);
      if (end === -1) continue;
      const event = this.#bytes.slice(0, end);
      this.clear();
      return { event, taken: end - had };
    }
    return null;
  }

  /** What waits, when nothing more will come: a carriage return at the very end needs no line feed any more. */
  last(): Uint8Array | null {
    if (this.#bytes[this.#length - 1] !== carriageReturn) return null;
    const closed = new Uint8Array(this.#length + 1);
    closed.set(this.#bytes.subarray(0, this.#length));
    closed[this.#length] = newline;
    const end = eventEnd(closed, 0);
    return end === closed.length ? closed.subarray(0, this.#length) : null;
  }

  /** What waits, to be handed on unfinished. */
  take(): Uint8Array {
    const waiting = this.#bytes.slice(0, this.#length);
    this.clear();
    return waiting;
  }

  clear(): void {
    this.#length = 0;
    // One huge event is no reason to keep room for another.
    if (this.#bytes.length > 64 * 1024) this.#bytes = new Uint8Array(0);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2, 512));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Cuts a byte stream into whole events. */
export class EventScanner {
  readonly #tail = new EventTail();

  /**
   * Takes a chunk and calls `onEvent` for every event that is now whole, with the bytes from its first line through the
   * blank line that ends it. Stops early when `onEvent` returns false.
   *
   * @returns false when an event has outgrown its bound
   */
  push(chunk: Uint8Array, onEvent: (bytes: Uint8Array, start: number, end: number) => boolean): boolean {
    let at = 0;
    if (this.#tail.length > 0) {
      const completed = this.#tail.complete(chunk);
      if (completed === null) return this.#tail.length <= maxEventBytes;
      if (!onEvent(completed.event, 0, completed.event.length)) return true;
      at = completed.taken;
    }
    for (let end = eventEnd(chunk, at); end !== -1; end = eventEnd(chunk, at)) {
      if (!onEvent(chunk, at, end)) return true;
      at = end;
    }
    if (at < chunk.length) this.#tail.keep(chunk, at);
    return this.#tail.length <= maxEventBytes;
  }

  /** The last event, when nothing more will come: one that only its line feed was waited for. Null where there is none. */
  last(): Uint8Array | null {
    return this.#tail.last();
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
export interface RawEvent {
  /** The `event:` field; empty when there is none. */
  readonly name: string;
  readonly data: string;
}

const mark = '\uFEFF';
/** Nobody's event: neither a ping nor JSON. */
const unclear: RawEvent = { name: mark, data: mark };

/**
 * Reads the fields of one whole event as the SDK does, which takes a byte order mark off every line. Where a line is nothing
 * else, the event is two for it and one for others: nobody can be right, and neither name nor data mean anything.
 */
export function readEvent(bytes: Uint8Array, start: number = 0, end: number = bytes.length): RawEvent {
  let name = '';
  let data: string | null = null;
  const lines = linesOf(decoder.decode(bytes.subarray(start, end)));
  for (const marked of lines) {
    if (marked === mark) return unclear;
    const line = marked.startsWith(mark) ? marked.slice(1) : marked;
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    if (field !== 'event' && field !== 'data') continue;
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') name = value;
    else data = data === null ? value : `${data}\n${value}`;
  }
  return { name, data: data ?? '' };
}

const linesOf = (text: string): string[] => (text.includes('\r') ? text.split(/\r\n|\n|\r/) : text.split('\n'));
