// Answers read by subscriptions over real connections: that break, below Express, begun by a mutation, with mistakes in them.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { createDrain, type Drain } from '@holdfast/core/http';
import { holdfastExpress } from '@holdfast/express';
import { fakeClaude, referenceAnswer, VirtualClock, type FakeClaude } from '@holdfast/testing';
import { initTRPC, TRPCError } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import express from 'express';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { claudeErrorOf, claudeRetryLink } from '../src/client.ts';
import { AnswerLog, claudeErrorFormatter, claudeProcedure, claudeStream, startAnswer, type ClaudeEvent } from '../src/index.ts';
import { clientOf, listen, serveHTTP, serveWS } from './servers.ts';

const bodyOf = (text: string) => ({
  model: 'claude-opus-5-5',
  max_tokens: 4096,
  messages: [{ role: 'user' as const, content: text }],
  stream: true as const,
});
const whole = String(referenceAnswer('text').content[0]?.['text']);

let claude: FakeClaude;
let client: Anthropic;
let clock: VirtualClock;
let log: AnswerLog<ClaudeEvent>;
const open: { close(): unknown }[] = [];
const opened = <T extends { close(): unknown }>(thing: T): T => (open.push(thing), thing);
beforeEach(async () => {
  claude = opened(await fakeClaude());
  clock = new VirtualClock();
  log = opened(new AnswerLog<ClaudeEvent>({ clock, lingerMs: 1_000 }));
  const hold = opened(holdfast({ random: () => 0, retry: false }));
  client = new Anthropic({ baseURL: claude.url, apiKey: 'test', maxRetries: 0, middleware: [hold] });
});
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

function routerOf({ drain, answers = log }: { drain?: Drain; answers?: AnswerLog<ClaudeEvent> } = {}) {
  const t = initTRPC.create({ isDev: false, errorFormatter: claudeErrorFormatter });
  const procedure = t.procedure.concat(claudeProcedure({ client, ...(drain && { drain }), retryAfterMs: 1 }));
  const named = z.object({ operationId: z.string() });
  const read = named.extend({ lastEventId: z.string().nullish() });
  const failing = (start: () => never) =>
    procedure.input(read).subscription(({ input, ctx }) => claudeStream({ claude: ctx.claude, log: answers, ...input, start }));
  return t.router({
    chat: procedure.input(read).subscription(async function* ({ input, ctx }) {
      yield* claudeStream({ claude: ctx.claude, log: answers, ...input, start: (from) => from.messages.create(bodyOf('hi')) });
    }),
    ask: procedure
      .input(named.extend({ text: z.string() }))
      .mutation(({ input: { text, ...input }, ctx }) =>
        startAnswer({ claude: ctx.claude, log: answers, ...input, start: (from) => from.messages.create(bodyOf(text)) }),
      ),
    answer: procedure.input(read).subscription(({ input, ctx }) => claudeStream({ claude: ctx.claude, log: answers, ...input })),
    mistaken: failing(() => {
      throw new TypeError('Cannot read properties of undefined');
    }),
    denied: failing(() => {
      throw new TRPCError({ code: 'FORBIDDEN', message: 'Your plan has no more questions this month.' });
    }),
    busy: failing(() => {
      throw new TRPCError({ code: 'SERVICE_UNAVAILABLE', message: 'Our own queue is full.' });
    }),
  });
}
type Router = ReturnType<typeof routerOf>;
type Api = ReturnType<typeof clientOf<Router>>;

async function serve(options: Parameters<typeof routerOf>[0] = {}) {
  const heard: string[] = [];
  const server = opened(await serveHTTP({ router: routerOf(options), onError: ({ error }) => heard.push(error.message) }));
  return { ...server, heard, api: clientOf<Router>(server.url) };
}

interface Followed {
  readonly text: string;
  /** The event that ended it. */
  readonly last: ClaudeEvent | null;
  /** What the link heard. */
  readonly error: unknown;
}

