// Nothing that a request holds, and nothing that the application's own functions and stores do, ends the process, hangs a reader
// or changes an answer.

import { context, ROOT_CONTEXT, trace, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { status, VirtualClock } from '@holdfast/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointStoreError, callOptions, HoldfastConfigError, memoryCheckpoints, type HoldfastOptions } from '../src/index.ts';
import { read, request, world } from './world.ts';

const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

/** As deep as the SDK itself can still write it, which is deeper than anything that walks it with a stack of its own. */
function nested(depth: number): Record<string, unknown> {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = { p: value };
  return value as Record<string, unknown>;
}
const deep = (depth: number) => ({ ...request, tools: [{ name: 'x', input_schema: { type: 'object' as const, ...nested(depth) } }] });
const throwing = (): never => {
  throw new Error('of the application');
};
const rejecting = (): Promise<never> => Promise.reject(new Error('of the application'));

describe('a request that is nested deep', () => {
  const store = { get: () => undefined, set: () => {}, delete: () => {} };
  const options: [string, HoldfastOptions][] = [
    ['with a cache', { cache: { store } }],
    ['with checkpoints', { streams: { checkpoints: memoryCheckpoints(), checkpointEveryMs: 0 } }],
    ['with fallbacks', { fallbacks: ['claude-haiku-5-5'] }],
  ];
  for (const [what, holdfast] of options)
    it.each([600, 2_000, 4_000])(`${what} is answered, %d levels`, async (depth) => {
      const { claude, client, close } = await world({ holdfast });
      const whole = await read(client);

      expect(await read(client, deep(depth))).toEqual(whole);
      claude.script('cut-mid-stream');
      expect(await read(client, deep(depth))).toEqual(whole);
      expect((await client.messages.create(deep(depth))).content).toEqual((whole as { content: unknown }).content);
      claude.always('overloaded');
      await expect(client.messages.create(deep(depth))).rejects.toThrow();
      await close();
    });

  it('is not kept, and that is told', async () => {
    const keys: string[] = [];
    const spy = { get: () => undefined, set: (key: string) => void keys.push(key), delete: () => {} };
    const { client, events, close } = await world({
      holdfast: { cache: { store: spy }, streams: { checkpoints: spy, checkpointEveryMs: 0 } },
    });

    await read(client, deep(600));

    expect(keys).toEqual([]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'checkpoint-failed', reason: 'too-deep' }));
    await close();
  });
});

describe('a span', () => {
  const manager = new AsyncLocalStorageContextManager();
  beforeAll(() => void context.setGlobalContextManager(manager.enable()));
  afterAll(() => {
    manager.disable();
    context.disable();
  });
  const span = (bad: string): Span =>
    new Proxy(
      {
        spanContext: () => ({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 }),
        isRecording: () => true,
        addEvent() {},
        setAttributes() {},
      },
      { get: (target, name) => (name === bad ? throwing : (target as never)[name]) },
    ) as unknown as Span;

  it.each(['addEvent', 'setAttributes', 'isRecording'])('whose %s throws changes nothing', async (bad) => {
    const { claude, client, close } = await world();
    const whole = await read(client);
    const inSpan = <T>(fn: () => T): T => context.with(trace.setSpan(ROOT_CONTEXT, span(bad)), fn);
    claude.script('overloaded', 'cut-mid-stream');

    expect(await inSpan(() => read(client))).toEqual(whole);
    expect((await inSpan(() => client.messages.create(request))).content).toEqual((whole as { content: unknown }).content);
    await close();
  });
});

describe('a listener or logger', () => {
  const hostile: [string, () => unknown][] = [
    ['throws', throwing],
    ['rejects', rejecting],
    ['returns a promise that never ends', () => new Promise(() => {})],
    ['returns rubbish', () => ({ then: throwing })],
    ['returns what throws when it is looked at', () => new Proxy({}, { get: throwing })],
  ];
  it.each(hostile)('that %s changes nothing', async (_, bad) => {
    const logger = { debug: bad, info: bad, warn: bad, error: bad };
    const { claude, client, close } = await world({ holdfast: { on: bad, logger } });
    claude.script('overloaded', 'cut-mid-stream');

    expect(await read(client)).toMatchObject({ stopReason: 'end_turn' });
    await close();
  });

  it('keeps what it heard as it was', async () => {
    const heard: [unknown, string][] = [];
    const { claude, client, close } = await world({
      holdfast: {
        retry: false,
        fallbacks: [{ model: 'claude-haiku-5-5', accept: () => false }],
        on: (event) => void heard.push([event, JSON.stringify(event)]),
      },
    });
    claude.script('overloaded');

    await client.messages.create(request).catch(() => {});

    expect(heard.length).toBeGreaterThan(5);
    for (const [event, then] of heard) expect(JSON.stringify(event)).toBe(then);
    await close();
  });

  it('cannot change the account of a call', async () => {
    const { client, hold, close } = await world({
      holdfast: {
        on(event) {
          if (event.type === 'attempt-started') (event.attempt as { result: unknown }).result = 'mine';
          if (event.type === 'call-ended') event.ledger.attempts.length = 0;
        },
      },
    });

    await client.messages.create(request, callOptions({ requestId: 'kept' }));

    expect(hold.attempts('kept')?.attempts).toHaveLength(1);
    await close();
  });
});

