// Procedures that go on after they have returned, and the errors that procedures make themselves, over real connections.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { createDrain, currentScope } from '@holdfast/core/http';
import { fakeClaude, referenceAnswer, type FakeClaude } from '@holdfast/testing';
import { createTRPCClient, httpBatchStreamLink } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { claudeErrorOf, claudeRetryLink } from '../src/client.ts';
import { claudeErrorFormatter, claudeProcedure, claudeResponseMeta } from '../src/index.ts';
import { clientOf, serveHTTP, serveWS } from './servers.ts';

const body = { model: 'claude-opus-5-5', max_tokens: 4096, messages: [{ role: 'user' as const, content: 'hi' }] };
const whole = String(referenceAnswer('text').content[0]?.['text']);
const secret = 'model: claude-secret';

let claude: FakeClaude;
let client: Anthropic;
const open: { close(): unknown }[] = [];
const opened = <T extends { close(): unknown }>(thing: T): T => (open.push(thing), thing);
beforeEach(async () => {
  claude = opened(await fakeClaude());
  const hold = opened(holdfast({ random: () => 0, retry: false }));
  client = new Anthropic({ baseURL: claude.url, apiKey: 'test', maxRetries: 0, middleware: [hold] });
});
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

const unknownModel = { status: 404, errorType: 'not_found_error', message: secret } as const;

function routerOf(options: Partial<Parameters<typeof claudeProcedure<Anthropic>>[0]> = {}) {
  const t = initTRPC.create({ isDev: false, errorFormatter: claudeErrorFormatter, jsonl: { pingMs: 1_000 } });
  const procedure = t.procedure.concat(claudeProcedure({ client, ...options }));
  const words = async function* (from: Anthropic) {
    for await (const event of await from.messages.create({ ...body, stream: true }))
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') yield event.delta.text;
  };
  return t.router({
    words: procedure.subscription(({ ctx }) => words(ctx.claude.client)),
    streamed: procedure.query(({ ctx }) => words(ctx.claude.client)),
    promised: procedure.query(({ ctx }) => ({ later: ctx.claude.client.messages.create(body).then(({ content }) => content.length) })),
    scopes: procedure.subscription(async function* ({ ctx }) {
      yield currentScope()?.requestId === ctx.claude.requestId;
      yield currentScope()?.requestId === ctx.claude.requestId;
    }),
    // Deprecated, and still what many applications return.
    // oxlint-disable-next-line typescript/no-deprecated
    watched: procedure.subscription(({ ctx }) =>
      observable<boolean>((observer) => {
        observer.next(currentScope()?.requestId === ctx.claude.requestId);
        ctx.claude.client.messages.create(body).then(
          () => observer.complete(),
          (error: unknown) => observer.error(error as never),
        );
      }),
    ),
    ask: procedure.query(async ({ ctx }) => (await ctx.claude.client.messages.create(body)).content.length),
    own: procedure.query(({ ctx }) =>
      ctx.claude.client.messages.create(body).catch((cause: unknown) => {
        throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such assistant.', cause });
      }),
    ),
    coded: procedure.query(({ ctx }) =>
      ctx.claude.client.messages.create(body).catch((cause: unknown) => {
        throw new TRPCError({ code: 'NOT_FOUND', cause });
      }),
    ),
  });
}
type Router = ReturnType<typeof routerOf>;

async function serve(options: Parameters<typeof routerOf>[0] = {}) {
  const heard: unknown[] = [];
  const server = opened(
    await serveHTTP({ router: routerOf(options), responseMeta: claudeResponseMeta, onError: ({ error }) => heard.push(error) }),
  );
  return { ...server, heard, api: clientOf<Router>(server.url) };
}

type Api = ReturnType<typeof clientOf<Router>>;

/** Reads a subscription to its end, or to the first error: over server-sent events a client would come back after some. */
function follow(api: Api, path: 'words' | 'scopes' | 'watched'): Promise<{ data: unknown[]; error: unknown }> {
  const data: unknown[] = [];
  return new Promise((resolve) => {
    const ended = (error: unknown): void => {
      resolve({ data, error });
      subscription.unsubscribe();
    };
    const subscription = (api[path] as Api['words']).subscribe(undefined, {
      onData: (value) => data.push(value),
      onComplete: () => ended(null),
      onError: ended,
      onConnectionStateChange: ({ error }) => error && ended(error),
    });
  });
}

describe('a procedure that is an async generator', () => {
  it('runs in the scope of its request, in every piece', async () => {
    const { api } = await serve();

    expect(await follow(api, 'scopes')).toEqual({ data: [true, true], error: null });
    expect((await follow(api, 'words')).data.join('')).toBe(whole);
  });

  it('fails without the upstream’s words, with a kind', async () => {
    claude.always(unknownModel);
    const { api, heard } = await serve();

    const { error } = await follow(api, 'words');

    expect(claudeErrorOf(error)).toMatchObject({ kind: 'upstream-config', retryable: false });
    expect(JSON.stringify(error)).not.toContain(secret);
    // The server's own ear hears all of it.
    expect(heard).toEqual([expect.objectContaining({ code: 'BAD_GATEWAY' })]);
    expect((heard as TRPCError[])[0]?.cause?.cause).toBeInstanceOf(Anthropic.NotFoundError);
  });

  it('has the deadline of its request', async () => {
    claude.always('silent');
    const { api } = await serve({ deadlineMs: 50 });

    expect(claudeErrorOf((await follow(api, 'words')).error)).toMatchObject({ kind: 'timeout' });
  });

  it('stops Claude when its client leaves', async () => {
    claude.always('stall-mid-stream');
    const { api, heard } = await serve();
    await new Promise<void>((resolve) => {
      const subscription = api.words.subscribe(undefined, {
        onData: () => {
          subscription.unsubscribe();
          resolve();
        },
      });
    });

    await vi.waitFor(() => expect(claude.requests[0]?.clientLeft).toBe(true));
    expect(heard).toEqual([]);
  });

  it('ends with an invitation to come back when the server has to end what runs', async () => {
    claude.always('stall-mid-stream');
    const drain = createDrain();
    const { api } = await serve({ drain });
    const following = follow(api, 'words');
    await vi.waitFor(() => expect(claude.requests).toHaveLength(1));
    drain.enter('ending');

    expect(claudeErrorOf((await following).error)).toMatchObject({ kind: 'shutting-down', retryable: true });
    await vi.waitFor(() => expect(claude.requests[0]?.clientLeft).toBe(true));
  });

  it('may be a query, streamed as JSON', async () => {
    const { url } = await serve();
    const api = createTRPCClient<Router>({ links: [httpBatchStreamLink({ url })] });
    const read = async (): Promise<string> => {
      let text = '';
      for await (const word of await api.streamed.query()) text += word;
      return text;
    };

    expect(await read()).toBe(whole);
    claude.always(unknownModel);
    const error = await read().catch((caught: unknown) => caught);
    expect(claudeErrorOf(error)).toMatchObject({ kind: 'upstream-config' });
    expect(String(error)).not.toContain(secret);
  });
});

