// A target that answers, but slowly by its own standards.

import { describe, expect, it } from 'vitest';
import type { HoldfastOptions } from '../src/index.ts';
import { request } from './world.ts';
import { twoTargets, type TwoTargets } from './two-targets.ts';

const modes = ['create', 'stream'] as const;
/** Milliseconds. Whole answers take as long as they are long. */
const usualMs = { create: 4_000, stream: 500 };
const slowMs = { create: 30_000, stream: 5_000 };

/** Makes `count` calls, one a second; returns which target answered each, and why it was asked. */
async function ask({ clock, client, hold }: TwoTargets, count: number, mode: (typeof modes)[number] = 'stream'): Promise<string[]> {
  const answers: string[] = [];
  for (let call = 0; call < count; call += 1) {
    const message = await clock.until(mode === 'stream' ? client.messages.stream(request).finalMessage() : client.messages.create(request));
    const last = hold.attempts(message)?.attempts.at(-1);
    answers.push(`${last?.target} ${last?.why}`);
    clock.advance(1_000);
  }
  return answers;
}

/** The primary has answered 24 calls in its usual time. */
async function settled(options: HoldfastOptions = {}, mode: (typeof modes)[number] = 'stream'): Promise<TwoTargets> {
  const two = await twoTargets(options);
  two.primary.delayMs = usualMs[mode];
  two.second.delayMs = usualMs[mode];
  await ask(two, 24, mode);
  return two;
}

describe.each(modes)('a slow first target (%s)', (mode) => {
  it('is passed over, looked at now and then, and used again when it is quick', async () => {
    const two = await settled({}, mode);
    two.primary.delayMs = slowMs[mode];
    const noticing = await ask(two, 8, mode);
    const meanwhile = await ask(two, 30, mode);

    expect(noticing.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'primary order'));
    expect(new Set(meanwhile)).toEqual(new Set(['second quicker', 'primary look']));
    expect(meanwhile.filter((answer) => answer === 'primary look').length).toBeLessThanOrEqual(3);

    two.primary.delayMs = usualMs[mode];
    const returning = await ask(two, 60, mode);
    expect(returning.slice(-20)).toEqual(Array.from({ length: 20 }, () => 'primary order'));
    // It goes back once, and not before three looks found it quick.
    const back = returning.indexOf('primary order');
    expect(returning.slice(0, back).filter((answer) => answer === 'primary look')).toHaveLength(3);
    expect(new Set(returning.slice(back))).toEqual(new Set(['primary order']));
    expect(two.events.filter(({ type }) => type === 'target-pace-changed')).toMatchObject([
      { target: 'primary', slow: true, usualMs: expect.any(Number) },
      { target: 'primary', slow: false },
    ]);
    await two.close();
  });
});

it('what is slow, how much must be known and how often is looked can be said', async () => {
  const two = await twoTargets({ slow: { factor: 2.5, minimumSamples: 8, lookEveryMs: 30_000 } });
  two.primary.delayMs = 1_000;
  await ask(two, 16);
  two.primary.delayMs = 2_600;
  await ask(two, 8);

  // A question a second, and a look at the first target every 30.
  const meanwhile = await ask(two, 90);
  expect(new Set(meanwhile)).toEqual(new Set(['second quicker', 'primary look']));
  expect(meanwhile.filter((answer) => answer === 'primary look')).toHaveLength(3);
  await two.close();
});

it('health names the models that are slow', async () => {
  const two = await settled();
  two.primary.delayMs = slowMs.stream;
  await ask(two, 8);

  expect(two.hold.health().targets.map(({ slow }) => slow)).toEqual([[request.model], []]);
  await two.close();
});

it('slow is judged by model and by form: others are not passed over', async () => {
  const two = await settled();
  two.primary.delayMs = slowMs.stream;
  await ask(two, 8);

  expect(await ask(two, 1, 'create')).toEqual(['primary order']);
  expect(await ask(two, 1, 'stream')).toEqual(['second quicker']);
  await two.close();
});

describe('time plays no part', () => {
  const stays = async (two: TwoTargets): Promise<void> => {
    two.primary.delayMs = slowMs.stream;
    expect(new Set(await ask(two, 40))).toEqual(new Set(['primary order']));
    await two.close();
  };
  it('when it is switched off', async () => stays(await settled({ slow: false })));
  it('with one target', async () => stays(await settled({ targets: [] })));
  it('when the other target is outside the fence', async () => stays(await settled({ primary: { geo: 'us' }, fence: { geo: ['us'] } })));
});

it('a slow target is better than one that is ill', async () => {
  const two = await settled();
  two.primary.delayMs = slowMs.stream;
  await ask(two, 8);
  two.second.claude.always('server-error');

  expect(new Set((await ask(two, 10)).map((answer) => answer.split(' ')[0]))).toEqual(new Set(['primary']));
  await two.close();
});
