import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type AddressInfo, type Server as SocketServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { classify } from '../policy/classify.ts';
import type { Clock } from '../time.ts';
import { outcomeOfError, outcomeOfResponse } from './outcome.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(server: Server | SocketServer): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/messages`;
}

/** A server that answers every request with `answer`. */
const answering = (answer: (response: ServerResponse) => void): Promise<string> =>
  listen(createServer((request, response) => request.resume().on('end', () => answer(response))));

/** A server that reads the head of a request and then does `act` with the bare socket. */
const rude = (act: (socket: Socket) => void): Promise<string> =>
  listen(createSocketServer((socket) => void socket.on('error', () => {}).once('data', () => act(socket))));

const post = (url: string): Promise<Response> => fetch(url, { method: 'POST', body: '{"model":"claude-opus-5-5"}' });
const failureOf = (url: string): Promise<unknown> =>
  post(url).then(
    () => expect.unreachable('the request was answered'),
    (error: unknown) => error,
  );

describe('outcomeOfError, with real sockets', () => {
  it('knows of a refused connection that nothing was sent', async () => {
    const url = await answering((response) => response.end());
    await closing.pop()?.();

    const outcome = outcomeOfError(await failureOf(url));

    expect(outcome).toEqual({ type: 'connection', cause: { name: 'TypeError', code: 'ECONNREFUSED', sent: 'no' } });
  });

  it('does not know of a reset before headers whether the request was taken', async () => {
    const url = await rude((socket) => socket.resetAndDestroy());

    const outcome = outcomeOfError(await failureOf(url));

    expect(outcome).toMatchObject({ type: 'connection', cause: { code: 'ECONNRESET', sent: 'maybe' } });
    expect(classify(outcome)).toMatchObject({ kind: 'unreachable', retry: 'here', billed: 'maybe' });
  });

  it('does not know it of a connection closed before headers either', async () => {
    const url = await rude((socket) => socket.end());

    expect(outcomeOfError(await failureOf(url))).toMatchObject({ type: 'connection', cause: { code: 'UND_ERR_SOCKET', sent: 'maybe' } });
  });

  it('takes an answer that is no HTTP for a failed connection', async () => {
    const url = await rude((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));

    const outcome = outcomeOfError(await failureOf(url));

    expect(outcome).toMatchObject({ type: 'connection', cause: { sent: 'maybe' } });
    expect(classify(outcome).kind).toBe('unreachable');
  });

  it('knows of an unknown host that nothing was sent', async () => {
    const outcome = outcomeOfError(await failureOf('http://host.invalid/'));

    // ENOTFOUND, or EAI_AGAIN where there is no resolver at all.
    expect(outcome).toMatchObject({ type: 'connection', cause: { code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/), sent: 'no' } });
  });

  it('knows of an address that is none that nothing was sent', async () => {
    const outcome = outcomeOfError(await failureOf('/v1/messages'));

    expect(classify(outcome)).toMatchObject({ kind: 'unreachable', retry: 'elsewhere', reason: 'ERR_INVALID_URL' });
  });
});

describe('outcomeOfResponse, with real sockets', () => {
  it('reads a refusal of Anthropic’s', async () => {
    const body = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}';
    const url = await answering((response) =>
      response.writeHead(529, { 'content-type': 'application/json', 'retry-after': '3' }).end(body),
    );

    const { outcome, text } = await outcomeOfResponse(await post(url));

    expect(outcome).toMatchObject({ type: 'response', status: 529, error: { type: 'overloaded_error', message: 'Overloaded' } });
    expect(text).toBe(body);
    expect(classify(outcome)).toMatchObject({ kind: 'overloaded', waitMs: 3_000 });
  });

  it('finds no facts in a page of a proxy, and hands on its text', async () => {
    const page = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';
    const url = await answering((response) => response.writeHead(502, { 'content-type': 'text/html' }).end(page));

    const { outcome, text } = await outcomeOfResponse(await post(url));

    expect(outcome.error).toEqual({});
    expect(text).toBe(page);
    expect(classify(outcome)).toMatchObject({ kind: 'upstream-error', reason: 'status-502' });
  });

  it('reads a refusal without a body', async () => {
    const url = await answering((response) => response.writeHead(503).end());

    const { outcome, text } = await outcomeOfResponse(await post(url));

    expect(outcome).toMatchObject({ status: 503, error: {} });
    expect(text).toBe('');
  });

  it('keeps the status, and what had arrived, when the body is reset', async () => {
    const url = await rude((socket) => {
      socket.write('HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"type":"err', () =>
        setImmediate(() => socket.resetAndDestroy()),
      );
    });

    const { outcome, text } = await outcomeOfResponse(await post(url));

    expect(outcome).toMatchObject({ status: 500, error: {} });
    expect('{"type":"err').toContain(text);
  });

  it('hands on what had arrived of a body that broke', async () => {
    const chunks = [new TextEncoder().encode('{"type":"err')];
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const chunk = chunks.shift();
        if (chunk) controller.enqueue(chunk);
        else controller.error(new TypeError('terminated'));
      },
    });

    expect(await outcomeOfResponse(new Response(body, { status: 500 }))).toMatchObject({ text: '{"type":"err', outcome: { status: 500 } });
  });

  it('reads no more than it was told to, and lets go of the rest', async () => {
    let closed: () => void = () => {};
    const whenClosed = new Promise<void>((resolve) => (closed = resolve));
    const url = await answering((response) => {
      response.writeHead(500, { 'content-type': 'text/plain' }).on('close', closed);
      const more = (): void => {
        while (response.write('é'.repeat(8_192)));
        response.once('drain', more);
      };
      more();
    });

    const { text } = await outcomeOfResponse(await post(url), { limitBytes: 1_001 });
    await whenClosed;

    expect(text).toBe('é'.repeat(500));
  });

  it('reads 64 KiB unless told otherwise', async () => {
    const url = await answering((response) => response.writeHead(500).end('x'.repeat(200_000)));

    const { text } = await outcomeOfResponse(await post(url));

    expect(text.length).toBe(65_536);
  });

  it('does not wait longer than its patience for a body that stops', async () => {
    let patienceMs = 0;
    let ends: () => void = () => {};
    const clock: Clock = {
      now: () => 0,
      after: (delayMs, callback) => {
        patienceMs = delayMs;
        ends = callback;
        return () => {};
      },
    };
    const url = await answering((response) => response.writeHead(529, { 'content-type': 'application/json' }).write('{"type":"error"'));
    const response = await post(url);

    const reading = outcomeOfResponse(response, { clock });
    ends();
    const { outcome } = await reading;

    expect(patienceMs).toBe(5_000);
    expect(classify(outcome)).toMatchObject({ kind: 'overloaded', reason: 'status-529' });
  });

  it('leaves no timer behind', async () => {
    const timers = new Set<object>();
    const clock: Clock = {
      now: () => 0,
      after: () => {
        const timer = {};
        timers.add(timer);
        return () => timers.delete(timer);
      },
    };
    const url = await answering((response) => response.writeHead(529).end('{}'));

    await outcomeOfResponse(await post(url), { clock });

    expect(timers.size).toBe(0);
  });
});