describe('a store', () => {
  const hang = (): Promise<never> => new Promise(() => {});
  const bad: [string, () => unknown][] = [
    ['hangs', hang],
    ['throws', throwing],
    ['rejects', rejecting],
  ];

  it.each(bad)('of checkpoints that %s delays no stream, and is told of', async (_, fail) => {
    const clock = new VirtualClock();
    const store = { get: fail, set: fail, delete: fail };
    const { claude, client, events, close } = await world({ holdfast: { clock, streams: { checkpoints: store, checkpointEveryMs: 0 } } });
    claude.script('cut-mid-stream');

    expect(await read(client)).toMatchObject({ stopReason: 'end_turn' });
    await clock.advanceAsync(60_000);

    expect(events).toContainEqual(expect.objectContaining({ type: 'checkpoint-failed' }));
    expect(clock.pending).toBe(0);
    await close();
  });

  it.each(bad)('of checkpoints that %s fails to resume in time, and says why', async (_, fail) => {
    const clock = new VirtualClock();
    const { client, hold, close } = await world({ holdfast: { clock, streams: { checkpoints: { get: fail, set() {}, delete() {} } } } });
    const before = clock.now();

    const error = await clock.until(hold.resume('id', { client }).catch((failure: unknown) => failure));

    expect(error).toBeInstanceOf(CheckpointStoreError);
    expect(error).toMatchObject({ code: 'holdfast_checkpoint_store', cause: expect.any(Error) });
    expect(clock.now() - before).toBeLessThanOrEqual(2_000);
    await close();
  });

  it('of checkpoints is not asked for what cannot be an id, a client or a tenant', async () => {
    const { client, hold, close } = await world({ holdfast: { streams: { checkpoints: memoryCheckpoints() } } });

    for (const [id, options] of [
      [undefined, { client }],
      ['', { client }],
      ['id', {}],
      ['id', { client, tenant: 5 }],
    ])
      await expect(hold.resume(id as string, options as never)).rejects.toThrow(HoldfastConfigError);
    await close();
  });

  it.each(bad)('of answers that %s has none, and gets no more than 100 to keep at once', async (_, fail) => {
    let sets = 0;
    const store = {
      get: fail,
      delete: fail,
      set() {
        sets += 1;
        return fail();
      },
    };
    const { claude, client, close } = await world({ holdfast: { cache: { store, patienceMs: 1 } } });
    await Promise.all(Array.from({ length: 150 }, () => client.messages.create(request)));
    claude.always(status(529));

    await expect(client.messages.create(request)).rejects.toThrow();
    if (fail === hang) expect(sets).toBe(100);
    await close();
  });

  it.each([
    ['no text', 5],
    ['no JSON', '{'],
    ['nested deep', (good: string) => good.replace('"message":{', `"message":{"x":${'['.repeat(5_000)}${']'.repeat(5_000)},`)],
    ['a text that is none', (good: string) => good.replace(/"text":"/, '"text":5,"was":"')],
    ['no usage', (good: string) => good.replace('"usage":{', '"usage":[],"was":{')],
    ['cut off by the token limit', (good: string) => good.replace('"end_turn"', '"max_tokens"')],
  ])('of answers that holds %s has none', async (_, spoil) => {
    const store = new Map<string, unknown>();
    const { claude, client, close } = await world({ holdfast: { cache: { store: store as Map<string, string> } } });
    await client.messages.create(request);
    const [key, good] = [...store][0] as [string, string];
    claude.always(status(529));
    await expect(client.messages.create(request)).resolves.toMatchObject({ role: 'assistant' });
    store.set(key, typeof spoil === 'function' ? spoil(good) : spoil);
    expect(store.get(key)).not.toBe(good);

    await expect(client.messages.create(request)).rejects.toThrow();
    await expect(client.messages.stream(request).finalMessage()).rejects.toThrow();
    await close();
  });
});
