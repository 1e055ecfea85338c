// Nobody waits longer than they said, whatever goes wrong and whoever stands in.

import Anthropic from '@anthropic-ai/sdk';
import { cut, VirtualClock, type FaultLike } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { callOptions, type HoldfastOptions } from '../src/index.ts';
import { request, world } from './world.ts';

const deadlineMs = 20_000;
/** What may be lost on the way, milliseconds. */
const overshootMs = 50;

const always: [string, FaultLike][] = [
  ['silence', 'silent'],
  ['silence in the middle', 'stall-mid-stream'],
  ['overload', 'overloaded'],
  ['a rate limit that asks to wait', { status: 429, headers: { 'retry-after': '7' } }],
  ['resets', 'reset'],
  ['cuts', 'cut-mid-stream'],
  ['a slow gateway', 'gateway-timeout'],
];
const faults: Record<'call' | 'stream', [string, FaultLike][]> = {
  call: always,
  stream: [
    ...always,
    ['pings and nothing else', 'pings-only'],
    ['overload in the middle', 'overload-mid-stream'],
    ['a rate limit in the middle', { streamError: { type: 'rate_limit_error', afterText: 200 } }],
  ],
};

/** The answer, one event every `everyMs` of virtual time. */
function dripping(fetch: typeof globalThis.fetch, clock: VirtualClock, everyMs: number): typeof globalThis.fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    const slow = new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        await new Promise<void>((resolve) => clock.after(everyMs, resolve));
        controller.enqueue(chunk);
      },
    });
    return response.body && response.ok
      ? new Response(response.body.pipeThrough(slow), { status: response.status, headers: response.headers })
      : response;
  };
}

type Mode = 'call' | 'stream';
const ask = (client: Anthropic, mode: Mode, options = callOptions({ deadlineMs })): Promise<unknown> =>
  (mode === 'stream' ? client.messages.stream(request, options).finalMessage() : client.messages.create(request, options)).catch(
    (error: unknown) => error,
  );

describe.each<Mode>(['call', 'stream'])('a deadline of 20 s (%s)', (mode) => {
  const hang: HoldfastOptions['answer'] = () => new Promise(() => {});
  const never = { get: () => new Promise(() => {}), set: () => {}, delete: () => {} };
  const ladders: [string, HoldfastOptions][] = [
    ['nothing to fall back to', {}],
    ['every rung, hanging', { fallbacks: ['claude-haiku-5-5'], cache: { store: never }, answer: hang }],
  ];
  it.each(faults[mode].flatMap(([what, fault]) => ladders.map(([with_, options]) => [what, with_, fault, options] as const)))(
    'is kept despite %s, with %s',
    async (_, __, fault, options) => {
      const clock = new VirtualClock();
      const { claude, client, close } = await world({
        holdfast: { clock, random: Math.random, retry: { attempts: 10 }, budget: false, breaker: false, ...options },
      });
      claude.always(fault);
      const before = clock.now();

      const result = await clock.until(ask(client, mode));

      expect(result).toBeInstanceOf(Anthropic.APIError);
      expect(clock.now() - before).toBeLessThanOrEqual(deadlineMs + overshootMs);
      expect(clock.pending).toBe(0);
      await close();
    },
  );
});

describe('a stream that is still running at its deadline', () => {
  const drip = async (options: HoldfastOptions = {}) => {
    const clock = new VirtualClock();
    const made = await world({ holdfast: { clock, ...options } });
    const client = new Anthropic({
      baseURL: made.claude.url,
      apiKey: 'sk-ant-api-test',
      middleware: [made.hold],
      fetch: dripping(made.claude.fetch, clock, 1_000),
    });
    return { ...made, clock, client };
  };

  it('ends in an error that says so, with what was delivered', async () => {
    const { clock, client, hold, claude, close } = await drip();
    const before = clock.now();

    const error = await clock.until(ask(client, 'stream'));

    expect(clock.now() - before).toBeLessThanOrEqual(deadlineMs + overshootMs);
    expect(error).toMatchObject({ type: 'timeout_error', errorCode: 'holdfast_deadline' });
    expect(hold.explain(error)).toMatchObject({ kind: 'deadline', partial: { text: expect.stringMatching(/.{20}/) } });
    expect(hold.attempts(error)).toMatchObject({ result: 'failed', failure: 'deadline' });
    expect(claude.requests).toHaveLength(1);
    await close();
  });

  it('is a 504 where the call was no stream to begin with', async () => {
    const { clock, client, close } = await drip({ limits: { streamLongCalls: true } });

    expect(await clock.until(ask(client, 'call'))).toMatchObject({ status: 504, errorCode: 'holdfast_deadline' });
    await close();
  });

  it('is whole when only its last event is missing then', async () => {
    const { claude, client, clock, close } = await (async () => {
      const time = new VirtualClock();
      return { clock: time, ...(await world({ holdfast: { clock: time } })) };
    })();
    const events =
      (
        await (
          await claude.fetch(`${claude.url}/v1/messages`, { method: 'POST', body: JSON.stringify({ ...request, stream: true }) })
        ).text()
      ).split('\n\n').length - 1;
    claude.script(cut({ afterEvents: events - 1, how: 'stall' }));

    expect(await clock.until(ask(client, 'stream'))).toMatchObject({ stop_reason: 'end_turn' });
    await close();
  });
});

describe('a silent stream', () => {
  /** Streams share one timer: another one that waits already decides when it next looks. */
  async function bystander(clock: VirtualClock, aheadMs: number): Promise<() => Promise<void>> {
    const { claude, client, close } = await world({ holdfast: { clock, limits: { idleMs: 1e9 } } });
    claude.script('stall-mid-stream');
    const stream = client.messages.stream(request);
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('text', resolve));
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(aheadMs);
    return async () => {
      stream.abort();
      await stream.done().catch(() => {});
      await close();
    };
  }

  it.each([1, 100, 250, 251, 1_000, 7_777, 60_000])('is noticed after %i ms and no more than a quarter of a second', async (idleMs) => {
    for (const aheadMs of [0, 1, 60, 124, 125, 200]) {
      const clock = new VirtualClock();
      const leave = await bystander(clock, aheadMs);
      const { claude, client, events, close } = await world({ holdfast: { clock, limits: { idleMs } } });
      claude.script('stall-mid-stream');
      let heardAt = 0;
      const answer = client.messages.stream(request).on('text', () => {
        if (claude.requests.length === 1) heardAt = clock.now();
      });
      const done = answer.finalMessage();
      while (!events.some(({ type }) => type === 'stream-broke')) {
        await new Promise((resolve) => setImmediate(resolve));
        if (heardAt > 0 && !events.some(({ type }) => type === 'stream-broke')) clock.advance(1);
      }
      await done;
      const lateMs = (events.find(({ type }) => type === 'stream-broke')?.at ?? Infinity) - heardAt - idleMs;

      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThanOrEqual(250);
      await leave();
      await close();
    }
  });
});
