import { expect, it } from 'vitest';
import { AnswerLog } from '../src/index.ts';

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
