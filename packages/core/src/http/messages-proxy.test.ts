import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { EventEmitter, once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { proxyMessages, refusedBody } from './messages-proxy.ts';
import { nodeScope } from './node-scope.ts';
import type { MessagesProxyOptions, ProxyClient } from './proxy-options.ts';
import { runInScope, type ScopeOptions } from './scope.ts';
import {
  blockStart,
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

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Seen {
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
}

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};

/** A proxy before `answer`; what it sent upstream is in `seen`. */
async function proxy(
  answer: (signal: AbortSignal | undefined) => Response | Promise<Response>,
  options: MessagesProxyOptions = {},
  prepare: (request: IncomingMessage) => Promise<void> = async () => {},
  scope: ScopeOptions = {},
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const client = new Anthropic({
    apiKey: 'server-key',
    maxRetries: 0,
    fetch: async (url, init) => {
      seen.push({ url: String(url), headers: new Headers(init?.headers), body: init?.body ? JSON.parse(String(init.body)) : undefined });
      return answer(init?.signal ?? undefined);
    },
  });
  const server = createServer(
    (incoming: IncomingMessage, response: ServerResponse) =>
      void prepare(incoming).then(() => {
        const named = scope.requestId === undefined ? scope : { ...nodeScope(incoming, response), ...scope };
        return runInScope(named, () => proxyMessages(incoming, response, client, options));
      }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const callerOf = (url: string, options: object = {}): Anthropic =>
  new Anthropic({ baseURL: url, apiKey: 'caller-key', maxRetries: 2, ...options });

async function failure(of: Promise<unknown>): Promise<APIError> {
  return of.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error as APIError,
  );
}

const refusal = (status: number, type: string, headers: Record<string, string> = {}): Response =>
  Response.json(
    { type: 'error', error: { type, message: 'organization org-4f1c', details: { error_code: 'some_code' } } },
    { status, headers: { 'request-id': 'req_up', ...headers } },
  );

const textOf = async (stream: AsyncIterable<Anthropic.RawMessageStreamEvent>): Promise<string> => {
  let text = '';
  for await (const event of stream) if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
  return text;
};

describe('an SDK that has this server as its base URL', () => {
  it('gets a message', async () => {
    const { url, seen } = await proxy(() =>
      Response.json(message, { headers: { 'holdfast-degraded': 'fallback-model', 'anthropic-organization-id': 'org-4f1c' } }),
    );

    const { data, response } = await callerOf(url).messages.create(request).withResponse();

    expect(data.content).toEqual(message.content);
    expect(seen[0]?.body).toEqual(request);
    expect(response.headers.get('holdfast-degraded')).toBe('fallback-model');
    expect([...response.headers.values()].join()).not.toContain('org-4f1c');
  });

  it('gets a token count', async () => {
    const { url, seen } = await proxy(() => Response.json({ input_tokens: 7 }));
    const { max_tokens: _, ...params } = request;

    expect(await callerOf(url).messages.countTokens(params)).toMatchObject({ input_tokens: 7 });
    expect(seen[0]?.url).toContain('/v1/messages/count_tokens');
  });

  it('gets a stream', async () => {
    const { url } = await proxy(() => new Response(wholeAnswer('Hel', 'lo'), { headers: { 'content-type': 'text/event-stream' } }));

    expect(await textOf(await callerOf(url).messages.create({ ...request, stream: true }))).toBe('Hello');
  });

  it.each([
    [400, 'invalid_request_error', 'BadRequestError'],
    [401, 'authentication_error', 'AuthenticationError'],
    [404, 'not_found_error', 'NotFoundError'],
    [429, 'rate_limit_error', 'RateLimitError'],
    [500, 'api_error', 'InternalServerError'],
    [529, 'overloaded_error', 'OverloadedError'],
  ])('raises for %i what it would raise without a proxy, after one attempt', async (status, type, name) => {
    for (const stream of [false, true]) {
      const { url, seen } = await proxy(() => refusal(status, type));

      const error = await failure(callerOf(url).messages.create({ ...request, stream }));

      expect(error).toMatchObject({ name, status, type, errorCode: 'some_code' });
      expect(seen).toHaveLength(1);
    }
  });

  it('gets the list of models, and one of them', async () => {
    const model = { id: 'claude-opus-5-5', type: 'model' };
    const { url, seen } = await proxy(() => Response.json({ data: [model], has_more: false, ...model }));

    expect((await callerOf(url).models.list({ limit: 5 })).data).toEqual([model]);
    expect(await callerOf(url).models.retrieve('claude-opus-5-5')).toMatchObject(model);
    expect(seen.map((request) => new URL(request.url)).map(({ pathname, search }) => pathname + search)).toEqual([
      '/v1/models?limit=5',
      '/v1/models/claude-opus-5-5',
    ]);
    expect((await fetch(`${url}/v1/models/..%2Ffiles`)).status).toBe(404);
  });

  it('gets beta features by the parameter that older SDKs add, and nothing else of a query goes on', async () => {
    const { url, seen } = await proxy(() => Response.json(message));

    await fetch(`${url}/v1/messages?beta=true&secret=1`, { method: 'POST', body: JSON.stringify(request) });

    expect(new URL(seen[0]!.url).search).toBe('?beta=true');
  });

  it('is told that there is a server, by a HEAD that asks nothing upstream', async () => {
    const { url, seen } = await proxy(() => Response.json(message), { authorize: () => false });
    const status = async (path: string): Promise<number> => (await fetch(url + path, { method: 'HEAD' })).status;

    expect(await Promise.all(['/', '/v1/messages', '/v1/models', '/v1/files'].map(status))).toEqual([200, 200, 200, 404]);
    expect(seen).toHaveLength(0);
  });

  describe('and an upstream that is silent', () => {
    async function silent(options: MessagesProxyOptions = {}) {
      const clock = handClock();
      const [asked, answered] = [withResolvers<void>(), withResolvers<Response>()];
      const { url } = await proxy(
        () => {
          asked.resolve(undefined);
          return answered.promise;
        },
        { clock, ...options },
      );
      const reply = fetch(`${url}/v1/messages`, { method: 'POST', body: JSON.stringify({ ...request, stream: true }) });
      await asked.promise;
      return { clock, reply, answer: answered.resolve };
    }

    it('gets headers and a sign of life within a second, and then the answer with its labels', async () => {
      const { clock, reply, answer } = await silent();

      clock.advance(800);
      const response = await reply;
      answer(new Response(wholeAnswer('Hello'), { headers: { 'holdfast-degraded': 'fallback-model', 'request-id': 'req_up' } }));

      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
      expect(response.headers.get('request-id')).toBeTruthy();
      const text = await response.text();
      expect(text).toMatch(/^: keep-alive\n\n/);
      expect(text).toContain(': holdfast-degraded: fallback-model\n');
      expect(text).toContain(wholeAnswer('Hello'));
    });

    it('hears inside the stream of what fails later', async () => {
      const errors: unknown[] = [];
      const { clock, reply, answer } = await silent({ onError: (error) => errors.push(error) });

      clock.advance(800);
      const response = await reply;
      answer(refusal(529, 'overloaded_error'));

      expect(response.status).toBe(200);
      expect(await response.text()).toMatch(/event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error"/);
      expect(errors).toMatchObject([{ status: 529 }]);
    });

    it('gets the status of what fails before', async () => {
      const { clock, reply, answer } = await silent();

      clock.advance(799);
      answer(refusal(529, 'overloaded_error'));

      expect((await reply).status).toBe(529);
    });
  });

  it('raises an error event that comes first as a status', async () => {
    const { url } = await proxy(() => new Response(overloaded));

    expect(await failure(callerOf(url).messages.create({ ...request, stream: true }))).toMatchObject({
      status: 529,
      name: 'OverloadedError',
    });
  });

  it.each([
    ['an error event', overloaded, 'overloaded_error'],
    ['an early end', '', 'api_error'],
  ])('hears of %s in the middle', async (_what, tail, type) => {
    const errors: unknown[] = [];
    const { url } = await proxy(() => new Response(messageStart + blockStart + textDelta('Hel') + tail), {
      onError: (error) => errors.push(error),
    });

    expect(await failure(textOf(await callerOf(url).messages.create({ ...request, stream: true })))).toMatchObject({
      name: 'APIError',
      type,
    });
    expect(errors).toHaveLength(1);
  });

  it('stops the upstream when it leaves', async () => {
    const body = withResolvers<HandBody>();
    const { url } = await proxy((signal) => {
      const made = handBody(signal);
      made.send(messageStart);
      body.resolve(made);
      return made.response;
    });

    for await (const _event of await callerOf(url).messages.create({ ...request, stream: true })) break;

    await (
      await body.promise
    ).cancelled;
  });
});

describe('what goes upstream', () => {
  const headers = {
    'anthropic-beta': 'some-beta',
    'anthropic-version': '2023-06-01',
    'x-private': 'secret',
    cookie: 'session=1',
    traceparent: '00-1',
    'anthropic-workspace-id': 'theirs',
  };

  it('is what decides how the request is read, and no credentials of the caller', async () => {
    const { url, seen } = await proxy(() => Response.json(message));

    await callerOf(url, { defaultHeaders: { ...headers, 'x-api-key': 'caller-key' } }).messages.create(request);
    const sent = seen[0]!.headers;

    expect([sent.get('anthropic-beta'), sent.get('anthropic-version'), sent.get('authorization')]).toEqual([
      'some-beta',
      '2023-06-01',
      'Bearer server-key',
    ]);
    expect([...sent.values()].join()).not.toMatch(/caller-key|secret|session|theirs|00-1/);
  });

  it.each([
    ['authorization', {}, ['Bearer caller-key', null]],
    ['x-api-key', { apiKey: null, defaultHeaders: { 'x-api-key': 'caller-key', authorization: null } }, [null, 'caller-key']],
  ])('is the caller’s key alone when that was asked for (%s)', async (_header, options, expected) => {
    const { url, seen } = await proxy(() => Response.json(message), { forwardCredentials: true });

    await callerOf(url, options).messages.create(request);

    expect([seen[0]!.headers.get('authorization'), seen[0]!.headers.get('x-api-key')]).toEqual(expected);
  });

  it('is the caller’s call, and of nobody who brings no key', async () => {
    const calls: { readonly holdfast?: unknown }[] = [];
    const spy = { asResponse: async () => Response.json(message) };
    const client: ProxyClient = {
      post: (_path, options) => (calls.push(options), spy),
      get: (_path, options) => (calls.push(options), spy),
    };
    for (const forwardCredentials of [true, false]) {
      const server = createServer((incoming, response) => void proxyMessages(incoming, response, client, { forwardCredentials }));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      closers.push(() => server.close());
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const ask = (headers: Record<string, string>): Promise<Response> =>
        fetch(`${url}/v1/messages`, { method: 'POST', body: JSON.stringify(request), headers });
      const statuses = [];
      for (const headers of [{}, { 'x-api-key': ' ' }, { authorization: 'Bearer ' }, { authorization: 'Basic eDp5' }])
        statuses.push((await ask(headers)).status);
      statuses.push((await fetch(`${url}/v1/models`)).status, (await ask({ 'x-api-key': 'theirs' })).status);

      expect(statuses).toEqual(forwardCredentials ? [401, 401, 401, 401, 401, 200] : [200, 200, 200, 200, 200, 200]);
      expect(calls.map(({ holdfast }) => holdfast)).toEqual(forwardCredentials ? [{ credential: 'caller' }] : statuses.map(() => ({})));
      calls.length = 0;
    }
  });

  it('comes back with the upstream’s words where the key is the caller’s own, also inside a stream', async () => {
    const callers = await proxy(() => refusal(401, 'authentication_error'), { forwardCredentials: true });
    const ours = await proxy(() => refusal(401, 'authentication_error'));
    const late = await proxy(() => new Response(messageStart + blockStart + textDelta('Hel') + overloaded), { forwardCredentials: true });

    expect(await failure(callerOf(callers.url).messages.create(request))).toMatchObject({ apiMessage: 'organization org-4f1c' });
    expect((await failure(callerOf(ours.url).messages.create(request))).message).not.toContain('org-4f1c');
    const stream = await callerOf(late.url).messages.create({ ...request, stream: true });
    expect((await failure(textOf(stream))).message).toContain('org-4f1c');
  });

  it('is what beforeCall makes of it', async () => {
    const heard: unknown[] = [];
    const { url, seen } = await proxy(() => Response.json(message), {
      async beforeCall({ path, body, betas, credential }, incoming) {
        heard.push([path, body['model'], betas, credential, incoming.method]);
        return { body: { ...body, max_tokens: 5 }, betas: betas.filter((beta) => beta !== 'b') };
      },
    });

    await callerOf(url, { defaultHeaders: { 'anthropic-beta': 'a, b,c' } }).messages.create(request);
    await callerOf(url, { defaultHeaders: { 'anthropic-beta': 'b' } }).messages.create(request);

    expect(heard[0]).toEqual(['/v1/messages', request.model, ['a', 'b', 'c'], 'operator', 'POST']);
    expect(seen.map(({ body, headers }) => [body, headers.get('anthropic-beta')])).toEqual([
      [{ ...request, max_tokens: 5 }, 'a,c'],
      [{ ...request, max_tokens: 5 }, null],
    ]);
  });

  it('may have been parsed by middleware before', async () => {
    for (const parsed of [request, JSON.stringify(request), new TextEncoder().encode(JSON.stringify(request))]) {
      const { url, seen } = await proxy(
        () => Response.json(message),
        {},
        async (incoming) => {
          for await (const _part of incoming);
          Object.assign(incoming, { body: parsed });
        },
      );

      await callerOf(url).messages.create(request);

      expect(seen[0]?.body).toEqual(request);
    }
  });
});

describe('a caller the proxy refuses', () => {
  const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url, { method: 'POST', body, headers });

  it.each([
    ['{"model":', 400, 'invalid_request_error'],
    ['[]', 400, 'invalid_request_error'],
    ['null', 400, 'invalid_request_error'],
    ['', 400, 'invalid_request_error'],
    [JSON.stringify({ text: 'x'.repeat(2_000) }), 413, 'request_too_large'],
  ])('for the body %.10s gets %i', async (body, status, type) => {
    const { url, seen } = await proxy(() => Response.json(message), { maxBodyBytes: 1_000 });

    const response = await post(`${url}/v1/messages`, body);

    expect([response.status, await response.json()]).toMatchObject([status, { type: 'error', error: { type } }]);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(seen).toHaveLength(0);
  });

  it('for a body without a length that grows too large gets 413', async () => {
    const { url } = await proxy(() => Response.json(message), { maxBodyBytes: 1_000 });
    const outgoing = httpRequest(`${url}/v1/messages`, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
    outgoing.on('error', () => {});

    outgoing.write('x'.repeat(1_500));
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    outgoing.destroy();

    expect(response.statusCode).toBe(413);
  });

  it.each([
    ['Not here.', 403, 'permission_error', 'Not here.'],
    [{ message: 'Enough for today.', status: 429 }, 429, 'rate_limit_error', 'Enough for today.'],
    [{ message: 'No tools.', status: 400, type: 'own_error' }, 400, 'own_error', 'No tools.'],
  ])('by beforeCall with %j is told so, and nothing is asked upstream', async (refuse, status, type, words) => {
    const { url, seen } = await proxy(() => Response.json(message), { beforeCall: () => ({ refuse }) });
    for (const stream of [false, true])
      expect(await failure(callerOf(url).messages.create({ ...request, stream }))).toMatchObject({ status, type, apiMessage: words });
    expect(seen).toHaveLength(0);
  });

  it.each([false, 'no', { reject: 'no' }, { body: 'x' }, { body: null }])(
    'by a decision that cannot be read, %j, is not let through',
    async (decision) => {
      const errors: unknown[] = [];
      const { url, seen } = await proxy(() => Response.json(message), {
        beforeCall: () => decision as never,
        onError: (error) => errors.push(error),
      });

      expect(await failure(callerOf(url).messages.create(request))).toMatchObject({ status: 500 });
      expect(errors).toMatchObject([{ name: 'TypeError' }]);
      expect(seen).toHaveLength(0);
    },
  );

  it('for a compressed body is told that it is compressed', async () => {
    const { url } = await proxy(() => Response.json(message));

    const response = await post(`${url}/v1/messages`, 'x', { 'content-encoding': 'gzip' });

    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('compressed')]);
  });

  it('by a body parser before is told why in Anthropic’s shape', () => {
    const replyTo = (type: unknown, status: unknown) => refusedBody(Object.assign(new Error('secret'), { type, status }));

    expect(replyTo('entity.too.large', 413)).toMatchObject({ status: 413, body: { error: { type: 'request_too_large' } } });
    expect(replyTo('entity.parse.failed', 400)).toMatchObject({ status: 400, body: { error: { type: 'invalid_request_error' } } });
    expect(replyTo('encoding.unsupported', 415)).toMatchObject({ status: 400 });
    expect(JSON.stringify(replyTo('entity.parse.failed', 400))).not.toContain('secret');
    for (const [type, status] of [
      ['entity.x', 500],
      ['other', 400],
      [undefined, 400],
    ])
      expect(replyTo(type, status)).toBeNull();
    expect([refusedBody(null), refusedBody('x')]).toEqual([null, null]);
  });

  it('for another route gets 404', async () => {
    const { url } = await proxy(() => Response.json(message));

    expect((await post(`${url}/v1/files`, '{}')).status).toBe(404);
    expect((await fetch(`${url}/v1/messages`)).status).toBe(404);
  });

  it('without permission gets 401, and nothing is asked upstream', async () => {
    const { url, seen } = await proxy(() => Response.json(message), {
      authorize: (incoming) => incoming.headers.authorization === 'Bearer friend',
    });

    expect(await failure(callerOf(url).messages.create(request))).toMatchObject({
      status: 401,
      type: 'authentication_error',
      apiMessage: 'This server does not know the caller.',
    });
    expect(seen).toHaveLength(0);
    expect(await callerOf(url, { apiKey: 'friend' }).messages.create(request)).toMatchObject({ id: 'msg_1' });
  });

  it('is let go of when it left, or was read by others, before its body was asked for', async () => {
    for (const ended of [
      { destroyed: true, readableEnded: false },
      { destroyed: false, readableEnded: true },
    ]) {
      // As Node.js leaves a request whose client disconnects while `authorize` looks it up.
      const incoming = Object.assign(new EventEmitter(), { method: 'POST', url: '/v1/messages', headers: {}, ...ended });
      const outgoing = Object.assign(new EventEmitter(), { destroyed: true, writableEnded: false });

      await proxyMessages(incoming as unknown as IncomingMessage, outgoing as unknown as ServerResponse, new Anthropic({ apiKey: 'k' }));
    }
  });

  it('gets its answer although no header can say its id', async () => {
    for (const stream of [false, true]) {
      const { url } = await proxy(
        () => (stream ? new Response(wholeAnswer('Hello')) : Response.json(message)),
        {},
        async () => {},
        { requestId: 'Bestellung – 42' },
      );

      const answer = await fetch(`${url}/v1/messages`, { method: 'POST', body: JSON.stringify({ ...request, stream }) });

      expect([answer.status, answer.headers.get('request-id')]).toEqual([200, null]);
      expect(await answer.text()).toContain('Hello');
    }
  });

  it('gets its reply although whoever hears of the failure fails too', async () => {
    const onError = (): never => {
      throw new Error('no disk');
    };
    const { url } = await proxy(() => refusal(400, 'invalid_request_error'), { onError });

    expect(await failure(callerOf(url).messages.create(request))).toMatchObject({ status: 400 });
  });

  it('when the check itself fails gets 500 and no reason', async () => {
    const { url, seen } = await proxy(() => Response.json(message), {
      authorize: () => {
        throw new Error('database down at 10.0.0.7');
      },
    });

    const error = await failure(callerOf(url).messages.create(request));

    expect(error.status).toBe(500);
    expect(error.message).not.toContain('10.0.0.7');
    expect(seen).toHaveLength(0);
  });
});
