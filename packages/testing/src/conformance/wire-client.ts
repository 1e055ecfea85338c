// A client with its hands on the socket: it can stop reading, and leave in the middle.

import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { WireRequest } from './adapter.ts';
import { within } from './wait.ts';

export interface WireReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body ended as it should; false when the connection broke. */
  readonly whole: boolean;
}

export interface OpenReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What has been read so far. */
  readonly received: () => string;
  /** Reads to the end. */
  rest(): Promise<WireReply>;
  leave(): void;
}

/** Sends and reads to the end. */
export async function send(url: string, request: WireRequest): Promise<WireReply> {
  return (await open(url, request)).rest();
}

/** Sends, and returns when the headers are here. */
export async function open(url: string, request: WireRequest, options: { readonly paused?: boolean } = {}): Promise<OpenReply> {
  const outgoing = start(url, request);
  const response = await within(responseOf(outgoing), `the headers of ${request.method} ${request.path}`);
  let received = '';
  let whole = false;
  response.setEncoding('utf8');
  response.on('error', () => {});
  const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
  response.once('end', () => {
    whole = response.complete;
  });
  if (!options.paused) response.on('data', (part: string) => (received += part));
  const { statusCode: status = 0, headers } = response;
  return {
    status,
    headers,
    received: () => received,
    async rest() {
      await within(closed, `the end of ${request.method} ${request.path}`);
      return { status, headers, body: received, whole };
    },
    leave: () => outgoing.destroy(),
  };
}

/** Sends without waiting for headers; for clients that leave before any. */
export function start(url: string, request: WireRequest): ClientRequest {
  const outgoing = httpRequest(url + request.path, {
    method: request.method,
    headers: { ...request.headers, connection: 'close' },
    // A server may offer to keep the connection all the same.
    agent: false,
  });
  outgoing.on('error', () => {});
  outgoing.end(request.body);
  return outgoing;
}

async function responseOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  const failed = once(outgoing, 'close').then(() => Promise.reject(new Error('The connection closed without a reply.')));
  const [response] = (await Promise.race([once(outgoing, 'response'), failed])) as [IncomingMessage];
  failed.catch(() => {});
  return response;
}
