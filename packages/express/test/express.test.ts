import Anthropic from '@anthropic-ai/sdk';
import { currentScope } from '@holdfast/core/http';
import express, { type Express } from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { errorHandler, getHoldfast, health, holdfastExpress, messagesProxy, sendStream, type HoldfastExpress } from '../src/index.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(app: Express): Promise<string> {
  app.set('env', 'production');
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client whose every call is answered by `answer`. */
const clientOf = (answer: () => Response): Anthropic => new Anthropic({ apiKey: 'server-key', maxRetries: 0, fetch: async () => answer() });

const refusal = (status: number, type: string): Response =>
  Response.json({ type: 'error', error: { type, message: 'organization org-4f1c' } }, { status, headers: { 'retry-after': '7' } });

const request: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-sonnet-5-5',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'Hello' }],
};

describe('holdfastExpress', () => {
  it('gives handlers, and what they await, the scope of the request', async () => {
    const claude = holdfastExpress({
      client: clientOf(() => refusal(529, 'overloaded_error')),
      deadlineMs: (incoming) => Number(incoming.query['ms']),
      tenant: (incoming) => incoming.get('x-tenant'),
    });
    const app = express();
    app.use(claude);
    app.post('/', express.json(), async (incoming, response) => {
      await new Promise((resolve) => setImmediate(resolve));
      const { requestId, tenant, deadlineAt, signal } = currentScope()!;
      response.json({
        requestId,
        tenant,
        hasDeadline: deadlineAt !== undefined,
        aborted: signal!.aborted,
        same: claude.of(incoming).signal === signal,
      });
    });
    const url = await listen(app);

    const reply = await fetch(`${url}/?ms=5000`, {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json', 'x-request-id': 'r-1', 'x-tenant': 'acme' },
    });

    expect(await reply.json()).toEqual({ requestId: 'r-1', tenant: 'acme', hasDeadline: true, aborted: false, same: true });
  });

  it('leaves nothing on the request', async () => {
    const app = express();
    const keys: string[][] = [];
    const note: express.RequestHandler = (incoming, _response, next) => {
      keys.push(Reflect.ownKeys(incoming).map(String));
      next();
    };
    app.use(note, holdfastExpress({ client: {} }), note);
    app.get('/', (incoming, response) => void response.end(getHoldfast(incoming).requestId));

    const id = await (await fetch(await listen(app))).text();

    expect(keys[1]).toEqual(keys[0]);
    expect(id).not.toBe('');
  });

  it('says what is missing when it was not mounted', () => {
    expect(() => getHoldfast({} as express.Request)).toThrow('mount holdfastExpress');
  });
});

describe('errorHandler', () => {
  let overload: unknown;
  beforeAll(async () => {
    overload = await clientOf(() => refusal(529, 'overloaded_error'))
      .messages.create(request)
      .then(null, (error: unknown) => error);
  });

  async function replyOf(error: unknown, use: (app: Express) => void): Promise<Response> {
    const app = express();
    app.use(holdfastExpress({ client: {} }));
    app.get('/chat', () => {
      throw error;
    });
    use(app);
    return fetch(`${await listen(app)}/chat?secret=1`, { headers: { 'x-request-id': 'r-1' } });
  }

  it('replies with a problem, names the request and tells the log more', async () => {
    const heard: unknown[] = [];

    const reply = await replyOf(overload, (app) =>
      app.use(errorHandler({ onError: (error, problem) => heard.push([error, problem.kind]) })),
    );

    expect([reply.status, reply.headers.get('retry-after'), reply.headers.get('content-type')]).toEqual([
      503,
      '7',
      'application/problem+json',
    ]);
    expect(await reply.json()).toMatchObject({ code: 'overloaded', requestId: 'r-1', instance: '/chat', retryAfterMs: 7000 });
    expect(heard).toEqual([[overload, 'overloaded']]);
  });

  it('replies although whoever hears of the failure fails too', async () => {
    const onError = (): never => {
      throw new Error('no disk');
    };

    expect((await replyOf(overload, (app) => app.use(errorHandler({ onError })))).status).toBe(503);
  });

  it('can be overridden', async () => {
    const reply = await replyOf(overload, (app) => app.use(errorHandler({ mapError: () => ({ status: 500 }) })));

    expect(reply.status).toBe(500);
  });

  it('hands other errors on', async () => {
    const heard: unknown[] = [];
    const other = new Error('mine');

    await replyOf(other, (app) => {
      app.use(errorHandler());
      app.use(((error, _request, response, _next) => {
        heard.push(error);
        response.sendStatus(418);
      }) satisfies express.ErrorRequestHandler);
    });

    expect(heard).toEqual([other]);
  });
});

