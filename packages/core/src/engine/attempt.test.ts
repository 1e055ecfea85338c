import { VirtualClock } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { attempt, type AttemptInput, type AttemptResult } from './attempt.ts';

const message = '{"type":"message","content":[]}';
const json = { headers: { 'content-type': 'application/json' } };

/** A body that has begun and does not go on, and hears when it is given up. */
function stalled(text: string, onCancel: () => void = () => {}): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(text)), cancel: onCancel });
}

/** An attempt over a transport that ignores its signal, with what became of it. */
function started(overrides: Partial<AttemptInput> = {}) {
  const clock = new VirtualClock(0);
  const caller = new AbortController();
  const sent = deferred<Response>();
  let signal: AbortSignal | undefined;
  const result = attempt({
    send: (given) => {
      signal = given;
      return sent.promise;
    },
    callers: [caller.signal, null, undefined],
    expect: 'message',
    firstByteMs: 60_000,
    idleMs: 180_000,
    totalMs: Infinity,
    startedAt: 0,
    clock,
    ...overrides,
  });
  return { clock, caller, sent, result, signal: () => signal as AbortSignal };
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((given) => (resolve = given));
  return { promise, resolve };
}

const endOf = (result: AttemptResult): unknown => (result.type === 'failure' ? result.outcome : result.type);

