// Carries out replies over real sockets.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handle } from './fake-claude.ts';

export async function serve(handle: Handle, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => {});
  const bodyText = await readAll(request).catch(() => null);
  if (bodyText === null) return;
  const { reply, record } = handle({ method: request.method ?? 'GET', path: request.url ?? '/', headers: flat(request), bodyText });
  response.once('close', () => {
    record.finishedAt = Date.now();
    record.clientLeft =
      !response.writableFinished && !response.destroyed
        ? true
        : !response.writableEnded && reply.ending !== 'reset' && reply.instead === null;
  });
  if (reply.delayMs > 0) await delay(reply.delayMs, response);
  switch (reply.instead) {
    case 'stall':
      return;
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'reset-in-headers':
      request.socket.write('HTTP/1.1 200 OK\r\ncontent-ty', () => request.socket.destroy());
      return;
    case null:
  }
  record.status = reply.status;
  response.writeHead(reply.status, reply.headers);
  // Headers come when the upstream begins, not when it has something to say.
  response.flushHeaders();
  for (const chunk of reply.chunks) {
    if (reply.delayPerChunkMs > 0) await delay(reply.delayPerChunkMs, response);
    if (response.destroyed) return;
    record.bytesSent += chunk.length;
    if (!response.write(chunk)) await drained(response);
  }
  switch (reply.ending) {
    case 'stall':
      return;
    case 'end':
      response.end();
      return;
    case 'reset':
      // What was written must arrive first: an empty write comes back when the socket has taken everything.
      response.write('', () => setImmediate(() => request.socket.destroy()));
      if (reply.chunks.length === 0) setImmediate(() => request.socket.destroy());
  }
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function flat({ headers }: IncomingMessage): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) found[name] = String(value);
  return found;
}

const delay = (ms: number, response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off('close', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    response.on('close', done);
  });

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
