// The load of `pnpm soak`, briefly: what a call leaves behind when it has ended, however it ended. Memory is the long run's.

import { getEventListeners } from 'node:events';
import Anthropic from '@anthropic-ai/sdk';
import { fakeClaude, VirtualClock } from '@holdfast/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { callOptions, holdfast } from '../src/index.ts';
import { runInScope } from '../src/http/index.ts';
import { beyond, slopeOf } from './soak/growth.ts';
import { Load } from './soak/load.ts';
import { fetchTold, request, world } from './world.ts';

let load: Load | null = null;
afterEach(async () => {
  await load?.close();
  load = null;
});

describe('after hundreds of calls of every kind and ending', () => {
  it('no timer, listener, socket, request or book is left over', async () => {
    load = await Load.open({ seed: 5 });
    await load.run(250);
    const sample = await load.readings();

    expect(beyond([sample]), JSON.stringify(sample)).toEqual([]);
    expect([...load.outcomes.keys()].map((label) => label.replace(/.*: /, ''))).toEqual(
      expect.arrayContaining(['answered', 'aborted', 'overloaded', 'stream-broken']),
    );
    const end = await load.close();
    load = null;
    expect(end).toMatchObject({ 'timers of Holdfast': 0, 'sockets, client': 0, 'sockets, server': 0 });
  });
});

describe('an attempt that was ended', () => {
  it('at a second target leaves a reason that knows of nobody: the SDK may keep it for long', async () => {
    const claude = await fakeClaude();
    const signals: AbortSignal[] = [];
    const fetch: typeof globalThis.fetch = (url, init) => {
      if (init?.signal) signals.push(init.signal);
      return claude.fetch(url, init);
    };
    const common = { apiKey: 'sk-ant-api-test', fetch };
    const hold = holdfast({ targets: [{ name: 'second', client: new Anthropic({ ...common, baseURL: claude.url }) }], random: () => 0 });
    const gone: typeof globalThis.fetch = () => Promise.reject(new TypeError('fetch failed'));
    const client = new Anthropic({ ...common, baseURL: claude.url, middleware: [hold], fetch: gone });

    for await (const _ of await client.messages.create({ ...request, stream: true })) break;

    // A stack holds every function and object that was under way, the whole call among them.
    expect(signals).toHaveLength(1);
    expect(signals[0]?.aborted).toBe(true);
    expect(String((signals[0]?.reason as Error | undefined)?.stack)).not.toMatch(/\n\s+at /);
    await claude.close();
  });
});

describe('probing', () => {
  it('keeps no process alive that has nothing else to do', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const hold = holdfast({ targets: [{ name: 'second', client: new Anthropic({ apiKey: 'test' }) }], probeEveryMs: 60_000 });

    expect(timers()).toBe(before);
    hold.close();
  });
});

describe('a stream whose caller leaves at the very moment it begins', () => {
  it('leaves no timer and no listener, whichever turn that is', async () => {
    for (let turns = 0; turns < 40; turns += 1) {
      const clock = new VirtualClock();
      const { claude, client, hold, close } = await world({ holdfast: { clock } });
      const [caller, scope] = [new AbortController(), new AbortController()];
      const leave = async (): Promise<void> => {
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        caller.abort();
      };
      const fetch = fetchTold(claude, () => void leave());
      const options = { signal: caller.signal, ...callOptions({ deadlineMs: 100_000, requestId: 'left' }) };
      const stream = runInScope({ signal: scope.signal }, () => client.withOptions({ fetch }).messages.stream(request, options));

      await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);

      const left = {
        timers: clock.pending,
        listeners: getEventListeners(scope.signal, 'abort').length,
        result: hold.attempts('left')?.result,
      };
      expect(left, `${turns} turns`).toEqual({ timers: 0, listeners: 0, result: 'aborted' });
      await close();
    }
  });
});

describe('an upstream that says nothing more after its answer, and does not end', () => {
  it.each(['all at once', 'event by event'])('is let go of after a moment when it was sent %s', async (how) => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { clock } });
    claude.script({ cut: { afterBytes: 1_000_000, how: 'stall' }, chunking: how === 'all at once' ? 'whole' : 'event' });

    const { stop_reason: reason } = await clock.until(client.messages.stream(request).finalMessage());
    expect(reason).toBe('end_turn');
    clock.advance(2_000);

    expect(claude.requests[0]?.clientLeft).toBe(true);
    expect(clock.pending).toBe(0);
    await close();
  });
});

describe('growth', () => {
  it('is what is beyond its bound, where none is given above nothing', () => {
    expect(beyond([{ circuits: 256, 'timers of Holdfast': 0 }])).toEqual([]);
    expect(
      beyond([
        { circuits: 3, 'timers of Holdfast': 0 },
        { circuits: 257, 'timers of Holdfast': 1 },
      ]),
    ).toEqual(['circuits', 'timers of Holdfast']);
  });

  it('of memory is the slope of a line through samples, which single ones do not turn', () => {
    const calls = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => n * 1_000);

    const leaking = calls.map((n) => 5_000_000 + n * 40);
    expect(slopeOf(calls, leaking)).toEqual({ middle: 40, low: 40, high: 40 });
    leaking[3] = 20_000_000;
    expect(slopeOf(calls, leaking)).toMatchObject({ middle: 40, low: 40 });
    expect(slopeOf(calls, [5_000_000, 5_090_000, 4_950_000, 5_070_000, 4_980_000, 5_010_000, 5_050_000, 9_000_000]).low).toBeLessThan(0);
  });
});
