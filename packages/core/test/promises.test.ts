// What the README promises of calls, measured on the real SDK against a fake Claude.

import { getEventListeners } from 'node:events';
import Anthropic from '@anthropic-ai/sdk';
import { VirtualClock, faults, referenceAnswer, seededRandom, type FaultName } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { callOptions } from '../src/index.ts';
import { runInScope } from '../src/http/index.ts';
import { request, world } from './world.ts';

const defaults = { random: Math.random, retry: {} };

async function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => error);
}

describe('against constant 529, with default options', () => {
  it.each([0, 2, 10])('10,000 calls send at most 1.1 requests each, with the SDK told to retry %i times', async (maxRetries) => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({
      holdfast: { ...defaults, random: seededRandom(maxRetries), clock },
      client: { maxRetries },
    });
    claude.always('overloaded');

    for (let call = 0; call < 10_000; call += 1) {
      await clock.until(outcome(client.messages.create(request)));
      clock.advance(10);
    }

    expect(claude.requests.length / 10_000).toBeLessThanOrEqual(1.1);
    await close();
  });

  it('one cold call sends at most 4', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { ...defaults, random: seededRandom(1), clock } });
    claude.always('overloaded');

    const error = await clock.until(outcome(client.messages.create(request)));

    expect(error).toBeInstanceOf(Anthropic.OverloadedError);
    expect(claude.requests.length).toBeLessThanOrEqual(4);
    await close();
  });
});

it('saves at least 99.5 % of calls when one request in ten fails at random', async () => {
  const clock = new VirtualClock();
  const { claude, client, close } = await world({ holdfast: { ...defaults, random: seededRandom(7), clock } });
  claude.random({ seed: 11, rate: 0.1, faults: ['overloaded', 'server-error', 'reset', 'truncated', 'bad-gateway', 'html-page'] });
  let answered = 0;

  for (let call = 0; call < 4_000; call += 1) {
    const result = await clock.until(outcome(client.messages.create(request)));
    if (!(result instanceof Error)) answered += 1;
    clock.advance(100);
  }

  expect(answered / 4_000).toBeGreaterThanOrEqual(0.995);
  await close();
});

describe('a retry-after of a day', () => {
  it('is answered at once and never slept', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { ...defaults, clock } });
    claude.always('rate-limited-a-day');
    const before = clock.now();

    const error = await clock.until(outcome(client.messages.create(request)));

    expect(error).toBeInstanceOf(Anthropic.RateLimitError);
    expect(clock.now() - before).toBeLessThan(50);
    expect(claude.requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
    await close();
  });
});

describe('what is never repeated', () => {
  const permanent: FaultName[] = [
    'bad-request',
    'bad-key',
    'billing',
    'forbidden',
    'unknown-model',
    'too-large',
    'spend-limit',
    'contract-limit',
    'own-spend-limit',
    'gateway-spend-cap',
    'not-implemented',
    'conflict',
    'key-disabled',
  ];
  it.each(permanent)('%s reaches the caller as the SDK’s own error after one request', async (fault) => {
    const { claude, client, close } = await world({ client: { maxRetries: 5 } });
    claude.always(fault);

    const error = await outcome(client.messages.create(request));

    expect(error).toMatchObject({ status: faults[fault].status, headers: expect.any(Headers) });
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(claude.requests).toHaveLength(1);
    await close();
  });
});

describe('what is repeated', () => {
  const passing: FaultName[] = [
    'overloaded',
    'server-error',
    'bad-gateway',
    'unavailable',
    'gateway-timeout',
    'request-timeout',
    'rate-limited',
    'ramp-limit',
    'conflict-try-again',
    'compaction-busy',
    'reset',
    'reset-in-headers',
    'empty-body',
    'html-page',
    'error-in-ok',
    'truncated',
  ];
  it.each(passing)('%s is cured by the next request', async (fault) => {
    const clock = new VirtualClock();
    const { claude, client, hold, close } = await world({ holdfast: { clock } });
    claude.script(fault);

    const message = await clock.until(client.messages.create(request));

    expect(message.content).toEqual(referenceAnswer('text').content);
    expect(hold.attempts(message)?.attempts.map(({ purpose, result }) => [purpose, result === 'success'])).toEqual([
      ['first', false],
      ['retry', true],
    ]);
    await close();
  });

  it('a whole answer whose body stops coming is cured by the next request', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { clock, limits: { idleMs: 5_000 } } });
    claude.script({ cut: { afterBytes: 100, how: 'stall' } });

    const message = await clock.until(client.messages.create(request));

    expect(message.content).toEqual(referenceAnswer('text').content);
    await close();
  });

  it.each<FaultName>(['reset', 'reset-in-headers', 'truncated', 'html-page', 'error-first', 'silent-end'])(
    '%s over real sockets too, streaming',
    async (fault) => {
      const { claude, client, close } = await world({ sockets: true });
      claude.script(fault);

      const { content } = await client.messages.stream(request).finalMessage();

      expect(content).toEqual(referenceAnswer('text').content);
      await close();
    },
  );
});

