// Servers: a framework and the bare SDK, beside the same framework with its adapter.

import Anthropic from '@anthropic-ai/sdk';
import { asks, fetchAll, running, toldBy, type Build } from '../frameworks/app.ts';
import { expressApp } from '../frameworks/express.ts';
import { nestApp } from '../frameworks/nest.ts';
import { proxyApp } from '../frameworks/proxy.ts';
import { trpcApp } from '../frameworks/trpc.ts';
import { ask, failureOf } from '../observe.ts';
import type { Observed, Subject, Surface, World } from '../situation.ts';
import { cut, eventReply, healthy, jsonReply, stall, upstream, type Answerer, type Reply, type Step } from '../upstream.ts';
import { errorBody, errorEvent, events, message, words } from '../wire.ts';

const soon = { 'retry-after-ms': '20' };

const troubles: Readonly<Record<string, Answerer>> = {
  healthy,
  '400': () => jsonReply(errorBody('invalid_request_error', 'prompt is too long: 9 tokens'), 400),
  '401': () => jsonReply(errorBody('authentication_error'), 401),
  '429': () => jsonReply(errorBody('rate_limit_error'), 429, soon),
  '529, once': (seen) => (seen.number === 1 ? jsonReply(errorBody('overloaded_error'), 529, soon) : healthy(seen)),
  '529, every time': () => jsonReply(errorBody('overloaded_error'), 529, soon),
  'cut in the middle, once': (seen) => (seen.number === 1 ? cutInTheMiddle(seen.streams) : healthy(seen)),
  'cut in the middle, every time': (seen) => cutInTheMiddle(seen.streams),
  'an error in the stream': (seen) =>
    seen.streams ? eventReply([...events().slice(0, 6), errorEvent('invalid_request_error')]) : healthy(seen),
};

const cutInTheMiddle = (streams: boolean): Reply =>
  streams
    ? eventReply([...events().slice(0, 6), { pause: 5 }, cut])
    : {
        headers: { 'content-type': 'application/json' },
        framing: 'chunked',
        steps: [JSON.stringify(message()).slice(0, 60), { pause: 5 }, cut],
      };

const bySurface = (surface: Surface): string => `/${surface}`;

/** An answer that comes for longer than its reader stays. */
const long: Answerer = (seen) =>
  seen.streams
    ? eventReply(events('word '.repeat(400)).flatMap((event): Step[] => [event, { pause: 20 }]))
    : { headless: true, steps: [stall] };

const rowsFor = (framework: string, build: Build): Observed[] => [
  ...Object.entries(troubles).map(([name, answer]): Observed => ({
    name: `${framework}: ${name}`,
    observe: asks(build, bySurface, answer, words),
    rule: { asks: 6 },
  })),
  {
    name: `${framework}: an error of its own`,
    surfaces: ['create'],
    observe: asks(build, () => '/own', undefined, words),
    rule: {
      also: (held, bare) =>
        held.failure?.status === bare.failure?.status ? null : `status ${held.failure?.status}, not ${bare.failure?.status}`,
    },
  },
  { name: `${framework}: a route without Claude`, surfaces: ['create'], observe: asks(build, () => '/fine', undefined, 'fine') },
  {
    name: `${framework}: no such route`,
    surfaces: ['create'],
    observe: asks(build, () => '/nowhere', undefined, words),
    rule: { also: (held, bare) => (held.failure?.status === bare.failure?.status ? null : `status ${held.failure?.status}`) },
  },
  {
    name: `${framework}: the client leaves in the middle`,
    observe: asks(build, bySurface, long, words, { leavesAfterMs: 300 }),
    // The bare side goes on for nobody.
    rule: { also: ({ open }) => (open > 0 ? 'Claude is still asked for a client that has left' : null) },
  },
  {
    name: `${framework}: twenty clients at once, half of them leave`,
    surfaces: ['stream'],
    observe: async (side, _surface, closes) => {
      const app = await running(
        build,
        side,
        (seen) => ({ ...healthy(seen), steps: healthy(seen).steps.flatMap((step): Step[] => [step, { pause: 10 }]) }),
        closes,
      );
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, index) => fetchAll(`${app.url}/stream`, index % 2 === 1 ? { leavesAfterMs: 60 } : {})),
      );
      const staying = all.filter((_, index) => index % 2 === 0).map((seen) => toldBy(seen, words));
      return { ...(staying.find(({ outcome }) => outcome !== 'answered') ?? staying[0]), requests: 1 };
    },
  },
];

