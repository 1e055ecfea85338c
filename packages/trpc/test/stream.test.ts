import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { fakeClaude, referenceAnswer, VirtualClock, type FakeClaude } from '@holdfast/testing';
import { createTRPCClient, httpLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claudeErrorOf, claudeRetryLink, isClaudeError } from '../src/client.ts';
import { AnswerLog, claudeErrorFormatter, claudeProcedure, claudeResponseMeta, claudeStream, type ClaudeEvent } from '../src/index.ts';

const body = { model: 'claude-opus-5-5', max_tokens: 4096, messages: [{ role: 'user' as const, content: 'hi' }] };
const whole = String(referenceAnswer('text').content[0]?.['text']);

let claude: FakeClaude;
let clock: VirtualClock;
let log: AnswerLog<ClaudeEvent>;
let client: Anthropic;
beforeEach(async () => {
  claude = await fakeClaude();
  clock = new VirtualClock();
  log = new AnswerLog<ClaudeEvent>({ clock, lingerMs: 1_000, keepMs: 2_000 });
  client = new Anthropic({
    baseURL: claude.url,
    fetch: claude.fetch,
    apiKey: 'test',
    maxRetries: 0,
    middleware: [holdfast({ random: () => 0, retry: { baseMs: 0, throttledBaseMs: 0 } })],
  });
});
afterEach(async () => {
  log.close();
  await claude.close();
});

function subscribe(more: { lastEventId?: string; tenant?: string; signal?: AbortSignal; operationId?: string } = {}) {
  const { lastEventId, tenant, signal, operationId = 'op-1' } = more;
  return claudeStream({
    claude: { client, signal, requestId: 'r', scope: { tenant }, problem: { requestId: 'r' } },
    operationId,
    lastEventId,
    log,
    start: (from) => from.messages.create({ ...body, stream: true }),
  });
}

async function readAll(stream: ReturnType<typeof subscribe>): Promise<{ ids: string[]; events: ClaudeEvent[] }> {
  const ids: string[] = [];
  const events: ClaudeEvent[] = [];
  for await (const [id, event] of stream) {
    ids.push(id);
    events.push(event);
  }
  return { ids, events };
}

const textOf = (events: readonly ClaudeEvent[]): string => events.map((event) => (event.type === 'text' ? event.text : '')).join('');