describe('answers of ours', () => {
  it('an open circuit is a ServiceUnavailableError with the reason and when to try again', async () => {
    const { claude, client, hold, close } = await world({ holdfast: { retry: false, breaker: { waitMs: 0 } } });
    claude.always('overloaded');
    for (let call = 0; call < 5; call += 1) await outcome(client.messages.create(request));

    const error = (await outcome(client.messages.create(request))) as InstanceType<typeof Anthropic.APIError>;

    expect(error).toBeInstanceOf(Anthropic.ServiceUnavailableError);
    expect(error).toMatchObject({ status: 503, errorCode: 'holdfast_circuit_open', details: { retry_after_ms: expect.any(Number) } });
    expect(Number(error.headers?.get('retry-after'))).toBeGreaterThan(0);
    expect(claude.requests).toHaveLength(5);
    expect(hold.explain(error)).toMatchObject({ kind: 'circuit-open', retryable: true });
    expect(hold.health().status).toBe('down');
    await close();
  });

  it.each([
    [304, { status: 304 }],
    [999, { status: 999 }],
  ])('a status that no Response can have with a body, %i, fails as any other does', async (status, expected) => {
    const { claude, client, hold, close } = await world({ sockets: true });
    claude.always({ status });

    expect(await outcome(client.messages.create(request, callOptions({ requestId: 'odd' })))).toMatchObject(expected);
    expect(hold.attempts('odd')).toMatchObject({ result: 'failed', failure: expect.any(String) });
    await close();
  });

  it('a silent upstream is a GatewayTimeoutError once the limit has passed', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { clock, retry: false, limits: { firstByteMs: 5_000 } } });
    claude.always('silent');
    const before = clock.now();

    const error = await clock.until(outcome(client.messages.create(request)));

    expect(error).toBeInstanceOf(Anthropic.GatewayTimeoutError);
    expect(error).toMatchObject({ errorCode: 'holdfast_timeout' });
    expect(clock.now() - before).toBe(5_000);
    await close();
  });

  it('a passed deadline is a GatewayTimeoutError, and no attempt outlives it', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { clock } });
    claude.always('silent');
    const before = clock.now();

    const error = await clock.until(outcome(client.messages.create(request, callOptions({ deadlineMs: 20_000 }))));

    expect(error).toMatchObject({ status: 504, errorCode: 'holdfast_deadline' });
    expect(clock.now() - before).toBeLessThanOrEqual(20_050);
    await close();
  });

  it('a scope that ended is told when the answer is read', async () => {
    const { claude, client, close } = await world();
    claude.always('silent');
    const leave = new AbortController();

    const call = runInScope({ signal: leave.signal }, () => outcome(client.messages.create(request)));
    setImmediate(() => leave.abort());

    expect(await call).toMatchObject({ name: 'ClientClosedRequestError', status: 499, errorCode: 'holdfast_aborted' });
    await close();
  });

  it.each([false, true])('a scope that ended rejects nothing that nobody awaits (stream: %s)', async (stream) => {
    const { claude, client, hold, close } = await world();
    claude.always('silent');
    const leave = new AbortController();
    const unheard: unknown[] = [];
    const hear = (reason: unknown): void => void unheard.push(reason);
    process.on('unhandledRejection', hear);

    const ended = new Promise<void>((resolve) => void hold.on(({ type }) => type === 'call-ended' && resolve()));
    const call = runInScope({ signal: leave.signal }, () => ({ later: client.messages.create({ ...request, stream }) }));
    setImmediate(() => leave.abort());
    await ended;
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', hear);

    expect(unheard).toEqual([]);
    const read = async (): Promise<unknown> => {
      const answer = await call.later;
      if (Symbol.asyncIterator in answer) for await (const _ of answer);
      return answer;
    };
    expect(hold.explain(await outcome(read())).kind).toBe('aborted');
    await close();
  });

  it('a closed instance takes no new calls', async () => {
    const { claude, client, hold, close } = await world();
    hold.close();

    expect(await outcome(client.messages.create(request))).toMatchObject({ status: 503, errorCode: 'holdfast_shutting_down' });
    expect(claude.requests).toHaveLength(0);
    await close();
  });
});

