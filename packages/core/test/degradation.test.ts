// The ladder: each rung reached by the failure that should reach it and by no other, labelled, and honest.

import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import KeyvRedis from '@keyv/redis';
import { cut, referenceAnswer, VirtualClock, type FaultName } from '@holdfast/testing';
import Keyv from 'keyv';
import { describe, expect, it } from 'vitest';
import { callOptions, type AnswerStore, type HoldfastOptions } from '../src/index.ts';
import { runInScope } from '../src/http/index.ts';
import { modelFacts } from '../src/policy/models.ts';
import { request, world } from './world.ts';

const whole = referenceAnswer('text').content;
const computed = {
  id: 'msg_own',
  type: 'message',
  role: 'assistant',
  model: 'own',
  content: [{ type: 'text', text: 'Please try again later.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 0, output_tokens: 0 },
} as unknown as Anthropic.Message;

async function degradedLabel(client: Anthropic, body = request, options = {}): Promise<string | null> {
  const { response } = await client.messages.create(body, options).withResponse();
  return response.headers.get('holdfast-degraded');
}

const ladder = (): HoldfastOptions => ({
  retry: false,
  breaker: false,
  fallbacks: ['claude-haiku-5-5'],
  cache: { store: new Map() },
  answer: () => computed,
});

describe('the rungs', () => {
  const congested: FaultName[] = ['overloaded', 'rate-limited', 'server-error', 'gateway-timeout', 'truncated'];
  it.each(congested)('%s is answered by the fallback model', async (fault) => {
    const { claude, client, events, hold, close } = await world({ holdfast: ladder() });
    claude.script(fault);
    const { data, response } = await client.messages.create(request).withResponse();

    expect(response.headers.get('holdfast-degraded')).toBe('model:claude-haiku-5-5');
    expect(claude.requests.map(({ model }) => model)).toEqual([request.model, 'claude-haiku-5-5']);
    expect(events).toContainEqual(expect.objectContaining({ type: 'answer-degraded', rung: 'model:claude-haiku-5-5' }));
    expect(hold.attempts(data)).toMatchObject({ degraded: 'model:claude-haiku-5-5', result: 'delivered' });
    await close();
  });

  it.each<FaultName>(['spend-limit', 'bad-key', 'reset'])(
    '%s, which another model cannot cure, is answered from the cache',
    async (fault) => {
      const { claude, client, close } = await world({ holdfast: ladder() });
      await client.messages.create(request);
      claude.always(fault);

      expect(await degradedLabel(client)).toBe('cache');
      await close();
    },
  );

  it('what nobody answered before is computed, and the label says so', async () => {
    const { claude, client, close } = await world({ holdfast: ladder() });
    claude.always('overloaded');

    const { data, response } = await client.messages.create(request).withResponse();

    expect(data.content).toEqual(computed.content);
    expect(response.headers.get('holdfast-degraded')).toBe('answer');
    await close();
  });

  it.each<FaultName>(['bad-request', 'too-large', 'unknown-model', 'conflict', 'forbidden'])('%s never degrades', async (fault) => {
    const { claude, client, close } = await world({ holdfast: ladder() });
    await client.messages.create(request);
    claude.always(fault);

    await expect(client.messages.create(request)).rejects.toBeInstanceOf(Anthropic.APIError);
    expect(claude.requests).toHaveLength(2);
    await close();
  });

  it('fast mode is dropped first', async () => {
    const { claude, client, close } = await world({ holdfast: ladder() });
    claude.script('overloaded');

    expect(await degradedLabel(client, { ...request, speed: 'fast' } as never)).toBe('speed');
    expect(claude.requests.map(({ body }) => body?.['speed'])).toEqual(['fast', undefined]);
    await close();
  });

  it('a circuit that fast mode opened does not stop the same model without it', async () => {
    const { claude, client, close } = await world({ holdfast: { ...ladder(), breaker: { consecutiveFailures: 1 } } });
    claude.script('overloaded');
    await degradedLabel(client, { ...request, speed: 'fast' } as never);

    expect(await degradedLabel(client, { ...request, speed: 'fast' } as never)).toBe('speed');
    expect(claude.requests.map(({ body }) => body?.['speed'])).toEqual(['fast', undefined, undefined]);
    await close();
  });

  it('a stream that breaks in fast mode says that fast mode is congested, and opens the circuit of fast mode alone', async () => {
    const { claude, client, hold, events, close } = await world({
      holdfast: { ...ladder(), streams: { resumes: 0 }, breaker: { consecutiveFailures: 1, openMs: 60_000, maxOpenMs: 60_000 } },
    });
    claude.script('overload-mid-stream');
    await client.messages
      .stream({ ...request, speed: 'fast' } as never)
      .finalMessage()
      .catch(() => {});

    expect(events).toContainEqual(expect.objectContaining({ type: 'attempt-ended', verdict: expect.objectContaining({ scope: 'speed' }) }));
    expect(hold.health().targets[0]?.circuits).toEqual({ [`${request.model}+fast`]: 'open' });
    expect((await client.messages.stream(request).finalMessage()).content).toEqual(whole);
    await close();
  });

  it('a stream whose fast mode was dropped is continued without it', async () => {
    const { claude, client, close } = await world({ holdfast: ladder() });
    claude.script('overloaded', 'cut-mid-stream');

    expect((await client.messages.stream({ ...request, speed: 'fast' } as never).finalMessage()).content).toEqual(whole);
    expect(claude.requests.map(({ body }) => body?.['speed'])).toEqual(['fast', undefined, undefined]);
    await close();
  });

  it('an answer the predicate does not accept is discarded, and the next model asked', async () => {
    const { claude, client, hold, close } = await world({
      holdfast: {
        retry: false,
        fallbacks: [
          { model: 'claude-haiku-4-5', accept: () => false },
          { model: 'claude-haiku-5-5', accept: (message) => message.content.length > 0 },
        ],
      },
    });
    claude.script('overloaded');

    const { data, response } = await client.messages.create(request).withResponse();

    expect(response.headers.get('holdfast-degraded')).toBe('model:claude-haiku-5-5');
    expect(hold.attempts(data)?.attempts.map(({ model, discarded }) => [model, discarded])).toEqual([
      [request.model, true],
      ['claude-haiku-4-5', true],
      ['claude-haiku-5-5', false],
    ]);
    await close();
  });

  it('streams get cached and computed answers as proper event streams', async () => {
    const { claude, client, close } = await world({ holdfast: ladder() });
    await client.messages.create(request);
    claude.always('reset');

    expect((await client.messages.stream(request).finalMessage()).content).toEqual(whole);
    expect((await client.messages.stream({ ...request, max_tokens: 100 }).finalMessage()).content).toEqual(computed.content);
    await close();
  });

  it('a call class can be capped, by the instance and by the call, and the stricter cap holds', async () => {
    for (const [instance, call] of [
      ['never', 'answer'],
      ['answer', 'never'],
      ['model', 'answer'],
    ] as const) {
      const { claude, client, close } = await world({ holdfast: { ...ladder(), degrade: instance } });
      claude.always('overloaded');

      await expect(client.messages.create(request, callOptions({ degrade: call }))).rejects.toBeInstanceOf(Anthropic.OverloadedError);
      expect(claude.requests).toHaveLength(instance === 'model' ? 2 : 1);
      await close();
    }
  });

  it('a fallback model gets a body it accepts', async () => {
    const { claude, client, close } = await world({ holdfast: { retry: false, fallbacks: ['claude-haiku-4-5'] } });
    claude.script('overloaded');

    await client.messages.create(
      { ...request, max_tokens: 100_000, thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
      { timeout: 1e6 },
    );

    expect(claude.requests[1]?.body).toMatchObject({ model: 'claude-haiku-4-5', max_tokens: modelFacts('claude-haiku-4-5').maxOutput });
    expect(claude.requests[1]?.body).not.toHaveProperty('thinking');
    await close();
  });

  it('a fallback model that cannot do what is asked is passed over, and an event says why', async () => {
    const { claude, client, events, close } = await world({
      holdfast: { retry: false, fallbacks: ['claude-sonnet-5-5', 'claude-haiku-5-5'] },
    });
    claude.script('overloaded');
    const forced = { ...request, model: 'claude-opus-4-8', tool_choice: { type: 'any' as const }, tools: [] };

    expect(await degradedLabel(client, forced)).toBe('model:claude-haiku-5-5');
    expect(claude.requests.map(({ model }) => model)).toEqual(['claude-opus-4-8', 'claude-haiku-5-5']);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'target-ineligible', why: 'claude-sonnet-5-5 cannot be made to use a tool' }),
    );
    await close();
  });
});

