// Recognises a text delta by comparing bytes, without parsing it.

const encoder = new TextEncoder();
const head = encoder.encode('event: content_block_delta\ndata: {"type":"content_block_delta","index":');
const middle = encoder.encode(',"delta":{"type":"text_delta","text":"');

const zero = 48;
const nine = 57;
const quote = 34;
const backslash = 92;
const space = 32;
const closing = 125;
const newline = 10;

/** Where the escaped text of a delta lies, and which block it belongs to. Reused: read it at once. */
export const textDelta: { index: number; start: number; end: number } = { index: 0, start: 0, end: 0 };

/**
 * True when the event is a text delta in exactly the form the API writes; `textDelta` then says where its text is. Anything
 * in another form, however valid, is false and takes the slow path.
 */
export function isTextDelta(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < head.length + middle.length + 6) return false;
  // The last bytes of the head differ between kinds of events: compare from the back.
  for (let i = head.length - 1; i >= 0; i -= 1) if (bytes[start + i] !== head[i]) return false;
  let at = start + head.length;
  let index = 0;
  for (let digits = 0; ; digits += 1) {
    const byte = bytes[at] as number;
    if (byte < zero || byte > nine) {
      if (digits === 0) return false;
      break;
    }
    if (digits > 5) return false;
    index = index * 10 + byte - zero;
    at += 1;
  }
  for (let i = 0; i < middle.length; i += 1) if (bytes[at + i] !== middle[i]) return false;
  at += middle.length;
  // From the end: "\n\n", then padding and the two closing braces, then the quote that ends the text.
  let last = end - 1;
  while (bytes[last] === newline) last -= 1;
  if (bytes[last] !== closing) return false;
  last -= 1;
  while (bytes[last] === space) last -= 1;
  if (bytes[last] !== closing || bytes[last - 1] !== quote) return false;
  const textEnd = last - 1;
  // The first unescaped quote must be that one, or there is another field behind the text.
  for (let i = at; i < textEnd; i += 1) {
    const byte = bytes[i];
    if (byte === quote || byte === newline) return false;
    if (byte === backslash) i += 1;
  }
  if (textEnd > at && bytes[textEnd - 1] === backslash && trailingBackslashes(bytes, at, textEnd) % 2 === 1) return false;
  textDelta.index = index;
  textDelta.start = at;
  textDelta.end = textEnd;
  return true;
}

function trailingBackslashes(bytes: Uint8Array, from: number, end: number): number {
  let count = 0;
  for (let i = end - 1; i >= from && bytes[i] === backslash; i -= 1) count += 1;
  return count;
}