const nestOnly: Observed[] = [
  {
    name: 'NestJS: the client leaves before its handler returns',
    surfaces: ['stream'],
    observe: asks(nestApp, () => '/late', long, words, { leavesAfterMs: 30 }),
  },
];

const trpcOnly: Observed[] = [
  {
    name: 'tRPC: an error of its own, with Claude’s as its cause',
    surfaces: ['create'],
    observe: asks(trpcApp, () => '/because', troubles['400'], words),
    rule: {
      also: (held, bare) =>
        held.failure?.status === bare.failure?.status ? null : `status ${held.failure?.status}, not ${bare.failure?.status}`,
    },
  },
];

/** The SDK asks Claude, or the proxy in front of it. */
const throughProxy = (
  name: string,
  answer: Answerer,
  more: Partial<Observed> = {},
  call: (world: World) => Promise<unknown> = ask,
): Observed => ({
  name: `messagesProxy: ${name}`,
  ...more,
  observe: async (side, surface, closes) => {
    const target = side === 'held' ? await running(proxyApp, side, answer, closes) : { upstream: await upstream(answer), url: '' };
    if (side === 'bare') closes.push(() => target.upstream.close());
    const client = new Anthropic({
      baseURL: side === 'held' ? target.url : target.upstream.url,
      apiKey: 'k',
      logLevel: 'off',
      maxRetries: 0,
    });
    const from = performance.now();
    const world = { side, surface, client, signal: AbortSignal.timeout(6000) } as World;
    const ended = await call(world).then(
      (answered) => ({ outcome: 'answered' as const, answer: answered as never }),
      (error: unknown) => ({ outcome: 'failed' as const, failure: failureOf(error) }),
    );
    return { ...ended, requests: target.upstream.seen.length, ms: performance.now() - from };
  },
  rule: { asks: 4, ...more.rule },
});

const surfaces = ['create', 'stream', 'helper'] as const;
/** Documented: the operator's own trouble is told as the proxy's, without the upstream's words. */
const asTheProxy = {
  toldAs: ['InternalServerError', 'ServiceUnavailableError', 'RateLimitError', 'OverloadedError', 'APIError', 'GatewayTimeoutError'],
};

export const adapters: Subject = {
  title: 'Servers',
  situations: [
    ...rowsFor('Express', expressApp),
    ...rowsFor('NestJS', nestApp),
    ...nestOnly,
    ...rowsFor('tRPC', trpcApp),
    ...trpcOnly,
    ...Object.entries(troubles).map(([name, answer]) =>
      throughProxy(name, answer, {
        surfaces,
        ...(name === 'healthy' || name === '400' || name === 'an error in the stream' ? {} : { rule: asTheProxy }),
      }),
    ),
    throughProxy('count_tokens', healthy, { surfaces: ['create'] }, async ({ client }) => {
      const { input_tokens: tokens } = await client.messages.countTokens({
        model: 'claude-opus-5-5',
        messages: [{ role: 'user', content: 'x' }],
      });
      return { text: String(tokens), tools: [], content: '', stopReason: null, usage: '', whole: true };
    }),
    throughProxy('the beta surface', healthy, { surfaces: ['create'] }, async ({ client }) => {
      const answer = await client.beta.messages.create({
        model: 'claude-opus-5-5',
        max_tokens: 9,
        messages: [{ role: 'user', content: 'x' }],
        betas: ['context-management-2025-06-27'],
      });
      return { text: JSON.stringify(answer.content), tools: [], content: '', stopReason: answer.stop_reason, usage: '', whole: true };
    }),
    throughProxy('a long conversation', healthy, { surfaces: ['create'] }, (world) =>
      ask(world, { messages: [{ role: 'user', content: 'x'.repeat(400_000) }] }),
    ),
    throughProxy('every character', (seen) => healthy(seen, 'Äpfel 🍎 “quoted” \\ \u2028 end'), { surfaces }),
  ],
};