describe('every answer from below the first rung says so', () => {
  const rungs: [rung: string, label: string, body: object, faults: FaultName[], content: unknown][] = [
    ['speed', 'speed', { speed: 'fast' }, ['overloaded'], whole],
    ['model', 'model:claude-haiku-5-5', {}, ['overloaded'], whole],
    ['cache', 'cache', {}, ['overloaded', 'overloaded'], whole],
    ['answer', 'answer', { max_tokens: 100 }, ['overloaded', 'overloaded'], computed.content],
  ];
  it.each(rungs.flatMap((row) => [[...row, false] as const, [...row, true] as const]))(
    '%s, as %s',
    async (_, label, change, faults, content, streamed) => {
      const { claude, client, hold, events, close } = await world({ holdfast: ladder() });
      await client.messages.create(request);
      claude.script(...faults);
      const body = { ...request, ...change } as typeof request;

      const stream = streamed ? client.messages.stream(body) : null;
      const { data, response } = stream
        ? { response: (await stream.withResponse()).response, data: await stream.finalMessage() }
        : await client.messages.create(body).withResponse();

      expect(data.content).toEqual(content);
      expect(response.headers.get('holdfast-degraded')).toBe(label);
      expect(response.headers.get('holdfast-age')).toBe(label === 'cache' ? '0' : null);
      expect(hold.attempts(response)).toMatchObject({ degraded: label, result: 'delivered' });
      expect(events).toContainEqual(expect.objectContaining({ type: 'answer-degraded', rung: label, why: 'overloaded' }));
      expect(response.headers.get('content-type')).toContain(streamed ? 'text/event-stream' : 'application/json');
      await close();
    },
  );

  it('and a full one does not', async () => {
    const { client, hold, close } = await world({ holdfast: ladder() });
    const { data, response } = await client.messages.create(request).withResponse();

    expect(response.headers.get('holdfast-degraded')).toBeNull();
    expect(hold.attempts(data)?.degraded).toBeNull();
    await close();
  });
});

