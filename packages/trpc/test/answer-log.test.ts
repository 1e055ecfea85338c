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

it('an answer that begins is not the one to go when all others are being read', async () => {
  const log = new AnswerLog<string>({ maxAnswers: 1 });
  const words = async function* (signal: AbortSignal): AsyncGenerator<string> {
    yield 'word';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
  log.begin('first', words);
  const first = log.read('first', 0);
  await first.next();
  log.begin('second', words);

  expect(await log.read('second', 0).next()).toMatchObject({ value: [1, 'word'] });
  log.close();
});