describe('the circuit', () => {
  it.each<FaultName>(['bad-request', 'rate-limited-a-day'])('is not opened by ten times %s', async (fault) => {
    const { claude, client, close } = await world({ holdfast: { retry: false } });
    claude.always(fault);

    for (let call = 0; call < 10; call += 1) await outcome(client.messages.create(request));

    expect(claude.requests).toHaveLength(10);
    await close();
  });

  it('is opened by ten streams that die after good headers', async () => {
    const { claude, client, hold, close } = await world({ holdfast: { streams: { resumes: 0 }, breaker: { waitMs: 0 } } });
    claude.always('cut-mid-stream');
    for (let call = 0; call < 10; call += 1) await outcome(client.messages.stream(request).finalMessage());

    const [target] = hold.health().targets;

    expect(Object.values(target?.circuits ?? {})).toEqual(['open']);
    await close();
  });

  it('lets one probe through for 1,000 callers, and closes after three that answer', async () => {
    const clock = new VirtualClock();
    const { claude, client, hold, close } = await world({
      holdfast: { clock, retry: false, breaker: { waitMs: 0 }, limits: { firstByteMs: 9_000 } },
    });
    claude.always('overloaded');
    for (let call = 0; call < 5; call += 1) await outcome(client.messages.create(request));
    clock.advance(10_000);
    claude.always('silent');
    const sent = claude.requests.length;
    // The SDK keeps this time by the real clock, which 1,000 calls at once on a busy machine take some of.
    const waiting = Array.from({ length: 1_000 }, () => outcome(client.messages.create(request, { timeout: 10_000 })));

    await clock.until(Promise.all(waiting));
    expect(claude.requests.length - sent).toBe(1);

    claude.always(null);
    clock.advance(20_000);
    for (let call = 0; call < 3; call += 1) await client.messages.create(request);
    expect(Object.values(hold.health().targets[0]?.circuits ?? {})).toEqual(['closed']);
    await close();
  });
});

describe('a 401', () => {
  it('still lets the SDK refresh a token once', async () => {
    const { claude, close, hold } = await world();
    let tokens = 0;
    const client = new Anthropic({
      baseURL: claude.url,
      fetch: claude.fetch,
      middleware: [hold],
      credentials: async () => ({ token: `token-${(tokens += 1)}`, expiresAt: null }),
    } as never);
    claude.script('bad-key');

    const message = await client.messages.create(request);

    expect(message.content).toHaveLength(1);
    expect(claude.requests.map(({ key }) => key)).toEqual(['token-1', 'token-2']);
    await close();
  });
});

describe('other routes', () => {
  it('are repeated only where that is safe, and pass their bodies on unread', async () => {
    const { claude, client, close } = await world();
    claude.always('server-error');
    await outcome(client.models.list());
    const idempotent = claude.requests.length;
    await outcome(client.messages.batches.create({ requests: [] }));

    expect([idempotent, claude.requests.length - idempotent]).toEqual([3, 1]);
    await close();
  });

  it.each(['the caller leaves', 'the scope ends'])('stop upstream when %s in the middle of a body', async (who) => {
    const { claude, client, close } = await world({ sockets: true });
    claude.script({ delayPerEventMs: 20 });
    const leave = new AbortController();
    const body = { ...request, thread: { type: 'create' } };
    const [caller, scope] = who === 'the scope ends' ? [{}, { signal: leave.signal }] : [{ signal: leave.signal }, {}];
    const stream = await runInScope(scope, () =>
      client.messages.create({ ...body, stream: true } as never as Anthropic.MessageCreateParamsStreaming, caller),
    );
    const reading = async (): Promise<void> => {
      for await (const event of stream) if (event.type === 'content_block_delta') leave.abort();
    };
    await outcome(reading());
    while (!claude.requests[0]?.finishedAt) await new Promise((resolve) => setImmediate(resolve));

    expect(claude.requests[0]?.bytesSent).toBeLessThan(5_000);
    expect(getEventListeners(leave.signal, 'abort')).toHaveLength(0);
    await close();
  });

  it('leave nothing on a scope that lives on, whether their bodies are read, refused, left or missing', async () => {
    const { claude, client, close } = await world({ sockets: true });
    const scope = new AbortController();
    const empty = client.withOptions({ fetch: async () => new Response(null, { status: 204 }) });

    await runInScope({ signal: scope.signal }, async () => {
      expect((await client.models.list()).data.length).toBeGreaterThan(0);
      await (await client.models.list().asResponse()).body?.cancel();
      await outcome(empty.models.list().asResponse());
      claude.always('server-error');
      await outcome(client.models.list());
    });

    expect(getEventListeners(scope.signal, 'abort')).toHaveLength(0);
    await close();
  });
});

describe('a caller who leaves', () => {
  it('stops everything at once, whatever is under way, 10,000 times, and leaves no timer behind', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { clock, breaker: false, budget: false } });
    const stages: (FaultName | null)[] = ['silent', 'rate-limited', 'stall-mid-stream', 'pings-only', null];
    for (let call = 0; call < 10_000; call += 1) {
      const leave = new AbortController();
      claude.always(stages[call % stages.length] ?? null);
      const stream = call % 2 === 0;
      const answer = outcome(
        stream
          ? client.messages.stream(request, { signal: leave.signal }).finalMessage()
          : client.messages.create(request, { signal: leave.signal }),
      );
      for (let turn = call % 3; turn > 0; turn -= 1) await Promise.resolve();
      if (call % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
      leave.abort();
      const result = await answer;
      if (result instanceof Error) expect(result).toBeInstanceOf(Anthropic.APIUserAbortError);
    }

    expect(clock.pending).toBe(0);
    await close();
  });
});