describe('an answer of the application’s own', () => {
  it('that is not there in time is none: 30 seconds, or what is left', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { clock, retry: false, answer: () => new Promise(() => {}) } });
    claude.always('overloaded');
    const before = clock.now();

    await expect(clock.until(client.messages.create(request))).rejects.toBeInstanceOf(Anthropic.OverloadedError);
    expect(clock.now() - before).toBe(30_000);
    expect(clock.pending).toBe(0);
    await close();
  });

  it('is not waited for by a caller who left', async () => {
    const leave = new AbortController();
    const { claude, client, close } = await world({
      holdfast: {
        retry: false,
        answer: () => {
          leave.abort();
          return new Promise(() => {});
        },
      },
    });
    claude.always('overloaded');

    await expect(client.messages.create(request, { signal: leave.signal })).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
    await close();
  });
});

describe('the answer cache', () => {
  it('never gives one tenant another’s answer, whatever the tenants are called', async () => {
    const store = new Map<string, string>();
    const { claude, client, close } = await world({ holdfast: { retry: false, cache: { store } } });
    await client.messages.create(request, callOptions({ tenant: 'a' }));
    claude.always('reset');

    for (const tenant of ['b', '', 'a ', '["a"', 'null', 'a","x'])
      await expect(client.messages.create(request, callOptions({ tenant }))).rejects.toThrow();
    await expect(client.messages.create(request)).rejects.toThrow();
    expect(await degradedLabel(client, request, callOptions({ tenant: 'a' }))).toBe('cache');
    await close();
  });

  it('measures entries in bytes, as stores do', async () => {
    const store = new Map<string, string>();
    const answer = { ...computed, content: [{ type: 'text', text: '港'.repeat(400) }] };
    const { client, close } = await world({
      holdfast: { cache: { store, maxEntryBytes: 1_500 } },
      client: { fetch: async () => Response.json(answer) },
    });
    await client.messages.create(request);
    expect(store.size).toBe(0);

    answer.content = [{ type: 'text', text: 'h'.repeat(400) }];
    await client.messages.create(request);
    expect(store.size).toBe(1);
    await close();
  });

  it('takes a poisoned, foreign, old or oversized entry for a miss', async () => {
    const store = new Map<string, string>();
    const { claude, client, close } = await world({ holdfast: { retry: false, cache: { store, maxEntryBytes: 100_000 } } });
    await client.messages.create(request);
    const [[key, value] = ['', '']] = [...store];
    claude.always('reset');
    expect(await degradedLabel(client)).toBe('cache');

    const entry = JSON.parse(value) as { savedAt: number };
    const spoiled = [
      '{',
      'null',
      '{"version":1}',
      JSON.stringify({ ...entry, key: 'another' }),
      JSON.stringify({ ...entry, savedAt: 0 }),
      JSON.stringify({ ...entry, message: { type: 'message' } }),
      JSON.stringify({ ...entry, padding: 'x'.repeat(100_001) }),
    ];
    for (const bad of spoiled) {
      store.set(key, bad);
      await expect(client.messages.create(request), bad.slice(0, 40)).rejects.toThrow();
    }
    await close();
  });

  it('keeps what was streamed, thinking too, for calls and streams', async () => {
    for (const scenario of ['text', 'thinking', 'multi-block'] as const) {
      const { claude, client, close } = await world({ fake: { scenario }, holdfast: { retry: false, cache: { store: new Map() } } });
      const body = { ...request, thinking: { type: 'adaptive' as const, display: 'summarized' as const } };
      const streamed = await client.messages.stream(body).finalMessage();
      claude.always('reset');

      const { id, model, content, stop_reason, usage } = streamed;
      expect(content).toEqual(referenceAnswer(scenario).content);
      expect(await client.messages.create(body)).toMatchObject({ id, model, content, stop_reason, usage });
      expect(await client.messages.stream(body).finalMessage()).toEqual(streamed);
      await close();
    }
  });

  it('keeps no stream that was mended, fell back, broke or was left', async () => {
    for (const faults of [['cut-mid-stream'], ['overloaded'], ['cut-mid-stream', 'bad-request']] satisfies FaultName[][]) {
      const store = new Map<string, string>();
      const { claude, client, close } = await world({ holdfast: { retry: false, cache: { store }, fallbacks: ['claude-haiku-5-5'] } });
      claude.script(...faults);
      await client.messages
        .stream(request)
        .finalMessage()
        .catch(() => {});

      expect(store.size).toBe(0);
      await close();
    }
  });

  it('keeps only whole answers that ask for nothing', async () => {
    for (const scenario of ['tools', 'refusal', 'citations', 'server-tools'] as const) {
      const store = new Map<string, string>();
      const { client, close } = await world({ fake: { scenario }, holdfast: { cache: { store } } });
      if (scenario === 'tools' || scenario === 'refusal') await client.messages.create(request);
      await client.messages.stream(request).finalMessage();
      expect(store.size).toBe(0);
      await close();
    }
  });

  it('loses no call to a store that throws, hangs or lies', async () => {
    const stores: AnswerStore[] = [
      {
        get: () => {
          throw new Error('down');
        },
        set: () => {
          throw new Error('down');
        },
        delete: () => {},
      },
      { get: () => new Promise(() => {}), set: () => new Promise(() => {}), delete: () => {} },
      { get: () => 42, set: () => Promise.reject(new Error('down')), delete: () => {} },
    ];
    for (const store of stores) {
      const { claude, client, close } = await world({
        holdfast: { retry: false, cache: { store, patienceMs: 5 }, answer: () => computed },
      });
      expect((await client.messages.create(request)).content).toEqual(whole);
      claude.always('reset');
      expect(await degradedLabel(client)).toBe('answer');
      await close();
    }
  });
});