/** Reads until an event ends the answer, as an application does; `onText` sees what there is so far. */
function follow(
  api: Api,
  path: 'chat' | 'answer' | 'mistaken' | 'denied' | 'busy',
  operationId = 'op',
  onText: (text: string) => void = () => {},
): Promise<Followed> {
  let text = '';
  return new Promise((resolve) => {
    const ended = (last: ClaudeEvent | null, error: unknown): void => {
      resolve({ text, last, error });
      subscription.unsubscribe();
    };
    const subscription = (api[path] as Api['answer']).subscribe(
      { operationId },
      {
        onData({ data }) {
          if (data.type === 'text') onText((text += data.text));
          else ended(data, null);
        },
        onError: (error) => ended(null, error),
        onComplete: () => ended(null, null),
      },
    );
  });
}

/** Cuts once there are some words. */
function cutOnce(cut: () => void): (text: string) => void {
  let isCut = false;
  return (text) => {
    if (isCut || text.length < 20) return;
    isCut = true;
    cut();
  };
}

const slowly = { delayPerEventMs: 2 };

describe('an answer whose connection is cut', () => {
  it('is read on, over server-sent events', async () => {
    claude.always(slowly);
    const { api, cut, urls } = await serve();

    expect(await follow(api, 'chat', 'op', cutOnce(cut))).toMatchObject({ text: whole, last: { type: 'end' } });
    expect([claude.requests.length, urls.length]).toEqual([1, 2]);
  });

  it('is read on, over WebSocket', async () => {
    claude.always(slowly);
    const { client: api, cut } = opened(await serveWS({ router: routerOf() }));

    expect(await follow(api, 'chat', 'op', cutOnce(cut))).toMatchObject({ text: whole, last: { type: 'end' } });
    expect(claude.requests).toHaveLength(1);
  });

  it('is read on below a scope that ends with its request, and keeps what the scope says', async () => {
    claude.always(slowly);
    const app = express();
    app.use(holdfastExpress({ client, tenant: () => 'harbour', requestId: () => 'req-1' }));
    app.use('/trpc', createExpressMiddleware({ router: routerOf() }));
    const server = opened(await listen(createServer(app)));
    const api = clientOf<Router>(`${server.url}/trpc`);

    expect(await follow(api, 'chat', 'op', cutOnce(server.cut))).toMatchObject({ text: whole, last: { type: 'end' } });
    expect(claude.requests).toHaveLength(1);
    expect(log.has(JSON.stringify(['harbour', 'op']))).toBe(true);
    claude.always('bad-key');
    expect((await follow(api, 'chat', 'failing')).last).toMatchObject({ kind: 'upstream-auth', requestId: 'req-1' });
  });

  it('ends with an event of its own when the server goes down', async () => {
    claude.always('stall-mid-stream');
    const drain = createDrain();
    const { api, heard } = await serve({ drain });

    const { last } = await follow(
      api,
      'chat',
      'op',
      cutOnce(() => drain.enter('ending')),
    );

    expect(last).toMatchObject({ type: 'error', kind: 'shutting-down', retryable: true });
    expect(heard).toEqual([]);
  });
});

