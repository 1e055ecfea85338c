// What an event is for its readers: its name says so, or, where a gateway left that out, its data.

type Wire = Readonly<Record<string, unknown>>;

/** `message` is what the specification of server-sent events calls an event without a name. */
const isNoName = (name: string): boolean => name === '' || name === 'message';

/**
 * The type of an event: its name, or where it has none the `type` in its data. Data that holds an `error` and no type is an
 * error under any name.
 *
 * @param value the data as an object; null when it is none
 */
export function eventType(name: string, value: Wire | null): string {
  const type = value?.['type'];
  if (type === 'error' || (type === undefined && isSaid(value?.['error']))) return 'error';
  return isNoName(name) && typeof type === 'string' ? type : name;
}

const isSaid = (error: unknown): boolean => typeof error === 'string' || (typeof error === 'object' && error !== null);

/** An event whose data says what it is, with that as its name too: readers pass over what has none. */
export function namedEvent(type: string, data: string): string {
  return `event: ${type}\n${data
    .split('\n')
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;
}

/** What is no event for anybody, and tells a connection that it is alive. */
export const signOfLife: Uint8Array = new TextEncoder().encode(':\n\n');

/** The media type of server-sent events, in any case and with any parameters. */
export const isEventStream = (contentType: string | null): boolean => /^\s*text\/event-stream\s*(?:;|$)/i.test(contentType ?? '');