/** A Redis of our own, to be stopped in the middle; null where none is installed. */
async function ownRedis(): Promise<{ url: string; process: ChildProcess } | null> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const redis = spawn('redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no']);
  const started = await new Promise<boolean>((resolve) => {
    redis.once('error', () => resolve(false));
    redis.once('exit', () => resolve(false));
    redis.stdout?.on('data', (line) => {
      if (String(line).includes('Ready to accept connections')) resolve(true);
    });
  });
  return started ? { url: `redis://127.0.0.1:${port}`, process: redis } : null;
}

const redis = await ownRedis();
if (!redis) console.error('SKIPPED: the cache against a real Redis, because redis-server is not installed');

describe.runIf(redis)('the answer cache in a real Redis, through Keyv', () => {
  it('gives stale answers while Redis lives, and loses no call when it dies', async () => {
    const { url, process: server } = redis as NonNullable<typeof redis>;
    const adapter = new KeyvRedis(url);
    adapter.client.on('error', () => {});
    const keyv = new Keyv({ store: adapter });
    keyv.on('error', () => {});
    const { claude, client, close } = await world({
      holdfast: { retry: false, cache: { store: keyv as unknown as AnswerStore, patienceMs: 200 }, answer: () => computed },
    });
    await client.messages.create(request);
    const stored = async (): Promise<number> => (adapter.client as unknown as { dbSize(): Promise<number> }).dbSize();
    while ((await stored()) === 0) await new Promise((resolve) => setImmediate(resolve));
    claude.always('reset');
    expect(await degradedLabel(client)).toBe('cache');

    server.kill('SIGKILL');
    await once(server, 'exit');

    expect(await degradedLabel(client)).toBe('answer');
    claude.always(null);
    expect((await client.messages.create(request)).content).toEqual(whole);
    await adapter.client.destroy();
    await close();
  });
});