describe('an answer that a mutation begins', () => {
  const prompt = 'A long story. '.repeat(2_000);

  it('is read by its id: the prompt is in no URL', async () => {
    const { api, urls } = await serve();

    expect(await api.ask.mutate({ text: prompt, operationId: 'op' })).toEqual({ operationId: 'op' });
    expect(await follow(api, 'answer')).toMatchObject({ text: whole, last: { type: 'end', stopReason: 'end_turn' } });
    expect(claude.requests.map(({ body }) => body?.['messages'])).toEqual([[{ role: 'user', content: prompt }]]);
    expect(urls.filter((url) => url.includes('story') || url.length > 200)).toEqual([]);
  });

  it('is begun once, however often it is asked for', async () => {
    const { api } = await serve();
    await api.ask.mutate({ text: 'hi', operationId: 'op' });
    await api.ask.mutate({ text: 'hi', operationId: 'op' });

    expect((await follow(api, 'answer')).text).toBe(whole);
    expect(claude.requests).toHaveLength(1);
  });

  it('outlives the mutation, and is stopped when nobody comes for it', async () => {
    claude.always('stall-mid-stream');
    const { api } = await serve();
    await api.ask.mutate({ text: 'hi', operationId: 'op' });

    await clock.advanceAsync(999);
    expect(claude.requests[0]?.clientLeft).toBe(false);
    await clock.advanceAsync(1);
    await vi.waitFor(() => expect(claude.requests[0]?.clientLeft).toBe(true));
    expect((await follow(api, 'answer')).last).toMatchObject({ kind: 'stream-broken' });
  });

  it('that fails before it begins to come is the mutation’s failure, and may be asked for again', async () => {
    claude.script({ status: 529, headers: { 'retry-after-ms': '1' } });
    const { url } = await serve();
    const api = clientOf<Router>(url, claudeRetryLink({ attempts: 2 }));

    await api.ask.mutate({ text: 'hi', operationId: 'op' });
    expect((await follow(api, 'answer')).text).toBe(whole);
    claude.always('bad-key');
    const error = await api.ask.mutate({ text: 'hi', operationId: 'other' }).catch((caught: unknown) => caught);
    expect(claudeErrorOf(error)).toMatchObject({ kind: 'upstream-auth', retryable: false });
    expect(log.size).toBe(1);
  });

  it('that nobody began, or that there is no room for, says so', async () => {
    claude.always('stall-mid-stream');
    const answers = opened(new AnswerLog<ClaudeEvent>({ clock, maxAnswers: 1 }));
    const { api } = await serve({ answers });
    let isRead = (): void => {};
    const reading = new Promise<void>((resolve) => (isRead = resolve));
    const first = follow(api, 'chat', 'op', () => isRead());
    await reading;

    expect((await follow(api, 'answer', 'unknown')).last).toMatchObject({ kind: 'stream-broken' });
    expect((await follow(api, 'chat', 'second')).last).toMatchObject({ kind: 'shed', retryable: true });
    const error = await api.ask.mutate({ text: 'hi', operationId: 'third' }).catch((caught: unknown) => caught);
    expect(claudeErrorOf(error)).toMatchObject({ kind: 'shed', retryable: true });
    expect(claude.requests).toHaveLength(1);
    answers.close();
    await first;
  });
});

describe('what goes wrong in `start` and is not Claude’s', () => {
  it('is heard by onError, and ends the subscription as this server’s own', async () => {
    const { api, heard } = await serve();

    expect((await follow(api, 'mistaken')).last).toMatchObject({ type: 'error', kind: 'internal-error', retryable: false });
    await vi.waitFor(() => expect(heard).toEqual(['Cannot read properties of undefined']));
  });

  it('is thrown to a link that would not come back after it, with its own code and words', async () => {
    const { api, heard } = await serve();

    const { last, error } = await follow(api, 'denied');

    expect(last).toBeNull();
    expect(error).toMatchObject({ message: 'Your plan has no more questions this month.', data: { code: 'FORBIDDEN' } });
    expect(heard).toEqual(['Your plan has no more questions this month.']);
  });

  it('comes as an event before, where the link would come back for ever', async () => {
    const { api, heard } = await serve();

    expect((await follow(api, 'busy')).last).toMatchObject({ kind: 'internal-error', message: 'Our own queue is full.' });
    await vi.waitFor(() => expect(heard).toEqual(['Our own queue is full.']));
  });

  it('reaches the link over WebSocket, after its event', async () => {
    const { client: api } = opened(await serveWS({ router: routerOf() }));
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      api.mistaken.subscribe(
        { operationId: 'op' },
        { onData: ({ data }) => seen.push(data.type), onError: ({ message }) => resolve(void seen.push(message)) },
      );
    });

    expect(seen).toEqual(['error', 'Cannot read properties of undefined']);
  });

  it('is told once to a reader who comes back', async () => {
    const read = async (lastEventId: string | null) => {
      const context = { client, signal: undefined, requestId: 'r', scope: {}, problem: {} };
      const start = (): never => {
        throw new TypeError('mistake');
      };
      const ids: string[] = [];
      const failure = await (async () => {
        for await (const [id] of claudeStream({ claude: context, operationId: 'op', lastEventId, log, start })) ids.push(id);
      })().catch(String);
      return [ids, failure];
    };

    expect(await read(null)).toEqual([['1'], 'TypeError: mistake']);
    expect(await read('1')).toEqual([[], undefined]);
  });
});