describe('a server that ends its answers', () => {
  const open = { interrupt: undefined, signal: undefined };
  type Chat = (claude: HoldfastExpress<Anthropic>) => express.RequestHandler | ReturnType<typeof messagesProxy>;
  const ways: Record<string, Chat> = {
    sendStream: (claude) => async (_incoming, response) => {
      await sendStream(response, claude.client.messages.create({ ...request, stream: true }), open);
    },
    messagesProxy: (claude) => messagesProxy(claude, open),
  };

  it.each(Object.entries(ways))('ends those of %s too whose options leave that open', async (_, chat) => {
    const app = express();
    const claude: HoldfastExpress<Anthropic> = holdfastExpress({
      client: clientOf(() => new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })),
    });
    app.use(claude);
    const end: express.RequestHandler = (_incoming, _response, next) => {
      next();
      claude.drain.enter('ending');
    };
    app.use(end, chat(claude), errorHandler());
    const body = JSON.stringify({ ...request, stream: true });
    const reply = await fetch(`${await listen(app)}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });

    expect(reply.status).toBe(503);
    expect(await reply.text()).toMatch(/shutting|going down/);
  });
});

describe('health', () => {
  it('answers its own paths alone, to GET and HEAD alone', async () => {
    const app = express();
    app.use('/health', health(holdfastExpress({ client: {}, hold: { chat: { health: () => ({ status: 'degraded' }) } } })));
    const url = await listen(app);
    const status = async (path: string, method = 'GET'): Promise<number> => (await fetch(`${url}/health${path}`, { method })).status;

    expect(await Promise.all([status('/live'), status('/ready'), status('/status'), status(''), status('/ready', 'HEAD')])).toEqual([
      200, 200, 200, 200, 200,
    ]);
    expect(await Promise.all([status('/toString'), status('/ready', 'POST')])).toEqual([404, 404]);
  });
});

describe('messagesProxy', () => {
  it('lets an SDK use a mounted path as its base URL, with or without a body parser before', async () => {
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'Hello' }], usage: {} };
    for (const parser of [express.json(), express.raw({ type: '*/*' }), null]) {
      const app = express();
      const claude: HoldfastExpress<Anthropic> = holdfastExpress({ client: clientOf(() => Response.json(message)) });
      if (parser) app.use(parser);
      app.use(claude);
      app.use('/anthropic', messagesProxy(claude));
      const url = await listen(app);

      const caller = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: 'caller-key' });

      expect(await caller.messages.create(request)).toMatchObject({ id: 'msg_1' });
    }
  });

  it('tells in Anthropic’s shape what a body parser before it refused, and leaves other errors to the app', async () => {
    const app = express();
    const heard: unknown[] = [];
    const claude: HoldfastExpress<Anthropic> = holdfastExpress({ client: clientOf(() => Response.json({})) });
    app.get('/anthropic/broken', () => {
      throw new Error('mine');
    });
    app.use(express.json(), claude);
    app.use('/anthropic', messagesProxy(claude, { onError: (error) => heard.push(error) }));
    app.use(((_error, _request, response, _next) => {
      response.sendStatus(418);
    }) satisfies express.ErrorRequestHandler);
    const url = await listen(app);
    const caller = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: 'caller-key', maxRetries: 0 });
    const long = { ...request, messages: [{ role: 'user' as const, content: 'x'.repeat(300_000) }] };
    const malformed = await fetch(`${url}/anthropic/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":',
    });

    await expect(caller.messages.create(long)).rejects.toMatchObject({ status: 413, type: 'request_too_large' });
    expect([malformed.status, await malformed.json()]).toMatchObject([400, { type: 'error', error: { type: 'invalid_request_error' } }]);
    expect(heard).toHaveLength(2);
    expect((await fetch(`${url}/anthropic/broken`)).status).toBe(418);
  });

  it('gives the SDK the class it would have raised here', async () => {
    const app = express();
    const claude = holdfastExpress({ client: clientOf(() => refusal(529, 'overloaded_error')) });
    app.use(claude);
    app.use('/anthropic', messagesProxy(claude));
    const caller = new Anthropic({ baseURL: `${await listen(app)}/anthropic`, apiKey: 'caller-key' });

    await expect(caller.messages.create(request)).rejects.toMatchObject({ name: 'OverloadedError', status: 529, type: 'overloaded_error' });
  });
});