it('a call that asks for fewer attempts asks a fallback model no more often than any other does', async () => {
  const clock = new VirtualClock();
  const { claude, client, close } = await world({ holdfast: { clock, breaker: false, budget: false, fallbacks: ['claude-haiku-5-5'] } });
  claude.always('server-error');

  await expect(clock.until(client.messages.create(request, callOptions({ attempts: 2 })))).rejects.toThrow(Anthropic.APIError);

  expect(claude.requests.map(({ model }) => model)).toEqual([request.model, request.model, 'claude-haiku-5-5']);
  await close();
});

describe('a call that must not be billed twice', () => {
  const once = callOptions({ attempts: 1, requestId: 'once' });

  it.each(['server-error', 'overloaded'] as const)('asks once after %s, and may still be given what costs nothing', async (fault) => {
    for (const body of [request, { ...request, speed: 'fast' }]) {
      const { claude, client, close } = await world({
        holdfast: { fallbacks: ['claude-haiku-5-5'], answer: () => computed },
      });
      claude.always(fault);

      expect(await client.messages.create(body as typeof request, once)).toMatchObject({ id: computed.id });
      expect(claude.requests).toHaveLength(1);
      await close();
    }
  });

  it('asks one of several where the circuit of its model is open', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({
      holdfast: { clock, retry: false, fallbacks: ['claude-haiku-5-5', 'claude-sonnet-5-5'] },
    });
    claude.always('overloaded');
    for (let call = 0; call < 6; call += 1)
      await clock.until(client.messages.create(request, callOptions({ degrade: 'never' })).catch(() => {}));
    const before = claude.requests.length;

    await expect(clock.until(client.messages.create(request, once))).rejects.toThrow(Anthropic.APIError);

    expect(claude.requests.slice(before).map(({ model }) => model)).toEqual(['claude-haiku-5-5']);
    await close();
  });
});

