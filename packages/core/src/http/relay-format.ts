// How events look on the way to a client.

import { problemRows } from './kinds.ts';
import type { Problem } from './problem.ts';
import type { RelayItem } from './relay-source.ts';

/**
 * `anthropic-sse`: the events of the Messages API, readable by its SDKs. `ndjson`: the same events, one JSON document
 * per line. `text`: the words of the answer and nothing else.
 */
export type RelayFormatName = 'anthropic-sse' | 'text' | 'ndjson';

export interface RelayFormat {
  readonly contentType: string;
  /** Null for events the format has no place for. */
  encode(item: RelayItem): Uint8Array | null;
  /** What keeps proxies from closing a silent connection; null where the format has no room for it. */
  readonly heartbeat: Uint8Array | null;
  /** The last thing a reader is told of a broken answer; null where the format has no room for it, so the connection must break. */
  failure(body: unknown): Uint8Array | null;
}

const encoder = new TextEncoder();
const bytes = (text: string): Uint8Array => encoder.encode(text);

/** A name from outside must not be able to end its line. */
const safeName = /^[\w.-]{1,100}$/;

export const relayFormats: Readonly<Record<RelayFormatName, RelayFormat>> = {
  'anthropic-sse': {
    contentType: 'text/event-stream; charset=utf-8',
    encode: ({ name, json, raw }) =>
      raw !== undefined ? bytes(raw) : safeName.test(name) ? bytes(`event: ${name}\ndata: ${json}\n\n`) : null,
    heartbeat: bytes(': keep-alive\n\n'),
    failure: (body) => bytes(`event: error\ndata: ${JSON.stringify(body)}\n\n`),
  },
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    encode: ({ json }) => bytes(`${json.replace(/[\r\n]+/g, ' ')}\n`),
    heartbeat: bytes('{"type":"ping"}\n'),
    failure: (body) => bytes(`${JSON.stringify(body)}\n`),
  },
  text: {
    contentType: 'text/plain; charset=utf-8',
    encode: (item) => {
      const text = textOf(item);
      return text === '' ? null : bytes(text);
    },
    heartbeat: null,
    failure: () => null,
  },
};

function textOf({ name, event }: RelayItem): string {
  const { delta, content_block: block } = (event ?? {}) as {
    delta?: { type?: string; text?: string };
    content_block?: { type?: string; text?: string };
  };
  if (name === 'content_block_delta' && delta?.type === 'text_delta') return delta.text ?? '';
  if (name === 'content_block_start' && block?.type === 'text') return block.text ?? '';
  return '';
}

/** The data of an `error` event: Anthropic's shape, and no more in it than the problem body says. */
export function streamErrorBody({ kind, body }: Problem): unknown {
  const { code, detail, retryable, retryAfterMs, requestId } = body;
  return {
    type: 'error',
    error: { type: problemRows[kind].wireType, message: detail, details: { code, retryable, retryAfterMs } },
    request_id: requestId,
  };
}