describe('claudeStream', () => {
  it('delivers a healed answer with an end', async () => {
    claude.script('cut-mid-stream');

    const { events } = await readAll(subscribe());

    expect(textOf(events)).toBe(whole);
    expect(events.at(-1)).toEqual({ type: 'end', stopReason: 'end_turn' });
  });

  it('goes on after a reconnect where the reader was, without a second request', async () => {
    const first: ClaudeEvent[] = [];
    let last = '';
    for await (const [id, event] of subscribe()) {
      first.push(event);
      last = id;
      if (first.length === 10) break;
    }

    const { events } = await readAll(subscribe({ lastEventId: last }));

    expect(textOf([...first, ...events])).toBe(whole);
    expect(claude.requests).toHaveLength(1);
  });

  it('gives two readers of one operation the same answer for one price', async () => {
    const [a, b] = await Promise.all([readAll(subscribe()), readAll(subscribe())]);

    expect(textOf(a.events)).toBe(whole);
    expect(b.events).toEqual(a.events);
    expect(claude.requests).toHaveLength(1);
  });

  it('stops the upstream when nobody comes back in time, and then says so instead of paying again', async () => {
    claude.always({ cut: { afterText: 300, how: 'stall' } });
    const reader = new AbortController();
    const stream = subscribe({ signal: reader.signal });
    await stream.next();
    reader.abort();
    await stream.return(undefined);
    await clock.advanceAsync(1_000);

    expect(log.size).toBe(0);
    expect(claude.requests[0]?.clientLeft).toBe(true);
    expect((await readAll(subscribe({ lastEventId: '1' }))).events).toMatchObject([{ type: 'error', kind: 'stream-broken' }]);
    expect(claude.requests).toHaveLength(1);
  });

  it('has nothing more to say to a reader who has seen the end', async () => {
    const { ids } = await readAll(subscribe());

    expect(await readAll(subscribe({ lastEventId: ids.at(-1) as string }))).toEqual({ ids: [], events: [] });
  });

  it('never just stops: an answer longer than the log keeps ends with an error', async () => {
    log = new AnswerLog<ClaudeEvent>({ clock, maxEvents: 3 });

    const { events } = await readAll(subscribe());

    expect(events.map(({ type }) => type)).toEqual(['text', 'text', 'text', 'error']);
  });

  it('forgets a finished answer after a while', async () => {
    await readAll(subscribe());
    expect(log.size).toBe(1);

    await clock.advanceAsync(2_000);

    expect(log.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('never gives one tenant another’s answer', async () => {
    await readAll(subscribe({ tenant: 'a' }));

    expect((await readAll(subscribe({ tenant: 'b', lastEventId: '1' }))).events).toMatchObject([{ type: 'error' }]);
  });

  it.each(['NaN', '-1', '1e999', 'x'])('takes no harm from the event id %s', async (lastEventId) => {
    await readAll(subscribe());
    const { events } = await readAll(subscribe({ lastEventId }));
    expect(textOf(events) === whole || events[0]?.type === 'error' || events.length === 0).toBe(true);
  });

  it('ends a failure with an event, not with an error that would be retried for ever', async () => {
    claude.always('bad-key');

    const { events } = await readAll(subscribe());

    expect(events).toEqual([
      {
        type: 'error',
        message: expect.not.stringContaining('x-api-key') as string,
        kind: 'upstream-auth',
        retryable: false,
        retryAfterMs: null,
        requestId: 'r',
      },
    ]);
  });
});

describe('mutations over HTTP', () => {
  async function serve() {
    const t = initTRPC.create({ isDev: false, errorFormatter: claudeErrorFormatter });
    const procedure = t.procedure.concat(claudeProcedure({ client }));
    const router = t.router({ ask: procedure.mutation(async ({ ctx }) => (await ctx.claude.client.messages.create(body)).content.length) });
    const server = createHTTPServer({ router, responseMeta: claudeResponseMeta });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { url, router, close: () => new Promise((resolve) => server.close(resolve)) };
  }

  it('tell a client what failed and when to come back, without the upstream’s words', async () => {
    const { url, close } = await serve();
    claude.always('rate-limited-a-day');
    const api = createTRPCClient<Awaited<ReturnType<typeof serve>>['router']>({ links: [httpLink({ url })] });

    const error = await api.ask.mutate().catch((caught: unknown) => caught);

    expect(isClaudeError(error)).toBe(true);
    expect(claudeErrorOf(error)).toMatchObject({ kind: 'rate-limited', retryable: true, retryAfterMs: 86_400_000 });
    expect(String(error)).not.toContain('organization');
    expect(
      (await fetch(`${url}/ask`, { method: 'POST', headers: { 'content-type': 'application/json' } })).headers.get('retry-after'),
    ).toBe('86400');
    await close();
  });

  it('are repeated by the retry link when it makes sense, and only then', async () => {
    const { url, close } = await serve();
    const api = createTRPCClient<Awaited<ReturnType<typeof serve>>['router']>({
      links: [claudeRetryLink({ maxWaitMs: 5_000 }), httpLink({ url })],
    });
    claude.always('bad-key');
    await api.ask.mutate().catch(() => {});
    expect(claude.requests).toHaveLength(1);

    claude.always('rate-limited-a-day');
    await api.ask.mutate().catch(() => {});
    expect(claude.requests).toHaveLength(2);

    claude.always(null);
    claude.script({ status: 529, headers: { 'retry-after-ms': '70000' } });
    const failed = await api.ask.mutate().catch((caught: unknown) => claudeErrorOf(caught));
    expect(failed).toMatchObject({ retryAfterMs: 70_000 });
    claude.script(
      { status: 429, headers: { 'retry-after-ms': '1' } },
      { status: 429, headers: { 'retry-after-ms': '1' } },
      { status: 429, headers: { 'retry-after-ms': '1' } },
    );
    expect(await api.ask.mutate()).toBe(1);
    await close();
  });
});
