// Recognises the deltas of one block by comparing bytes. The form is learned from the block's first delta instead of being
// written down here, so that any spacing, order of fields and line end is met, and is proven before it is believed.

import { readEvent } from '../wire/sse.ts';
import { TextLog } from './text-log.ts';

type Wire = Readonly<Record<string, unknown>>;

const quote = 34;
const backslash = 92;
const space = 32;
const closing = 125;
const newline = 10;
const carriageReturn = 13;

/** A quote, two braces, two line feeds. */
const shortestEnd = 5;

/** Stands for the text of another delta while a form is proven. */
const otherText = 'another text';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The member of a delta that grows, by the delta's type. */
const growing: ReadonlyMap<unknown, string> = new Map([
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
  ['input_json_delta', 'partial_json'],
]);

/** Where a delta of this type has its text; undefined for a delta of another kind. */
export const textMemberOf = (delta: Wire): string | undefined => growing.get(delta['type']);

/** The text a delta adds to its block; null for a delta of another kind. */
export function textOfDelta(delta: Wire): string | null {
  const member = textMemberOf(delta);
  const text = member === undefined ? undefined : delta[member];
  return typeof text === 'string' ? text : null;
}

/**
 * How the deltas of one block look: the same bytes up to the quote that opens the text, the text, and braces with any
 * padding. What matches is such a delta, with nothing in it but another text.
 */
export class DeltaShape {
  readonly #prefix: Uint8Array;
  /**
   * The prefix eight bytes at a time, as far as that goes: half the time of comparing bytes. As floating-point numbers, since
   * machines compare those natively; ASCII makes neither a NaN nor a zero, the two that are not equal to their bits.
   */
  readonly #words: Float64Array;
  readonly #crlf: boolean;

  private constructor(prefix: Uint8Array, crlf: boolean) {
    this.#prefix = prefix;
    this.#crlf = crlf;
    const view = viewOf(prefix);
    this.#words = Float64Array.from({ length: prefix.length >> 3 }, (_, i) => view.getFloat64(i * 8, true));
  }

  /** Bytes before the text. */
  get prefixLength(): number {
    return this.#prefix.length;
  }

  /**
   * Learns the shape from one whole event, which was parsed into `event`.
   *
   * @returns null when its text is not the last thing in it, or when it carries none
   */
  static learn(bytes: Uint8Array, start: number, end: number, event: Wire): DeltaShape | null {
    const delta = (event['delta'] ?? {}) as Wire;
    if (textOfDelta(delta) === null) return null;
    const member = textMemberOf(delta) as string;
    const crlf = bytes[end - 2] === carriageReturn;
    let at = end - (crlf ? 4 : 2);
    for (let braces = 0; braces < 2; braces += 1) {
      at = skipSpaces(bytes, at - 1);
      if (bytes[at] !== closing) return null;
    }
    const textEnd = skipSpaces(bytes, at - 1);
    if (bytes[textEnd] !== quote) return null;
    const textStart = openingQuote(bytes, start, textEnd) + 1;
    const prefix = bytes.slice(start, textStart);
    if (!prefix.every((byte) => byte > 0 && byte < 127)) return null;

    const shape = new DeltaShape(prefix, crlf);
    if (shape.read(bytes, start, new TextLog(), 1) !== end) return null;
    // The proof: with another text between these bytes it is the same event with another text, and nothing else.
    const { data } = readEvent(encoder.encode(`${decoder.decode(prefix)}${otherText}${decoder.decode(bytes.subarray(textEnd, end))}`));
    const expected = JSON.stringify({ ...event, delta: { ...delta, [member]: otherText } });
    try {
      return JSON.stringify(JSON.parse(data)) === expected ? shape : null;
    } catch {
      return null;
    }
  }

