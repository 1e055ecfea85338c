// The suite over tRPC's own HTTP: mutations for messages, a subscription (server-sent events) for streams.

import Anthropic from '@anthropic-ai/sdk';
import { createDrain, gracefulShutdown, healthReply, type HealthProbe } from '@holdfast/core/http';
import { adapterConformance, type AppContext, type RouteInput, type RunningApp, type SeenStream } from '@holdfast/testing/conformance';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler, type CreateHTTPContextOptions } from '@trpc/server/adapters/standalone';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { AnswerLog, claudeErrorFormatter, claudeProcedure, claudeResponseMeta, claudeStream, type ClaudeEvent } from '../src/index.ts';

const requestIds = (ctx: object): string | undefined => {
  const id = (ctx as { requestId?: unknown }).requestId;
  return typeof id === 'string' && /^[\w.:-]{1,128}$/.test(id) ? id : undefined;
};

async function start(context: AppContext): Promise<RunningApp> {
  const client = new Anthropic({ baseURL: context.baseURL, apiKey: context.apiKey, timeout: context.timeoutMs, maxRetries: 0 });
  const drain = createDrain();
  const t = initTRPC
    .context<{ requestId: unknown }>()
    .create({ isDev: false, errorFormatter: claudeErrorFormatter, sse: { ping: { enabled: true, intervalMs: context.heartbeatMs } } });
  const procedure = t.procedure.concat(claudeProcedure({ client, drain, requestId: requestIds }));
  const userInput = t.procedure.concat(claudeProcedure({ client, drain, requestId: requestIds, userInput: true }));
  const prompt = (input: unknown): { prompt: string } => {
    const { prompt: text } = (input ?? {}) as { prompt?: unknown };
    if (typeof text !== 'string') throw new Error('no prompt');
    return { prompt: text };
  };
  const bodyOf = (text: string) => ({ model: context.model, max_tokens: 1024, messages: [{ role: 'user' as const, content: text }] });
  const message = async (input: { prompt: string }, signal: AbortSignal | undefined) => {
    const answer = await client.messages.create(bodyOf(input.prompt), { signal });
    return { text: answer.content.map((block) => (block.type === 'text' ? block.text : '')).join('') };
  };
  // Nobody comes back in this suite.
  const log = new AnswerLog<ClaudeEvent>({ lingerMs: 0, keepMs: 0 });
  let operations = 0;
  const router = t.router({
    message: procedure.input(prompt).mutation(({ input, ctx }) => message(input, ctx.claude.signal)),
    'user-input': userInput.input(prompt).mutation(({ input, ctx }) => message(input, ctx.claude.signal)),
    stream: procedure.input(prompt).subscription(async function* ({ input, ctx }) {
      yield* claudeStream({
        claude: ctx.claude,
        log,
        operationId: String((operations += 1)),
        start: (_, signal) => client.messages.create({ ...bodyOf(input.prompt), stream: true }, { signal }),
      });
    }),
    foreign: t.procedure.mutation(() => {
      throw new Error(context.foreignSecret);
    }),
  });
  const handler = createHTTPHandler({
    router,
    createContext: ({ req }: CreateHTTPContextOptions) => ({ requestId: req.headers['x-request-id'] }),
    responseMeta: claudeResponseMeta,
    maxBodySize: context.maxBodyBytes,
  });
  const server = createServer((request, response) => {
    const probe = /^\/health\/(\w+)$/.exec(request.url ?? '')?.[1];
    if (!probe) return handler(request, response);
    const { status, headers, body } = healthReply(probe as HealthProbe, context.health, { draining: drain.state !== 'serving' });
    response.writeHead(status, headers).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { shutdown } = gracefulShutdown(server, { ...context, drain, signals: [] });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shutdown,
    async close() {
      log.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Wire {
  readonly error?: {
    readonly data?: { readonly claude?: { kind: string; retryable: boolean; retryAfterMs: number | null; requestId: string | null } };
  };
  readonly result?: { readonly data?: { text: string } };
}

const dialect = {
  formats: ['anthropic-sse'] as const,
  retryAfter: 'header' as const,
  request(route: string, input: RouteInput) {
    if (['live', 'ready', 'status'].includes(route)) return { method: 'GET', path: `/health/${route}`, headers: {} };
    if (route === 'stream')
      return {
        method: 'GET',
        path: `/stream?input=${encodeURIComponent(JSON.stringify(input))}`,
        headers: { accept: 'text/event-stream' },
      };
    return { method: 'POST', path: `/${route}`, headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) };
  },
  messageOf: (body: string) => (JSON.parse(body) as Wire).result?.data?.text ?? '',
  problemOf(body: string) {
    try {
      const claude = (JSON.parse(body) as Wire).error?.data?.claude;
      return claude
        ? { code: claude.kind, retryable: claude.retryable, retryAfterMs: claude.retryAfterMs, requestId: claude.requestId }
        : null;
    } catch {
      return null;
    }
  },
  streamOf(body: string): SeenStream {
    const events = body.split('\n').flatMap((line) => (line.startsWith('data: {"type"') ? [JSON.parse(line.slice(6)) as ClaudeEvent] : []));
    const failure = events.find((event) => event.type === 'error');
    return {
      text: events.map((event) => (event.type === 'text' ? event.text : '')).join(''),
      error: failure?.type === 'error' ? { code: failure.kind, retryable: failure.retryable } : null,
      complete: events.at(-1)?.type === 'end',
    };
  },
  heartbeatsIn: (body: string) => body.match(/event: ping/g)?.length ?? 0,
};

const skip = {
  'leaves errors of the application to the framework, without their message':
    'tRPC itself sends the message of any error; an application’s errorFormatter decides about its own',
  'gives a stream that fails before its first event a status':
    'a subscription has its status before it runs: the failure is its only event',
  'tells of a failure in band when headers had been sent already': 'procedures cannot write headers',
  'sends headers before a first event that takes long': 'tRPC sends them at once',
  'stops all upstreams when many clients leave at once':
    'a client has headers before the upstream is asked; stream.test.ts shows that an answer nobody reads is stopped',
  'reads the upstream no faster than its client, and cuts off one that stopped reading':
    'the answer is written into a log, bounded by its number of events, for readers who come back',
};

adapterConformance({ name: 'tRPC', start, dialect, skip }, { describe, it, beforeAll, afterAll });
