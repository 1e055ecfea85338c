// What an application gives to Holdfast and what may be wrong with it: the call ends as it does without.

import type { HoldfastOptions } from '@holdfast/core';
import type { Situation, Subject } from '../situation.ts';
import { healthy, jsonReply, upstream } from '../upstream.ts';
import { errorBody, message } from '../wire.ts';

const boom = (): never => {
  throw new Error('a mistake of the application');
};
const rejects = (): Promise<never> => Promise.reject(new Error('a mistake of the application'));
const hangs = (): Promise<never> => new Promise(() => {});

type Options = Readonly<Record<string, HoldfastOptions>>;
const logger = (log: () => unknown) => ({ debug: log, info: log, warn: log, error: log }) as never;
const store = (act: () => unknown) => ({ get: act, set: act, delete: act }) as never;

/** With which a healthy call is answered all the same. */
const beside: Options = {
  'a listener that throws': { on: boom },
  'a listener that rejects': { on: rejects as never },
  'a listener that hangs': { on: hangs as never },
  'a logger that throws': { logger: logger(boom) },
  'a logger that rejects': { logger: logger(rejects) },
  'a cache that throws': { cache: { store: store(boom) } },
  'a cache that rejects': { cache: { store: store(rejects) } },
  'a cache that hangs': { cache: { store: store(hangs) } },
  'a cache full of rubbish': { cache: { store: store(() => '{"rubbish":') } },
  'a cache that gives numbers': { cache: { store: store(() => 7) } },
  'checkpoints that throw': { streams: { checkpoints: store(boom), checkpointEveryMs: 0 } },
  'checkpoints that reject': { streams: { checkpoints: store(rejects), checkpointEveryMs: 0 } },
  'checkpoints that hang': { streams: { checkpoints: store(hangs), checkpointEveryMs: 0 } },
};

const circular: Record<string, unknown> = {};
circular['self'] = circular;
const failing = { retry: false } as const;

/** With which a failure is the upstream's all the same. */
const instead: Options = {
  'answer() throws': { ...failing, answer: boom },
  'answer() rejects': { ...failing, answer: rejects },
  'answer() gives null': { ...failing, answer: () => null },
  'answer() gives undefined': { ...failing, answer: (() => undefined) as never },
  'answer() gives a string': { ...failing, answer: (() => 'sorry') as never },
  'answer() gives content null': { ...failing, answer: (() => ({ type: 'message', content: null })) as never },
  'answer() gives a circle': { ...failing, answer: (() => circular) as never },
  'answer() gives a BigInt': { ...failing, answer: (() => ({ ...message(), n: 1n })) as never },
};

/** Fallbacks whose judge says no, in every way: the upstream's 503 is what there is. */
const judges: Options = {
  'accept() says no': { ...failing, fallbacks: [{ model: 'claude-haiku-5-5', accept: () => false }] },
  'accept() says no, later': { ...failing, fallbacks: [{ model: 'claude-haiku-5-5', accept: (async () => false) as never }] },
  'accept() throws': { ...failing, fallbacks: [{ model: 'claude-haiku-5-5', accept: boom }] },
  'accept() rejects': { ...failing, fallbacks: [{ model: 'claude-haiku-5-5', accept: rejects as never }] },
};

const down = () => upstream(() => jsonReply(errorBody('api_error', 'down'), 503, { 'x-should-retry': 'false' }));

export const callbacks: Subject = {
  title: 'What the application gives',
  situations: [
    ...Object.entries(beside).map(([name, hold]): Situation => ({ name, hold, upstream: () => upstream() })),
    ...Object.entries(beside).map(([name, hold]): Situation => ({
      name: `${name}, 400`,
      hold,
      upstream: () => upstream(() => jsonReply(errorBody('invalid_request_error'), 400)),
    })),
    ...Object.entries(instead).map(([name, hold]): Situation => ({ name, hold, upstream: down })),
    ...Object.entries(judges).map(([name, hold]): Situation => ({
      name,
      hold,
      surfaces: ['create'],
      upstream: () =>
        upstream((seen) =>
          seen.body?.['model'] === 'claude-opus-5-5'
            ? jsonReply(errorBody('api_error', 'down'), 503, { 'x-should-retry': 'false' })
            : healthy(seen),
        ),
      rule: { right: null, asks: 2 },
    })),
    ...(['addEvent', 'setAttributes', 'setAttribute', 'isRecording', 'spanContext'] as const).map(spanRow),
    {
      name: 'a middleware of the application behind Holdfast that throws',
      upstream: () => upstream(),
      sdk: {},
      call: ({ client, surface, signal, hold }) => {
        const broken = (): never => boom();
        const middleware = [...(hold ? [hold] : []), broken] as never;
        return client
          .withOptions({ middleware, maxRetries: 0 })
          .messages.create(
            { model: 'x', max_tokens: 9, messages: [{ role: 'user', content: 'x' }], stream: surface === 'stream' },
            { signal },
          );
      },
      rule: { right: null },
    },
    {
      name: 'a middleware of the application that fails once',
      upstream: () => upstream(),
      surfaces: ['create'],
      call: ({ client, signal, hold }) => {
        let times = 0;
        const flaky = (request: never, next: (request: never) => Promise<unknown>): Promise<unknown> =>
          (times += 1) === 1 ? Promise.reject(new TypeError('fetch failed')) : next(request);
        const middleware = [...(hold ? [hold] : []), flaky] as never;
        return client
          .withOptions({ middleware })
          .messages.create({ model: 'x', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }, { signal });
      },
    },
  ],
};

/** An OpenTelemetry span of the application of which one method throws. */
function spanRow(method: string): Situation {
  return {
    name: `a span whose ${method} throws`,
    upstream: () => upstream(),
    call: async (world) => {
      const { ask } = await import('../observe.ts');
      const { context, ROOT_CONTEXT, trace } = await import('@opentelemetry/api');
      const { useContexts } = await import('../contexts.ts');
      useContexts();
      const quiet = {
        spanContext: () => ({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 }),
        isRecording: () => true,
        ...Object.fromEntries(
          ['addEvent', 'setAttributes', 'setAttribute', 'setStatus', 'end', 'recordException', 'updateName'].map((name) => [
            name,
            () => quiet,
          ]),
        ),
      };
      const span = { ...quiet, [method]: boom };
      return context.with(trace.setSpan(ROOT_CONTEXT, span as never), () => ask(world));
    },
  };
}
