// Answers as gateways, proxies and other implementations of fetch give them: no worse through Holdfast than without it.

import { createServer, type RequestListener } from 'node:http';
import { createServer as createRawServer, type AddressInfo, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { holdfast, type HoldfastOptions } from '../src/index.ts';
import {
  blockStart,
  blockStop,
  ending,
  errorEvent,
  json,
  messageDelta,
  messageStart,
  messageStop,
  ping,
  text,
} from '../src/stream/testing/wire.ts';
import { read, request } from './world.ts';

const words = 'The harbour lies still.';
const events = [messageStart(), blockStart(0), ping, text(0, words), blockStop(0), ending].join('');
const content = [{ type: 'text', text: words }];
const message = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-5-5',
  content,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
});
const whole = { content, stopReason: 'end_turn' };
const sse = { 'content-type': 'text/event-stream' };

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client of an upstream that gives every request the same answer, with the requests it got. */
async function upstream(
  answer: RequestListener,
  options: HoldfastOptions = {},
  more: Partial<ConstructorParameters<typeof Anthropic>[0]> = {},
) {
  let requests = 0;
  const server = createServer((asked, response) => {
    requests += 1;
    asked.resume().on('end', () => answer(asked, response));
  });
  const baseURL = await listening(server);
  const hold = holdfast({ breaker: false, budget: false, random: () => 0, retry: { baseMs: 0, throttledBaseMs: 0 }, ...options });
  const client = new Anthropic({ baseURL, apiKey: 'sk-ant-api-test', middleware: [hold], maxRetries: 0, logLevel: 'off', ...more });
  return { client, hold, requests: () => requests, baseURL };
}

const asked = async (client: Anthropic): Promise<unknown> => {
  const { content: got, stop_reason: stopReason } = await client.messages.create(request);
  return { content: got, stopReason };
};

