// Recognises the deltas of one block by comparing bytes. The form is learned from the block's first delta instead of being
// written down here, so that any spacing, order of fields and line end is met, and is proven before it is believed.

import { readEvent } from './sse.ts';

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
const growing: Readonly<Record<string, string>> = { text_delta: 'text', thinking_delta: 'thinking', input_json_delta: 'partial_json' };

/** The text a delta adds to its block; null for a delta of another kind. */
export function textOfDelta(delta: Wire): string | null {
  const member = growing[String(delta['type'])];
  const text = member === undefined ? undefined : delta[member];
  return typeof text === 'string' ? text : null;
}

/**
 * How the deltas of one block look: the same bytes up to the quote that opens the text, the text, and braces with any
 * padding. What matches is such a delta, with nothing in it but another text.
 */
export class DeltaShape {
  readonly #prefix: Uint8Array;
  /** The prefix four bytes at a time, as far as that goes: a third of the time of comparing bytes. */
  readonly #words: Int32Array;
  readonly #crlf: boolean;
  /** Where the escaped text of the last match lies. */
  start = 0;
  end = 0;

  private constructor(prefix: Uint8Array, crlf: boolean) {
    this.#prefix = prefix;
    this.#crlf = crlf;
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length);
    this.#words = Int32Array.from({ length: prefix.length >> 2 }, (_, i) => view.getInt32(i * 4, true));
  }

  /**
   * Learns the shape from one whole event, which was parsed into `event`.
   *
   * @returns null when its text is not the last thing in it, or when it carries none
   */
  static learn(bytes: Uint8Array, start: number, end: number, event: Wire): DeltaShape | null {
    const delta = event['delta'] as Wire;
    const member = growing[String(delta['type'])];
    if (member === undefined || textOfDelta(delta) === null) return null;
    const crlf = bytes[end - 2] === carriageReturn;
    let at = end - (crlf ? 4 : 2);
    for (let braces = 0; braces < 2; braces += 1) {
      at = skipSpaces(bytes, at - 1);
      if (bytes[at] !== closing) return null;
    }
    const textEnd = skipSpaces(bytes, at - 1);
    if (bytes[textEnd] !== quote) return null;
    const textStart = openingQuote(bytes, start, textEnd) + 1;
    if (textStart === 0) return null;

    const shape = new DeltaShape(bytes.slice(start, textStart), crlf);
    if (shape.match(viewOf(bytes), bytes, start) !== end) return null;
    // The proof: with another text between these bytes it is the same event with another text, and nothing else.
    const other = `${decoder.decode(bytes.subarray(start, textStart))}${otherText}${decoder.decode(bytes.subarray(textEnd, end))}`;
    const { name, data } = readEvent(encoder.encode(other));
    const expected = JSON.stringify({ ...event, delta: { ...delta, [member]: otherText } });
    if (name !== readEvent(bytes, start, end).name) return null;
    try {
      return JSON.stringify(JSON.parse(data)) === expected ? shape : null;
    } catch {
      return null;
    }
  }

  /** The position after the delta at `at`; -1 if there is none of this shape, or not all of it. */
  match(view: DataView, bytes: Uint8Array, at: number): number {
    // Nothing here reads beyond the end: a machine-code load of a byte that is not there throws the optimised code away.
    const limit = bytes.length;
    const prefix = this.#prefix;
    const begin = at + prefix.length;
    if (begin + shortestEnd > limit) return -1;
    const words = this.#words;
    const count = words.length;
    for (let i = 0, from = at; i < count; i += 1, from += 4) if (view.getInt32(from, true) !== words[i]) return -1;
    for (let i = count * 4; i < prefix.length; i += 1) if (bytes[at + i] !== prefix[i]) return -1;

    let next = begin;
    for (; next < limit; next += 1) {
      const byte = bytes[next] as number;
      if (byte === quote) break;
      if (byte < space) return -1;
      if (byte === backslash) {
        next = lastOfEscape(bytes, next, limit);
        if (next === -1) return -1;
      }
    }
    if (next + shortestEnd > limit) return -1;
    this.start = begin;
    this.end = next;
    next = afterBrace(bytes, next + 1, limit);
    if (next !== -1) next = afterBrace(bytes, next, limit);
    if (next === -1) return -1;
    if (this.#crlf) {
      if (next + 4 > limit) return -1;
      return bytes[next] === carriageReturn && bytes[next + 1] === newline && bytes[next + 2] === carriageReturn && bytes[next + 3] === newline ? next + 4 : -1;
    }
    if (next + 2 > limit) return -1;
    return bytes[next] === newline && bytes[next + 1] === newline ? next + 2 : -1;
  }
}

/** The position after a closing brace and the padding before it. */
function afterBrace(bytes: Uint8Array, from: number, limit: number): number {
  let at = from;
  while (at < limit && bytes[at] === space) at += 1;
  return at < limit && bytes[at] === closing ? at + 1 : -1;
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function skipSpaces(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === space) at -= 1;
  return at;
}

/** The quote that opens the string which ends at `end`: inside a string every quote is escaped. */
function openingQuote(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start; at -= 1) {
    if (bytes[at] !== quote) continue;
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

/** The last byte of the escape at `at`; -1 when it is none that JSON knows, or not all of it. */
function lastOfEscape(bytes: Uint8Array, at: number, limit: number): number {
  if (at + 1 >= limit) return -1;
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
      if (at + 5 >= limit) return -1;
      for (let i = at + 2; i < at + 6; i += 1) if (!isHex(bytes[i] as number)) return -1;
      return at + 5;
  }
  return -1;
}

const isHex = (byte: number): boolean => (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102);