  /**
   * Reads as many deltas as follow each other from `from` on, at most `most`, and appends their still-escaped text to `log`.
   *
   * @returns the position after them, which is `from` when what is there has another shape or has not all arrived
   */
  read(bytes: Uint8Array, from: number, log: TextLog, most: number): number {
    // One loop, hardly a call, and never a read beyond the end: this is most of what a healthy stream costs.
    const limit = bytes.length;
    // A view costs as much as it saves on half a dozen events.
    const view = limit - from > 1024 ? viewOf(bytes) : null;
    const prefix = this.#prefix;
    const prefixLength = prefix.length;
    const words = this.#words;
    const wordCount = words.length;
    const crlf = this.#crlf;
    const room = log.room(limit - from);
    const text = room ?? scratch(limit - from);
    const textStart = room === null ? 0 : log.used;
    let textEnd = textStart;
    let at = from;
    events: for (let left = most; left > 0; left -= 1) {
      const begin = at + prefixLength;
      if (begin + shortestEnd > limit) break;
      let same = 0;
      if (view !== null) {
        for (let word = 0; word < wordCount; word += 1, same += 8) if (view.getFloat64(at + same, true) !== words[word]) break events;
      } else {
        // Four bytes at a time need a quarter of the branches.
        for (; same + 4 <= prefixLength; same += 4) {
          const from = at + same;
          const first = (bytes[from] as number) ^ (prefix[same] as number);
          const second = (bytes[from + 1] as number) ^ (prefix[same + 1] as number);
          const third = (bytes[from + 2] as number) ^ (prefix[same + 2] as number);
          const fourth = (bytes[from + 3] as number) ^ (prefix[same + 3] as number);
          if ((first | second | third | fourth) !== 0) break events;
        }
      }
      for (; same < prefixLength; same += 1) if (bytes[at + same] !== prefix[same]) break events;

      let next = begin;
      let end = textEnd;
      for (; next < limit; next += 1) {
        const byte = bytes[next] as number;
        if (byte === quote) break;
        if (byte < space) break events;
        text[end] = byte;
        end += 1;
        if (byte !== backslash) continue;
        for (const last = lastOfEscape(bytes, next); next !== last; end += 1) {
          if (last === -1) break events;
          next += 1;
          text[end] = bytes[next] as number;
        }
      }
      next += 1;
      while (next < limit && bytes[next] === space) next += 1;
      if (next >= limit || bytes[next] !== closing) break;
      next += 1;
      while (next < limit && bytes[next] === space) next += 1;
      if (next >= limit || bytes[next] !== closing) break;
      next += 1;
      if (crlf) {
        if (next + 4 > limit || bytes[next] !== carriageReturn || bytes[next + 1] !== newline) break;
        next += 2;
        if (bytes[next] !== carriageReturn || bytes[next + 1] !== newline) break;
      } else if (next + 2 > limit || bytes[next] !== newline || bytes[next + 1] !== newline) break;
      at = next + 2;
      textEnd = end;
    }
    if (room !== null) log.grow(textEnd - textStart);
    else log.append(text, 0, textEnd);
    return at;
  }
}

/** Where text is gathered before it is kept, one call at a time: no text is longer than the bytes it came in. */
let gathered: Uint8Array = new Uint8Array(16 * 1024);

function scratch(length: number): Uint8Array {
  if (length <= gathered.length) return gathered;
  const bytes = new Uint8Array(length);
  // A huge chunk is an exception, not the measure of those to come.
  if (length <= 256 * 1024) gathered = bytes;
  return bytes;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function skipSpaces(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === space) at -= 1;
  return at;
}

/** The quote that opens the string which ends at `end`: inside a string a backslash stands before every quote. */
function openingQuote(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at > start && (bytes[at] !== quote || bytes[at - 1] === backslash)) at -= 1;
  return at;
}

/** The last byte of the escape at `at`; -1 when it is none that JSON knows, or not all of it. */
function lastOfEscape(bytes: Uint8Array, at: number): number {
  switch (bytes[at + 1]) {
    case 34: // "
    case 47: // /
    case 92: // \
    case 98: // b
    case 102: // f
    case 110: // n
    case 114: // r
    case 116: // t
      return at + 1;
    case 117: // u
      for (let i = at + 2; i < at + 6; i += 1) if (!isHex(bytes[i] as number)) return -1;
      return at + 5;
  }
  return -1;
}

const isHex = (byte: number): boolean => (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102);