describe('a stream', () => {
  it.each([
    'Text/Event-Stream',
    'TEXT/EVENT-STREAM;charset=UTF-8',
    'text/plain; charset=utf-8',
    'application/octet-stream',
    'application/json',
    '',
  ])('is read under the content type %j', async (type) => {
    const { client, requests } = await upstream((_, response) => response.writeHead(200, type ? { 'content-type': type } : {}).end(events));

    expect(await read(client)).toEqual(whole);
    const body = await client.messages.create({ ...request, stream: true }).asResponse();
    expect(body.headers.get('content-type')).toMatch(/^text\/event-stream/i);
    expect([await body.text(), requests()]).toEqual([events, 2]);
  });

  it('is made of the whole message where a gateway knows no streams', async () => {
    const { client, requests } = await upstream((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(message),
    );

    expect([await read(client), requests()]).toEqual([whole, 1]);
  });

  it.each([
    ['a page', 'text/html', '<html></html>', 'wrong-type'],
    ['half a message', 'application/json', message.slice(0, -9), 'truncated'],
    ['nothing', 'text/event-stream', '', 'early-end'],
  ])('is none where there is %s instead', async (_, type, body, reason) => {
    const { client, hold } = await upstream((__, response) => response.writeHead(200, { 'content-type': type }).end(body));

    const { error } = (await read(client)) as { error: Error };
    expect(hold.explain(error).ledger?.attempts.at(-1)).toMatchObject({ reason });
  });
});

describe('a first error event', () => {
  const data = JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long' } });
  it.each([
    ['as usual', errorEvent('invalid_request_error', 'prompt is too long')],
    ['data first', `data: ${data}\nevent: error\n\n`],
    ['an id between', `event: error\nid: 7\ndata: ${data}\n\n`],
    ['a comment between', `id:1\nevent:error\n:HTTP_STATUS/400\ndata:${data}\n\n`],
    ['data in two lines', `event: error\ndata: ${data.slice(0, 16)}\ndata: ${data.slice(16)}\n\n`],
    ['after the beginning', `${messageStart()}data: ${data}\nevent: error\n\n`],
    ['without a blank line', `event: error\ndata: ${data}`],
    ['without a name', `data: ${data}\n\n`],
    ['as JSON', data],
  ])('is that error, asked once: %s', async (_, body) => {
    const { client, hold, requests } = await upstream((__, response) => response.writeHead(200, sse).end(body));

    const got = await read(client);

    const { ledger } = hold.explain((got as { error: Error }).error);
    expect(ledger?.attempts).toMatchObject([{ result: 'too-large', retry: 'never' }]);
    expect(requests()).toBe(1);
  });
});

describe('a whole answer', () => {
  it('is put together from events that nobody asked for', async () => {
    const { client } = await upstream((_, response) => response.writeHead(200, sse).end(events));

    expect(await asked(client)).toEqual(whole);
  });

  it('that is larger than any is given up, and not asked for again', async () => {
    const bomb = gzipSync(Buffer.alloc(130 * 1024 * 1024, ' '));
    const { client, requests } = await upstream((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb),
    );

    await expect(asked(client)).rejects.toMatchObject({ errorCode: 'holdfast_bad_answer' });
    expect(requests()).toBe(1);
  });
});

describe('a reason phrase', () => {
  const raw = async (phrase: string, type: string, body: string) => {
    const server = createRawServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.end(
          `HTTP/1.1 ${phrase}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
        ),
      );
    });
    const baseURL = await listening(server);
    const hold = holdfast({ retry: false });
    return new Anthropic({ baseURL, apiKey: 'sk-ant-api-test', middleware: [hold], maxRetries: 0 });
  };

  it('outside of ASCII loses no answer and no error', async () => {
    expect(await asked(await raw('200 成功', 'application/json', message))).toEqual(whole);
    expect(await read(await raw('200 成功', 'text/event-stream', events))).toEqual(whole);
    const refusal = '{"type":"error","error":{"type":"rate_limit_error","message":"x"}}';
    await expect(asked(await raw('429 Слишком много', 'application/json', refusal))).rejects.toBeInstanceOf(Anthropic.RateLimitError);
  });
});

/** What node-fetch gives: Node streams for bodies, and Headers of its own. */
async function nodeFetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const body = response.body ? Readable.fromWeb(response.body as never) : null;
  const headers = new Map(response.headers) as unknown as Headers;
  const { status, ok, statusText, url: from } = response;
  const all = async (): Promise<string> => {
    let got = '';
    for await (const part of body ?? []) got += String(part);
    return got;
  };
  return { status, ok, statusText, url: from, headers, body, text: all, json: async () => JSON.parse(await all()) } as unknown as Response;
}

describe('a fetch whose bodies are Node streams', () => {
  it('streams, answers whole, and refuses', async () => {
    const { client, requests } = await upstream(
      ({ url }, response) => {
        if (url?.includes('count_tokens'))
          return response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"type":"not_found_error"}}');
        if (url?.includes('models')) return response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"claude"}');
        return response.writeHead(200, sse).end(events);
      },
      {},
      { fetch: nodeFetch },
    );

    expect(await read(client)).toEqual(whole);
    expect(await asked(client)).toEqual(whole);
    expect(await client.models.retrieve('claude')).toMatchObject({ id: 'claude' });
    await expect(client.messages.countTokens({ model: 'x', messages: [] })).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    expect(requests()).toBe(4);
  });

  it('lets go of a stream whose reader left', async () => {
    let onClose!: () => void;
    const closed = new Promise<void>((resolve) => (onClose = resolve));
    const { client } = await upstream(
      (_, response) => {
        response.writeHead(200, sse).write(messageStart() + blockStart(0) + text(0, words));
        response.on('close', onClose);
      },
      {},
      { fetch: nodeFetch },
    );

    for await (const event of await client.messages.create({ ...request, stream: true })) if (event.type === 'content_block_delta') break;
    await closed;
  });
});

describe('an answer that is whole and odd', () => {
  const tool = blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'grep', input: {} });
  it.each([
    [
      'an escape in a tool call that JSON does not know',
      [tool, json(0, '{"pattern": "'), json(0, '\\d+"}'), blockStop(0), messageDelta('tool_use'), messageStop],
    ],
    ['an empty delta of another kind of block', [blockStart(0), json(0, ''), text(0, words), blockStop(0), ending]],
    ['a message that is announced twice', [messageStart(), blockStart(0), text(0, words), blockStop(0), ending]],
    ['no stop reason, told as null', [blockStart(0), text(0, words), blockStop(0), messageDelta(null as never), messageStop]],
    [
      'tool calls written side by side',
      [
        tool,
        blockStart(1, { type: 'tool_use', id: 'toolu_2', name: 'grep', input: {} }),
        json(0, '{"a":'),
        json(1, '{"b":'),
        json(0, '1}'),
        json(1, '2}'),
        blockStop(0),
        blockStop(1),
        messageDelta('tool_use'),
        messageStop,
      ],
    ],
  ])('is handed on, asked for once, and counts for nothing: %s', async (_, parts) => {
    const { client, hold, requests } = await upstream((__, response) =>
      response.writeHead(200, sse).end([messageStart(), ...parts].join('')),
    );

    const types: string[] = [];
    for await (const event of await client.messages.create({ ...request, stream: true })) types.push(event.type);

    expect([types.at(-1), requests()]).toEqual(['message_stop', 1]);
    expect(hold.attempts('msg_1')).toMatchObject({ attempts: [{ result: 'success' }] });
  });
});

describe('an answer that is not whole', () => {
  const tool = (index: number): string => blockStart(index, { type: 'tool_use', id: `toolu_${index}`, name: 'grep', input: {} });
  it.each([
    [
      'one of two tool calls never ended',
      [tool(0), tool(1), json(0, '{"a":1}'), json(1, '{"b":'), blockStop(0), messageDelta('tool_use'), messageStop],
    ],
    ['it ends without saying so', [blockStart(0), text(0, words), blockStop(0), messageStop]],
  ])('is not handed on as one: %s', async (_, parts) => {
    const { client, hold } = await upstream((__, response) => response.writeHead(200, sse).end([messageStart(), ...parts].join('')));

    const { error } = (await read(client)) as { error: Error };

    expect(hold.explain(error).kind).toBe('stream-broken');
  });
});

it('can be read into buffers of the reader, streamed or whole', async () => {
  const { client } = await upstream((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(message));
  const streaming = await upstream((_, response) => response.writeHead(200, sse).end(events));
  const readAll = async (response: Response): Promise<string> => {
    const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader({ mode: 'byob' });
    let got = '';
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(16));
      if (done) return got;
      got += new TextDecoder().decode(value);
    }
  };

  expect(await readAll(await client.messages.create(request).asResponse())).toBe(message);
  expect(await readAll(await streaming.client.messages.create({ ...request, stream: true }).asResponse())).toBe(events);
});
