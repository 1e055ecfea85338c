// Reads server-sent events off a body, each with the text it came in.

export interface WireEvent {
  readonly name: string;
  readonly data: string;
  /** Exactly what was received, comments included, with the blank line that ends it. */
  readonly raw: string;
}

/** Longer than any event of the API; a body that never ends a line must not fill the memory. */
const longestEvent = 16 * 1024 * 1024;

/** An unfinished event at the end is dropped, as the specification of server-sent events demands. */
export async function* readServerSentEvents(body: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<WireEvent, void, undefined> {
  const decoder = new TextDecoder();
  let pending = '';
  for (;;) {
    const { value, done } = await body.read();
    // A blank line may have begun at the end of what was searched before.
    let searchFrom = Math.max(0, pending.length - 3);
    pending += done ? decoder.decode() : decoder.decode(value, { stream: true });
    let from = 0;
    for (let end = endOfEvent(pending, searchFrom); end !== -1; end = endOfEvent(pending, searchFrom)) {
      const event = parseEvent(pending.slice(from, end));
      from = end;
      searchFrom = end;
      if (event) yield event;
    }
    pending = pending.slice(from);
    if (pending.length > longestEvent) throw new RangeError('An event of the stream is larger than 16 MB.');
    if (done) return;
  }
}

const blankLine = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))/g;

function endOfEvent(text: string, from: number): number {
  blankLine.lastIndex = from;
  return blankLine.test(text) ? blankLine.lastIndex : -1;
}

function parseEvent(raw: string): WireEvent | undefined {
  let name = '';
  const data: string[] = [];
  for (const line of raw.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
  return data.length > 0 || name !== '' ? { name, data: data.join('\n'), raw } : undefined;
}
