// Servers on loopback that send exactly what a row says, byte by byte, over a socket of their own.

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { fakeClaude, type FakeClaude } from '@holdfast/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { continues, events, message, words } from './wire.ts';

export interface Seen {
  /** Real milliseconds. */
  readonly at: number;
  readonly number: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown> | null;
  readonly streams: boolean;
}

export interface Upstream {
  readonly url: string;
  readonly seen: readonly Pick<Seen, 'at' | 'path' | 'headers' | 'body'>[];
  /** Replies that are begun or waited for, and whose connection is still there. */
  open(): number;
  close(): Promise<void>;
}

/** A piece of a reply; or a pause; or how the connection ends before the reply does. */
export type Step = string | Uint8Array | { readonly pause: number } | { readonly ends: 'cut' | 'reset' | 'stall' };

/** Closes the connection before the body's end. */
export const cut: Step = { ends: 'cut' };
/** Resets the connection. */
export const reset: Step = { ends: 'reset' };
/** Sends nothing more, and leaves the connection as it is. */
export const stall: Step = { ends: 'stall' };

export interface Reply {
  readonly status?: number;
  /** The reason phrase, in the bytes of UTF-8. */
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** The body, and what else happens while it is sent. */
  readonly steps: readonly Step[];
  /** `chunked`: by chunks. `length`: with its length told first. `close`: until the connection closes. Default: by content. */
  readonly framing?: 'chunked' | 'length' | 'close';
  /** No head at all: the steps are all that is sent. */
  readonly headless?: boolean;
}

export type Answerer = (request: Seen) => Reply;

export const jsonReply = (body: unknown, status = 200, headers: Reply['headers'] = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  steps: [typeof body === 'string' ? body : JSON.stringify(body)],
});

export const eventReply = (steps: readonly Step[], headers: Reply['headers'] = {}): Reply => ({
  headers: { 'content-type': 'text/event-stream; charset=utf-8', ...headers },
  steps,
  framing: 'chunked',
});

/** A healthy answer, as a stream where one is asked for; the rest of one where the request goes on with it. */
export function healthy(request: Seen, whole = words): Reply {
  const { pathname } = new URL(request.path, 'http://x');
  if (pathname.endsWith('/count_tokens')) return jsonReply({ input_tokens: 12 });
  if (pathname.endsWith('/models')) return jsonReply({ data: [], has_more: false, first_id: null, last_id: null });
  const from = continues(request.body, whole) ?? 0;
  const rest = whole.slice(from);
  return request.streams ? eventReply(events(rest)) : jsonReply(message(rest));
}

/** The turns of the conversation a request holds. */
export const turnsOf = ({ body }: Seen): readonly { readonly role: string; readonly content: unknown }[] =>
  (body?.['messages'] ?? []) as { role: string; content: unknown }[];

/** The types of the blocks of a turn; none where it is plain text. */
export const typesOf = (content: unknown): string[] =>
  Array.isArray(content) ? content.map((block) => String((block as { type: unknown }).type)) : [];

/** A server that answers as `answer` says. */
export async function upstream(answer: Answerer = healthy): Promise<Upstream> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const busy = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      busy.delete(socket);
    });
    let received = Buffer.alloc(0);
    let answering: Promise<unknown> = Promise.resolve();
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let request = takeRequest(received); request; request = takeRequest(received)) {
        received = Buffer.from(received.subarray(request.length));
        const one: Seen = { ...request.seen, number: seen.length + 1, at: performance.now() };
        seen.push(one);
        busy.add(socket);
        answering = answering
          .then(() => send(socket, answer(one), one.number))
          .then((ended) => void (ended && busy.delete(socket)))
          .catch(() => socket.destroy());
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    open: () => busy.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The fake Claude, prepared by `prepare`. */
export const fake =
  (prepare: (claude: FakeClaude) => void = () => {}) =>
  async (): Promise<Upstream> => {
    const claude = await fakeClaude({ size: 0.2 });
    prepare(claude);
    return {
      url: claude.url,
      get seen() {
        return claude.requests;
      },
      open: () => claude.requests.filter(({ finishedAt }) => finishedAt === null).length,
      close: () => claude.close(),
    };
  };

function takeRequest(received: Buffer): { seen: Omit<Seen, 'number' | 'at'>; length: number } | null {
  const border = received.indexOf('\r\n\r\n');
  if (border === -1) return null;
  const [first = '', ...lines] = received.subarray(0, border).toString('latin1').split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers: Record<string, string> = {};
  for (const line of lines) headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
  const from = border + 4;
  let bodyText: string;
  let length: number;
  if (headers['transfer-encoding']?.includes('chunked')) {
    const last = received.indexOf('0\r\n\r\n', from);
    if (last === -1) return null;
    length = last + 5;
    bodyText = '';
  } else {
    length = from + Number(headers['content-length'] ?? 0);
    if (received.length < length) return null;
    bodyText = received.subarray(from, length).toString('utf8');
  }
  const body = parsed(bodyText);
  return { seen: { method, path, headers, body, streams: body?.['stream'] === true }, length };
}

function parsed(bodyText: string): Record<string, unknown> | null {
  try {
    return JSON.parse(bodyText) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** Sends a reply; false where the connection is left hanging. */
async function send(socket: Socket, reply: Reply, number: number): Promise<boolean> {
  const framing = reply.framing ?? 'length';
  if (!reply.headless) socket.write(headOf(reply, framing, number));
  for (const step of reply.steps) {
    if (socket.destroyed) return true;
    if (isBytes(step)) socket.write(framed(Buffer.from(step as string), framing));
    else if ('pause' in step) await sleep(step.pause);
    else return leave(socket, step.ends);
  }
  if (framing === 'chunked') socket.write('0\r\n\r\n');
  if (framing === 'close') socket.end();
  return true;
}

const isBytes = (step: Step): step is string | Uint8Array => typeof step === 'string' || step instanceof Uint8Array;

const framed = (bytes: Buffer, framing: Reply['framing']): Buffer =>
  framing === 'chunked' && bytes.length > 0
    ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
    : bytes;

/** Ends the connection in the middle; false where it stays. */
async function leave(socket: Socket, how: 'cut' | 'reset' | 'stall'): Promise<boolean> {
  if (how === 'stall') return false;
  await flushed(socket);
  if (how === 'cut') {
    socket.destroy();
    return true;
  }
  // What was written must be read before the reset takes it away.
  await sleep(20);
  socket.resetAndDestroy();
  return true;
}

function headOf({ steps, headers, status = 200, reason = 'OK' }: Reply, framing: NonNullable<Reply['framing']>, number: number): Buffer {
  const length = steps.reduce((sum, step) => sum + (isBytes(step) ? Buffer.byteLength(step as string) : 0), 0);
  const framings = {
    chunked: { 'transfer-encoding': 'chunked' },
    length: { 'content-length': String(length) },
    close: { connection: 'close' },
  };
  const all: Record<string, string | readonly string[]> = { 'request-id': `req_up_${number}`, ...framings[framing], ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  return Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n`);
}

const flushed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    socket.write('', () => setImmediate(resolve));
    socket.once('close', () => resolve());
  });
