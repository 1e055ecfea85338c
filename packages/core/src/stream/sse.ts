// Finds the borders of server-sent events in bytes, whatever way the bytes were cut. Decodes nothing.
// Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

/** More of one event than this is not kept: no real event is near it. */
export const maxEventBytes: number = 16 * 1024 * 1024;

const newline = 10;
const carriageReturn = 13;

/**
 * Cuts a byte stream into whole events. Bytes of an event that arrives in one chunk are never copied; an unfinished tail
 * waits in a buffer that grows by doubling.
 */
export class EventScanner {
  #tail: Uint8Array = new Uint8Array(0);
  #tailLength = 0;
  #fresh = true;
  #endedWithReturn = false;

  /** Bytes of an unfinished event that wait for the rest. */
  get pending(): number {
    return this.#tailLength;
  }

  /**
   * Takes a chunk and calls `onEvent` for every event that is now whole, with the bytes from its first line through the
   * blank line that ends it. Stops early when `onEvent` returns false.
   *
   * @returns false when an event has outgrown its bound
   */
  push(chunk: Uint8Array, onEvent: (bytes: Uint8Array, start: number, end: number) => boolean): boolean {
    let bytes = chunk;
    if (this.#endedWithReturn || bytes.includes(carriageReturn)) bytes = this.#normalise(bytes);
    if (this.#fresh && bytes.length > 0) {
      this.#fresh = false;
      // A byte order mark may precede the first line.
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
    }
    let from = 0;
    if (this.#tailLength > 0) {
      // The blank line may straddle the border: look again at the last byte of the tail.
      from = this.#tailLength - 1;
      bytes = this.#append(bytes);
    }
    let start = 0;
    let searchFrom = from;
    for (;;) {
      const end = blankLineEnd(bytes, Math.max(searchFrom, start));
      if (end === -1) break;
      const goOn = onEvent(bytes, start, end);
      start = end;
      searchFrom = end;
      if (!goOn) break;
    }
    this.#keep(bytes, start);
    return this.#tailLength <= maxEventBytes;
  }

  #append(bytes: Uint8Array): Uint8Array {
    const needed = this.#tailLength + bytes.length;
    if (needed > this.#tail.length) {
      const grown = new Uint8Array(Math.max(needed, this.#tail.length * 2, 1024));
      grown.set(this.#tail.subarray(0, this.#tailLength));
      this.#tail = grown;
    }
    this.#tail.set(bytes, this.#tailLength);
    this.#tailLength = needed;
    return this.#tail.subarray(0, needed);
  }

  #keep(bytes: Uint8Array, start: number): void {
    const rest = bytes.length - start;
    const inTail = bytes.buffer === this.#tail.buffer;
    if (rest === 0) {
      this.#tailLength = 0;
      // The bytes handed out are views of this buffer: it must not be written again.
      if (inTail) this.#tail = new Uint8Array(0);
      return;
    }
    if (inTail && start === 0) return;
    const kept = new Uint8Array(Math.max(1024, rest * 2));
    kept.set(bytes.subarray(start));
    this.#tail = kept;
    this.#tailLength = rest;
  }

  /** Turns CRLF and CR into LF, also when a CRLF is cut in two. */
  #normalise(bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(bytes.length);
    let length = 0;
    for (const byte of bytes) {
      const follows = this.#endedWithReturn;
      this.#endedWithReturn = byte === carriageReturn;
      if (byte === newline && follows) continue;
      out[length] = byte === carriageReturn ? newline : byte;
      length += 1;
    }
    return out.subarray(0, length);
  }
}

/** The position after the first blank line that ends at or after `from`; -1 if there is none. */
function blankLineEnd(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(newline, from); at !== -1; at = bytes.indexOf(newline, at + 1)) {
    if (bytes[at + 1] === newline) return at + 2;
  }
  return -1;
}

const decoder = new TextDecoder();

export interface RawEvent {
  /** The `event:` field; empty when there is none. */
  readonly name: string;
  readonly data: string;
}

/** Reads the fields of one whole event. */
export function readEvent(bytes: Uint8Array, start: number, end: number): RawEvent {
  let name = '';
  let data: string | null = null;
  for (const line of decoder.decode(bytes.subarray(start, end)).split('\n')) {
    if (line.startsWith('event:')) name = fieldValue(line, 6);
    else if (line.startsWith('data:')) data = data === null ? fieldValue(line, 5) : `${data}\n${fieldValue(line, 5)}`;
  }
  return { name, data: data ?? '' };
}

const fieldValue = (line: string, colon: number): string => line.slice(line[colon] === ' ' ? colon + 1 : colon);