describe('long calls without streaming', () => {
  const long = { ...request, max_tokens: 16_000 };

  it('are streamed upstream, heal, and arrive as one message', async () => {
    for (const scenario of ['text', 'thinking', 'tools', 'citations'] as const) {
      const { claude, client, close } = await world({ fake: { scenario }, holdfast: { limits: { streamLongCalls: true } } });
      if (scenario === 'text') claude.script(cut({ afterText: 200, how: 'reset' }));

      const message = await client.messages.create(long);

      expect(message.content).toEqual(referenceAnswer(scenario).content);
      expect(claude.requests[0]?.stream).toBe(true);
      await close();
    }
  });

  it('have their lesser answers judged too', async () => {
    const seen: string[] = [];
    const { claude, client, close } = await world({
      holdfast: {
        retry: false,
        limits: { streamLongCalls: true },
        fallbacks: [
          { model: 'claude-haiku-4-5', accept: (message) => seen.push(message.model) === 0 },
          { model: 'claude-haiku-5-5', accept: (message) => message.content.length > 0 },
        ],
      },
    });
    claude.script('overloaded');

    const { data, response } = await client.messages.create(long).withResponse();

    expect(response.headers.get('holdfast-degraded')).toBe('model:claude-haiku-5-5');
    expect(data.content).toEqual(whole);
    expect(seen).toEqual(['claude-haiku-4-5']);
    await close();
  });

  it('that cannot be mended end in a proper status', async () => {
    const { claude, client, hold, close } = await world({ holdfast: { limits: { streamLongCalls: true }, streams: { resumes: 0 } } });
    claude.always(cut({ afterText: 200, how: 'reset' }));

    const error = await client.messages.create(long).catch((caught: unknown) => caught);

    expect(error).toMatchObject({ status: 502, errorCode: 'holdfast_stream_broken' });
    expect(hold.explain(error).partial?.text.length).toBeGreaterThan(100);
    await close();
  });

  it('whose scope ends in the middle are aborted, not broken', async () => {
    const clock = new VirtualClock();
    const { claude, client, hold, close } = await world({ holdfast: { clock, limits: { streamLongCalls: true } } });
    claude.script(cut({ afterText: 200, how: 'stall' }));
    const leave = new AbortController();
    // The stream has long begun.
    clock.after(1_000, () => leave.abort());

    const error = await clock.until(
      runInScope({ signal: leave.signal }, () => client.messages.create(long, callOptions({ requestId: 'left' }))).catch(
        (reason: unknown) => reason,
      ),
    );

    expect(error).toMatchObject({ status: 499, errorCode: 'holdfast_aborted' });
    expect(hold.attempts('left')).toMatchObject({ result: 'aborted' });
    await close();
  });

  it('may end in the middle of a tool call, which is not to be run then', async () => {
    const { client, close } = await world({
      fake: { scenario: 'tools' },
      holdfast: { limits: { streamLongCalls: true }, streams: { heal: false } },
    });
    const { body } = await client.messages.create({ ...long, stream: true }).asResponse();
    const text = await new Response(body).text();
    const lastDelta = text.lastIndexOf('event: content_block_delta');
    const half = text.slice(0, lastDelta) + text.slice(text.indexOf('event: content_block_stop', lastDelta));
    let stream = half.replace('"stop_reason":"tool_use"', '"stop_reason":"max_tokens"');
    const behind = client.withOptions({ fetch: async () => new Response(stream, { headers: { 'content-type': 'text/event-stream' } }) });

    for (const streams of [{}, { heal: true }]) {
      const message = await behind.messages.create(long, callOptions({ streams }));
      expect(message.stop_reason).toBe('max_tokens');
      expect(message.content.at(-1)).toMatchObject({ type: 'tool_use', input: {} });
    }
    stream = half;
    await expect(behind.messages.create(long)).rejects.toMatchObject({ status: 502, errorCode: 'holdfast_bad_answer' });
    await close();
  });

  it('are left as they are unless asked for', async () => {
    const { claude, client, close } = await world();
    await client.messages.create(long);

    expect(claude.requests[0]?.stream).toBe(false);
    await close();
  });
});