describe('an attempt', () => {
  it.each<[string, Partial<AttemptInput>, headersMs: number | null, endMs: number, limit: string]>([
    ['no headers', {}, null, 60_000, 'first-byte'],
    ['no headers, and little time in all', { totalMs: 5_000 }, null, 5_000, 'total'],
    ['a body that stays away for longer than headers may', {}, 10_000, 190_000, 'idle'],
    ['a body that stays away for less than headers may', { idleMs: 1_000 }, 10_000, 11_000, 'idle'],
    ['a body that takes all the time there is', { totalMs: 20_000 }, 10_000, 20_000, 'total'],
    ['a body that takes all of more time than headers may', { totalMs: 100_000 }, 10_000, 100_000, 'total'],
  ])('ends at its limit and not before: %s', async (_, overrides, headersMs, endMs, limit) => {
    const { clock, sent, result, signal } = started(overrides);
    if (headersMs !== null) {
      await clock.advanceAsync(headersMs);
      sent.resolve(new Response(stalled('{"type":'), json));
    }
    await clock.advanceAsync(endMs - 1 - clock.now());
    expect(signal().aborted).toBe(false);

    await clock.advanceAsync(1);

    expect(endOf(await result)).toEqual({ type: 'limit', limit });
    expect([signal().aborted, clock.pending]).toEqual([true, 0]);
  });

  it('is not ended by the limit for headers once they are there, without another limit', async () => {
    const { clock, sent, result } = started({ idleMs: 0 });
    let body!: ReadableStreamDefaultController<Uint8Array>;
    sent.resolve(new Response(new ReadableStream({ start: (controller) => void (body = controller) }), json));

    await clock.advanceAsync(3_600_000);
    expect(clock.pending).toBe(0);
    body.enqueue(new TextEncoder().encode(message));
    body.close();

    expect(endOf(await result)).toBe('message');
  });

  it('sets one timer for a whole healthy call, and leaves none', async () => {
    const clock = new VirtualClock(0);
    let timers = 0;
    const counting = {
      now: () => clock.now(),
      after: (delayMs: number, callback: () => void) => {
        timers += 1;
        return clock.after(delayMs, callback);
      },
    };
    const { sent, result, signal } = started({ clock: counting });
    sent.resolve(new Response(message, json));

    expect(endOf(await result)).toBe('message');
    expect([timers, clock.pending, signal().aborted]).toEqual([1, 0, false]);
  });

  it('ends at once when its caller leaves, and gives up what its transport still brings', async () => {
    const { caller, sent, result, signal } = started();
    caller.abort();
    expect(endOf(await result)).toEqual({ type: 'aborted' });
    expect(signal().aborted).toBe(true);

    const cancelled = deferred<string>();
    sent.resolve(new Response(stalled('late', () => cancelled.resolve('cancelled'))));

    expect(await cancelled.promise).toBe('cancelled');
  });

  it('lets go of a stream that says nothing yet, with its timer', async () => {
    const { clock, caller, sent, result } = started({ expect: 'stream' });
    const cancelled = deferred<string>();
    sent.resolve(
      new Response(
        stalled(': silent\n\n', () => cancelled.resolve('cancelled')),
        { headers: { 'content-type': 'text/event-stream' } },
      ),
    );
    await clock.advanceAsync(1_000);
    caller.abort();
    await result;

    expect(await Promise.race([cancelled.promise, clock.advanceAsync(0)])).toBe('cancelled');
    await clock.advanceAsync(0);
    expect(clock.pending).toBe(0);
  });

  it('is not sent when its caller has left already', async () => {
    let sent = false;
    const send = (): Promise<Response> => {
      sent = true;
      return Promise.reject(new Error('sent'));
    };

    const { clock, result } = started({ send, callers: [new AbortController().signal, AbortSignal.abort()] });

    expect(endOf(await result)).toEqual({ type: 'aborted' });
    expect([sent, clock.pending]).toEqual([false, 0]);
  });

  it('lets its caller leave while a body that was handed on unread is on its way', async () => {
    const { caller, sent, result, signal } = started({ expect: 'pass' });
    sent.resolve(new Response(stalled('unread')));
    expect(endOf(await result)).toBe('passed');
    expect(signal().aborted).toBe(false);

    caller.abort();

    expect(signal().aborted).toBe(true);
  });

  it('counts the idle limit of a whole answer from its last byte', async () => {
    const { clock, sent, result } = started({ idleMs: 1_000 });
    let body!: ReadableStreamDefaultController<Uint8Array>;
    sent.resolve(new Response(new ReadableStream({ start: (controller) => void (body = controller) }), json));
    for (let at = 0; at < 5; at += 1) {
      await clock.advanceAsync(900);
      body.enqueue(new TextEncoder().encode('\n'));
    }
    await clock.advanceAsync(900);
    body.enqueue(new TextEncoder().encode(message));
    body.close();

    expect([endOf(await result), clock.pending]).toEqual(['message', 0]);
  });

  it('has no limit for headers that is Infinity', async () => {
    const { clock, sent, result } = started({ firstByteMs: Infinity });
    await clock.advanceAsync(3_600_000);
    expect(clock.pending).toBe(0);
    sent.resolve(new Response(message, json));

    expect(endOf(await result)).toBe('message');
  });

  it.each([
    ['within the time there is', 60_000, 5_000],
    ['when the time is over', 3_000, 3_000],
  ])('is the refusal whose body does not come, %s', async (_, totalMs, atMs) => {
    const { clock, sent, result } = started({ totalMs });
    sent.resolve(new Response(stalled('{"type":'), { status: 529, headers: { 'request-id': 'req_1' } }));

    await clock.advanceAsync(atMs);

    expect(await result).toMatchObject({ outcome: { type: 'response', status: 529 }, text: '{"type":' });
    expect(clock.pending).toBe(0);
  });

  describe('whose event loop was blocked', () => {
    /** As Node does it: a timer that is late fires before what arrived meanwhile is read. */
    const blocked = (overrides: Partial<AttemptInput> = {}) => {
      const clock = new VirtualClock(0);
      let lateMs = 0;
      const late = { now: () => clock.now() + lateMs, after: (delayMs: number, fire: () => void) => clock.after(delayMs, fire) };
      const run = started({ clock: late, ...overrides });
      return { ...run, clock, block: (ms: number) => void (lateMs = ms) };
    };

    it('reads what arrived meanwhile before it judges', async () => {
      const { clock, sent, result, block } = blocked();
      block(5_000);
      await clock.advanceAsync(60_000);
      sent.resolve(new Response(message, json));

      expect(endOf(await result)).toBe('message');
      expect(clock.pending).toBe(0);
    });

    it('ends all the same when nothing has', async () => {
      const { clock, result, block } = blocked();
      block(5_000);
      await clock.advanceAsync(60_100);

      expect(endOf(await result)).toEqual({ type: 'limit', limit: 'first-byte' });
    });
  });
});
