import { VirtualClock } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { Splice } from '../stream/splice.ts';
import { blockStart, blockStop, bytesOf, messageDelta, messageStart, messageStop, ping, text } from '../stream/testing/wire.ts';
import { heal, type StreamOwner } from './heal.ts';

const quiet: StreamOwner = {
  onBreak: () => Promise.resolve({ type: 'finished' }),
  onDone() {},
  onLeave() {},
  onProgress() {},
};

/** A healed body whose upstream gives what it is told to, and never ends by itself. */
function healed(overrides: Partial<StreamOwner> = {}, prelude = '') {
  const clock = new VirtualClock(0);
  let upstream!: ReadableStreamDefaultController<Uint8Array>;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => void (upstream = controller),
    cancel: () => void (cancelled = true),
  });
  const done: boolean[] = [];
  const result = heal({
    splice: new Splice({ tools: 'message', liveThinking: false, holdAll: false, stopSequences: [], strict: true }),
    source: { prelude: [bytesOf(prelude)], reader: body.getReader(), abort() {}, idleMs: 60_000, watched: true },
    owner: { ...quiet, onDone: (surfaced) => void done.push(surfaced), ...overrides },
    clock,
  });
  const send = (...events: string[]): void => upstream.enqueue(bytesOf(...events));
  return { clock, send, upstream, done, iterator: result.body[Symbol.asyncIterator](), ...result, isCancelled: () => cancelled };
}

const begun = [messageStart(), blockStart(0), text(0, 'Hi')].join('');
const thrower = () => {
  throw new Error('the owner');
};

describe('a healed body', () => {
  it('ends a second after the stop reason, though the upstream goes on with pings and never ends', async () => {
    const { clock, send, iterator, done, isCancelled } = healed({}, begun);
    await iterator.next();
    send(blockStop(0), messageDelta());
    const last = (async () => {
      let got = '';
      for (let step = await iterator.next(); !step.done; step = await iterator.next()) got += new TextDecoder().decode(step.value);
      return got;
    })();
    for (let at = 0; at < 9; at += 1) {
      await clock.advanceAsync(100);
      send(ping);
    }
    expect(done).toEqual([]);

    await clock.advanceAsync(200);

    expect((await last).replaceAll(ping, '')).toBe(blockStop(0) + messageDelta() + messageStop);
    expect([done, isCancelled(), clock.pending]).toEqual([[false], true, 0]);
  });

  it('lets go of a connection that is kept open, or only pinged, after the last event', async () => {
    const { clock, send, iterator, done, isCancelled } = healed({}, begun + blockStop(0) + messageDelta() + messageStop);
    while (!(await iterator.next()).done);
    expect([done, isCancelled()]).toEqual([[false], false]);
    for (let at = 0; at < 5; at += 1) {
      await clock.advanceAsync(250);
      if (!isCancelled()) send(ping);
    }

    await clock.advanceAsync(125);

    expect([isCancelled(), clock.pending]).toEqual([true, 0]);
  });

  it.each<[string, Partial<StreamOwner>]>([
    ['onBreak throws', { onBreak: thrower }],
    ['onBreak rejects', { onBreak: () => Promise.reject(new Error('the owner')) }],
    ['onProgress throws', { onProgress: thrower }],
    ['onBreak and onDone throw', { onBreak: thrower, onDone: thrower }],
  ])('rejects the read that waits when %s', async (_, overrides) => {
    const { iterator, upstream, clock } = healed(overrides, '');
    const read = (async () => {
      for (let step = await iterator.next(); !step.done; step = await iterator.next());
    })();
    upstream.enqueue(bytesOf(begun));
    upstream.close();

    await expect(read).rejects.toThrow('the owner');
    expect([await iterator.next(), clock.pending]).toEqual([{ done: true, value: undefined }, 0]);
  });

  it('rejects the last read when onDone throws, and the next one ends', async () => {
    const { iterator, send } = healed({ onDone: thrower }, begun);
    await iterator.next();
    const read = iterator.next();
    send(blockStop(0), messageDelta(), messageStop);

    await expect(read).rejects.toThrow('the owner');
  });

  it('tells the next read what the owner threw while nobody read', async () => {
    const { iterator, interrupt } = healed({ onBreak: thrower }, begun);
    await iterator.next();
    interrupt();
    await Promise.resolve();

    await expect(iterator.next()).rejects.toThrow('the owner');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('hands an owner that throws when the reader leaves to nobody', () => {
    const { leave } = healed({ onLeave: thrower }, begun);

    expect(leave).not.toThrow();
  });
});
