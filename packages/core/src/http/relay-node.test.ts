import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeScope } from './node-scope.ts';
import { problem } from './problem.ts';
import { relayToNode } from './relay-node.ts';
import type { RelayResult } from './relay.ts';
import { runInScope } from './scope.ts';
import {
  blockStart,
  clientOf,
  handBody,
  handClock,
  messageStart,
  overloaded,
  request,
  textDelta,
  wholeAnswer,
  withResolvers,
  type HandBody,
} from './testing/wire.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

/** A real server whose only handler is `handle`. */
async function serve(handle: (response: ServerResponse, request: IncomingMessage) => Promise<void>): Promise<string> {
  const server = createServer((incoming, response) => void handle(response, incoming));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client that reads only when told to. */
async function open(url: string): Promise<IncomingMessage> {
  const outgoing = httpRequest(url, { method: 'POST' });
  outgoing.on('error', () => {});
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  return response;
}

/** As `compression` does it: what is written goes through a compressor, and no callback comes back. */
function compressing(response: ServerResponse): ServerResponse {
  const gzip = createGzip();
  const [write, end] = [response.write.bind(response), response.end.bind(response)];
  response.setHeader('content-encoding', 'gzip');
  gzip.on('data', (part: Buffer) => write(part));
  gzip.on('end', () => end());
  return Object.assign(response, {
    write: (part: Uint8Array | string) => gzip.write(part),
    end: () => void gzip.end(),
    flush: () => gzip.flush(),
  }) as unknown as ServerResponse;
}

const streamOf = (answer: (signal: AbortSignal | undefined) => Response) => clientOf(answer).messages.create({ ...request, stream: true });

describe('relaying to a Node.js response', () => {
  it('writes the answer, keeps headers that were set, and says it was complete', async () => {
    let result: RelayResult | undefined;
    const url = await serve(async (response) => {
      response.setHeader('x-app', 'mine');
      result = await relayToNode(
        streamOf(() => new Response(wholeAnswer('Hello'))),
        response,
      );
    });

    const response = await fetch(url);

    expect(response.headers.get('x-app')).toBe('mine');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(await response.text()).toBe(wholeAnswer('Hello'));
    expect(result).toEqual({ outcome: 'completed' });
  });

  it('sends nothing for a call that failed, so that the error handler can', async () => {
    const url = await serve(async (response) => {
      await relayToNode(
        streamOf(() => Response.json({ type: 'error', error: { type: 'overloaded_error', message: 'm' } }, { status: 529 })),
        response,
      ).catch((error: unknown) => {
        const { status, headers, body } = problem(error);
        response.writeHead(status, headers).end(JSON.stringify(body));
      });
    });

    const response = await fetch(url);

    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'overloaded' });
  });

  it('tells in band when headers had been sent before', async () => {
    let result: RelayResult | undefined;
    const url = await serve(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
      result = await relayToNode(
        streamOf(() => Response.json({ type: 'error', error: { type: 'overloaded_error', message: 'm' } }, { status: 529 })),
        response,
      );
    });

    expect(await (await fetch(url)).text()).toContain('"code":"overloaded"');
    expect(result).toMatchObject({ outcome: 'failed' });
  });

  it('says how it ended once, also when it ended before its first event', async () => {
    const heard: RelayResult[] = [];
    const onEnd = (result: RelayResult): void => void heard.push(result);
    const refused = await serve(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
      await relayToNode(
        streamOf(() => Response.json({ type: 'error', error: { type: 'overloaded_error', message: 'm' } }, { status: 529 })),
        response,
        { onEnd },
      );
    });
    await (await fetch(refused)).text();

    const body = withResolvers<HandBody>();
    const result = withResolvers<RelayResult>();
    const left = await serve(async (response, incoming) => {
      const relayed = runInScope(nodeScope(incoming, response), () => {
        const stream = streamOf((signal) => {
          const made = handBody(signal);
          body.resolve(made);
          return made.response;
        });
        return relayToNode(stream, response, { onEnd });
      });
      result.resolve(await relayed);
    });
    const client = httpRequest(left, { method: 'POST' });
    client.on('error', () => {});
    client.end();
    await body.promise;
    client.destroy();
    await result.promise;

    expect(heard).toMatchObject([{ outcome: 'failed', error: { status: 529 } }, { outcome: 'left' }]);
  });

  it('ends a broken stream with an error event', async () => {
    const url = await serve(
      async (response) =>
        void (await relayToNode(
          streamOf(() => new Response(messageStart + overloaded)),
          response,
        )),
    );

    expect(await (await fetch(url)).text()).toContain('event: error\ndata: {"type":"error","error":{"type":"overloaded_error"');
  });

  it('breaks the connection of a text that broke', async () => {
    const url = await serve(
      async (response) =>
        void (await relayToNode(
          streamOf(() => new Response(messageStart + blockStart + textDelta('Hel') + overloaded)),
          response,
          { as: 'text' },
        )),
    );

    await expect(fetch(url).then((response) => response.text())).rejects.toThrow();
  });

  it.each([true, false])(
    'breaks the connection of a text that broke behind a compressor, after its words (compressing: %s)',
    async (isOn) => {
      const url = await serve(async (response) => {
        const compressed = isOn ? compressing(response) : Object.assign(response, { flush: () => {} });
        await relayToNode(
          streamOf(() => new Response(messageStart + blockStart + textDelta('Hel') + overloaded)),
          compressed,
          { as: 'text', slowReaderMs: 600_000 },
        );
      });
      const response = await fetch(url);
      let text = '';

      const reading = (async () => {
        for await (const part of response.body!.pipeThrough(new TextDecoderStream())) text += part;
      })();

      await expect(reading).rejects.toThrow();
      expect(text).toBe('Hel');
    },
  );

  it('says at once, and after the hold time, that it lives', async () => {
    const clock = handClock();
    const body = withResolvers<HandBody>();
    const url = await serve(async (response) => {
      const answer = streamOf((signal) => {
        const made = handBody(signal);
        body.resolve(made);
        return made.response;
      });
      await relayToNode(answer, response, { clock });
    });
    const opening = open(url);
    const upstream = await body.promise;

    clock.advance(800);
    const response = await opening;
    const [sign] = (await once(response, 'data')) as [Buffer];
    upstream.send(wholeAnswer('Hello'));
    let rest = '';
    for await (const part of response) rest += part;

    expect([response.statusCode, String(sign), rest]).toEqual([200, ': keep-alive\n\n', wholeAnswer('Hello')]);
  });

  it('does not pay for an answer that a HEAD does not get', async () => {
    let upstream: HandBody | undefined;
    const result = withResolvers<RelayResult>();
    const url = await serve(async (response) => {
      const answer = streamOf((signal) => (upstream = handBody(signal)).response);
      result.resolve(await relayToNode(answer, response));
    });

    const response = await fetch(url, { method: 'HEAD' });

    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(await result.promise).toEqual({ outcome: 'left' });
    await upstream?.cancelled;
  });

  it('stops the upstream when the client leaves in the middle', async () => {
    const body = withResolvers<HandBody>();
    const result = withResolvers<RelayResult>();
    const url = await serve(async (response) => {
      const stream = streamOf((signal) => {
        const made = handBody(signal);
        made.send(messageStart + blockStart + textDelta('Hel'));
        body.resolve(made);
        return made.response;
      });
      result.resolve(await relayToNode(stream, response));
    });
    const client = await open(url);

    client.destroy();
    await (
      await body.promise
    ).cancelled;

    expect(await result.promise).toEqual({ outcome: 'left' });
  });

  it('stops the upstream when the client leaves before the first event', async () => {
    const body = withResolvers<HandBody>();
    const result = withResolvers<RelayResult>();
    const url = await serve(async (response) => {
      const stream = streamOf((signal) => {
        const made = handBody(signal);
        body.resolve(made);
        return made.response;
      });
      result.resolve(await relayToNode(stream, response));
    });
    const client = httpRequest(url, { method: 'POST' });
    client.on('error', () => {});
    client.end();
    const upstream = await body.promise;

    client.destroy();
    await upstream.cancelled;

    expect(await result.promise).toEqual({ outcome: 'left' });
  });

  it('does nothing for a response that is already gone', async () => {
    const result = withResolvers<RelayResult>();
    const url = await serve(async (response) => {
      response.destroy();
      await once(response, 'close');
      result.resolve(
        await relayToNode(
          streamOf(() => new Response(wholeAnswer('Hello'))),
          response,
        ),
      );
    });

    await fetch(url).catch(() => {});

    expect(await result.promise).toEqual({ outcome: 'left' });
  });

  it('reads the upstream no faster than the client, and cuts off one that stopped reading', async () => {
    const clock = handClock();
    const word = textDelta('x'.repeat(64 * 1024));
    let produced = 0;
    const cancelled = withResolvers<void>();
    const result = withResolvers<RelayResult>();
    const url = await serve(async (response) => {
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new TextEncoder().encode(produced === 0 ? messageStart + blockStart : word));
          produced += 1;
        },
        cancel: () => cancelled.resolve(undefined),
      });
      result.resolve(await relayToNode(new Response(endless), response, { clock, slowReaderMs: 30_000 }));
    });
    const client = await open(url);
    client.pause();

    let before = -1;
    while (produced !== before || produced < 2) {
      before = produced;
      for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    }
    expect(produced).toBeLessThan(500);
    clock.advance(60_000);
    await cancelled.promise;

    expect(await result.promise).toEqual({ outcome: 'too-slow' });
    client.destroy();
  });
});