it('an observable runs in the scope of its request, and fails without the upstream’s words', async () => {
  claude.always(unknownModel);
  const { api } = await serve();

  const { data, error } = await follow(api, 'watched');

  expect(data).toEqual([true]);
  expect(claudeErrorOf(error)).toMatchObject({ kind: 'upstream-config' });
});

it('a promise within a streamed answer fails without the upstream’s words', async () => {
  claude.always(unknownModel);
  const { url } = await serve();
  const api = createTRPCClient<Router>({ links: [httpBatchStreamLink({ url })] });

  const error = await (await api.promised.query()).later.catch((caught: unknown) => caught);

  expect(claudeErrorOf(error)).toMatchObject({ kind: 'upstream-config' });
  expect(error).toMatchObject({ data: { code: 'BAD_GATEWAY', httpStatus: 502 } });
  expect(String(error)).not.toContain(secret);
});

describe('a TRPCError of the procedure’s own', () => {
  it('stays as it is, whatever its cause', async () => {
    claude.always(unknownModel);
    const { api } = await serve();

    const error = await api.own.query().catch((caught: unknown) => caught);

    expect(error).toMatchObject({ message: 'There is no such assistant.', data: { code: 'NOT_FOUND', httpStatus: 404 } });
    expect(claudeErrorOf(error)).toBeNull();
  });

  it('keeps its code and loses the upstream’s words, where it has none of its own', async () => {
    claude.always(unknownModel);
    const { api } = await serve();

    const error = await api.coded.query().catch((caught: unknown) => caught);

    expect(error).toMatchObject({ data: { code: 'NOT_FOUND', httpStatus: 404, claude: { kind: 'upstream-config' } } });
    expect(String(error)).not.toContain(secret);
  });
});

describe('a server that goes down', () => {
  it('refuses with a kind and a time to come back, which the retry link does', async () => {
    const drain = createDrain();
    const { url } = await serve({ drain, retryAfterMs: 1, requestId: () => 'req-1' });
    drain.enter('closing');

    const reply = await fetch(`${url}/ask`);
    const { error } = (await reply.json()) as { error: unknown };

    expect([reply.status, Number(reply.headers.get('retry-after'))]).toEqual([503, expect.toSatisfy((seconds) => seconds >= 1)]);
    expect(claudeErrorOf(error)).toMatchObject({ kind: 'shutting-down', retryable: true, requestId: 'req-1' });
    const asked: string[] = [];
    const api = clientOf<Router>(
      url,
      claudeRetryLink({ attempts: 2 }),
      () =>
        ({ op, next }) => (asked.push(op.path), next(op)),
    );
    await api.ask.query().catch(() => {});
    expect(asked).toEqual(['ask', 'ask']);
  });
});

describe('over WebSocket', () => {
  it('a generator fails without the upstream’s words', async () => {
    claude.always(unknownModel);
    const { client: api } = opened(await serveWS({ router: routerOf() }));

    const { error } = await follow(api, 'words');

    expect(claudeErrorOf(error)).toMatchObject({ kind: 'upstream-config' });
    expect(String(error)).not.toContain(secret);
  });

  it('a generator stops Claude when its client unsubscribes or is gone', async () => {
    claude.always('stall-mid-stream');
    const { client: api, cut } = opened(await serveWS({ router: routerOf() }));
    const begin = () =>
      new Promise<{ unsubscribe(): void }>((resolve) => {
        const subscription = api.words.subscribe(undefined, { onData: () => resolve(subscription), onError: () => {} });
      });

    (await begin()).unsubscribe();
    await vi.waitFor(() => expect(claude.requests[0]?.clientLeft).toBe(true));
    const second = await begin();
    cut();
    await vi.waitFor(() => expect(claude.requests[1]?.clientLeft).toBe(true));
    second.unsubscribe();
  });

  it('a query ends with its connection where the context says so', async () => {
    claude.always('stall-mid-stream');
    const router = routerOf({ signal: (ctx) => (ctx as { gone?: AbortSignal }).gone });
    const { client: api, cut } = opened(await serveWS({ router, createContext: ({ info }) => ({ gone: info.signal }) as object }));
    const asking = api.ask.query().catch((caught: unknown) => caught);
    await vi.waitFor(() => expect(claude.requests).toHaveLength(1));
    cut();

    await vi.waitFor(() => expect(claude.requests[0]?.clientLeft).toBe(true));
    expect(await asking).toBeInstanceOf(Error);
  });
});
