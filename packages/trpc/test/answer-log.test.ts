import { VirtualClock } from '@holdfast/testing';
import { expect, it, vi } from 'vitest';
import { AnswerLog, type AnswerLogOptions } from '../src/index.ts';

/** Timers that keep this process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

it('an answer that is kept for readers who come back does not keep the process alive', async () => {
  const log = new AnswerLog<string>();
  const before = timers();
  log.begin('op', async function* () {
    yield 'word';
  });
  const read: string[] = [];
  for await (const [, event] of log.read('op', 0)) read.push(event);

  expect(read).toEqual(['word']);
  expect(log.size).toBe(1);
  expect(timers()).toBe(before);
  log.close();
});

it('an option given as undefined is not given', async () => {
  const clock = new VirtualClock();
  const none = { lingerMs: undefined, keepMs: undefined, maxAnswers: undefined, maxEvents: undefined } as unknown as AnswerLogOptions;
  const log = new AnswerLog<string>({ ...none, clock });
  log.begin('op', async function* () {
    yield 'word';
  });
  const read: string[] = [];
  for await (const [, event] of log.read('op', 0)) read.push(event);
  clock.advance(59_999);

  expect([read, log.has('op')]).toEqual([['word'], true]);
  log.close();
});

it('an answer whose source fails tells its readers, and does not end the process', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  const log = new AnswerLog<string>();
  log.begin('op', async function* () {
    yield 'word';
    throw new Error('broken');
  });
  const read: string[] = [];
  const reading = (async () => {
    for await (const [, event] of log.read('op', 0)) read.push(event);
  })();

  await expect(reading).rejects.toThrow('broken');
  await new Promise((resolve) => setImmediate(resolve));
  expect(read).toEqual(['word']);
  expect(unhandled).not.toHaveBeenCalled();
  process.off('unhandledRejection', unhandled);
  log.close();
});

/** One word, and then nothing until it is stopped. */
const unfinished = async function* (signal: AbortSignal): AsyncGenerator<string> {
  yield 'word';
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
};

it('never keeps more answers than it may: while all are read, new ones are refused', async () => {
  const log = new AnswerLog<string>({ maxAnswers: 2 });
  const begun = ['a', 'b', 'c'].map((id) => {
    const hasRoom = log.begin(id, unfinished);
    return [hasRoom, hasRoom && log.read(id, 0).next()] as const;
  });

  expect(begun.map(([hasRoom]) => hasRoom)).toEqual([true, true, false]);
  expect([log.size, log.has('c'), await log.read('c', 0).next()]).toEqual([2, false, { done: true, value: undefined }]);
  log.close();
});

it('makes room of finished answers first, then of those nobody reads', async () => {
  const log = new AnswerLog<string>({ maxAnswers: 3 });
  log.begin('read', unfinished);
  await log.read('read', 0).next();
  log.begin('unread', unfinished);
  log.begin('finished', async function* () {});
  for await (const _ of log.read('finished', 0));

  expect(log.begin('one', unfinished)).toBe(true);
  expect(['read', 'unread', 'finished', 'one'].filter((id) => log.has(id))).toEqual(['read', 'unread', 'one']);
  await log.read('one', 0).next();
  expect(log.begin('two', unfinished)).toBe(true);
  expect(['read', 'unread', 'one', 'two'].filter((id) => log.has(id))).toEqual(['read', 'one', 'two']);
  log.close();
});

it('stops an answer that nobody ever comes for', async () => {
  const clock = new VirtualClock();
  const log = new AnswerLog<string>({ clock, lingerMs: 1_000 });
  let stopped = false;
  log.begin('op', async function* (signal) {
    yield* unfinished(signal);
    stopped = true;
  });

  await clock.advanceAsync(999);
  expect([log.has('op'), stopped]).toEqual([true, false]);
  await clock.advanceAsync(1);
  expect([log.has('op'), stopped, clock.pending]).toEqual([false, true, 0]);
});

it('forgets a finished answer in time, however often it was read again', async () => {
  const clock = new VirtualClock();
  const log = new AnswerLog<string>({ clock, keepMs: 1_000 });
  log.begin('op', async function* () {
    yield 'word';
  });
  for (const _ of [1, 2]) for await (const _event of log.read('op', 0));

  await clock.advanceAsync(1_000);
  expect([log.size, clock.pending]).toEqual([0, 0]);
});

it('lets its readers go when it is closed, whatever their answers wait for', async () => {
  const log = new AnswerLog<string>();
  log.begin('op', async function* () {
    yield await new Promise<string>(() => {});
  });
  const reading = log.read('op', 0).next();
  log.close();

  expect(await reading).toEqual({ done: true, value: undefined });
});
