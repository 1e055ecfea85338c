// Reads the JSON body of a Node.js request, within bounds.

import type { IncomingMessage } from 'node:http';

export type JsonBody =
  | { readonly type: 'json'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly type: 'malformed' }
  | { readonly type: 'compressed' }
  /** It is not kept, and not read to its end: the connection should be closed. */
  | { readonly type: 'too-large' }
  /** The client left while it was read. */
  | { readonly type: 'gone' };

/** What body-parsing middleware leaves on a request. */
export type ParsedRequest = IncomingMessage & { readonly body?: unknown };

export async function readJson(request: ParsedRequest, maxBytes: number): Promise<JsonBody> {
  const { body } = request;
  if (typeof body === 'string') return parse(body);
  if (body instanceof Uint8Array) return parse(new TextDecoder().decode(body));
  if (body !== undefined && body !== null) return isRecord(body) ? { type: 'json', value: body } : { type: 'malformed' };
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') return { type: 'compressed' };
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    discard(request, maxBytes);
    return { type: 'too-large' };
  }
  // What has ended already tells nobody that it does.
  if (request.readableEnded) return { type: 'malformed' };
  if (request.destroyed) return { type: 'gone' };
  const parts: Uint8Array[] = [];
  let length = 0;
  return new Promise((resolve) => {
    const settle = (body: JsonBody): void => {
      request.off('data', onData).off('end', onEnd).off('close', onGone);
      resolve(body);
    };
    const onData = (part: Uint8Array): void => {
      length += part.length;
      parts.push(part);
      if (length <= maxBytes) return;
      settle({ type: 'too-large' });
      discard(request, maxBytes);
    };
    const onEnd = (): void => settle(parse(Buffer.concat(parts).toString('utf8')));
    const onGone = (): void => settle({ type: 'gone' });
    request.on('data', onData).on('end', onEnd).on('close', onGone);
    request.on('error', onGone);
  });
}

/** A client that is still sending would meet a reset instead of the reply; so what comes is dropped, up to a bound. */
function discard(request: IncomingMessage, mostBytes: number): void {
  let length = 0;
  request.on('data', (part: Uint8Array) => {
    length += part.length;
    if (length > mostBytes) request.destroy();
  });
  request.on('error', () => {});
  request.resume();
}

function parse(text: string): JsonBody {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? { type: 'json', value } : { type: 'malformed' };
  } catch {
    return { type: 'malformed' };
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
