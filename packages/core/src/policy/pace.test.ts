import { describe, expect, it } from 'vitest';
import { Pace, paceOf, type SlowOptions } from './pace.ts';

/** A pace that knows 24 answers of 500 ms, and a clock that moves a second per answer. */
function known(options: SlowOptions = {}, samples = 24) {
  const changes: boolean[] = [];
  const pace = new Pace(options, (slow) => changes.push(slow));
  let now = 0;
  const add = (ms: number, times = 1): void => {
    for (let i = 0; i < times; i += 1) pace.add(ms, (now += 1_000));
  };
  add(500, samples);
  return { pace, add, changes, isSlow: () => pace.isSlow(now), now: () => now, wait: (ms: number) => (now += ms) };
}

describe('a target is slow', () => {
  it('when its last answers take four times as long as those before', () => {
    const { add, isSlow } = known();
    add(2_000, 4);
    expect(isSlow()).toBe(false);
    add(2_000, 1);
    expect(isSlow()).toBe(true);
  });

  it.each<[string, SlowOptions, number, boolean]>([
    ['not below the factor', {}, 1_900, false],
    ['by a factor of one’s own', { factor: 3.5 }, 1_900, true],
    ['not by less than a second, whatever the factor', { factor: 1.5 }, 1_400, false],
    ['by a second and the factor', { factor: 1.5 }, 1_600, true],
  ])('%s', (_, options, ms, expected) => {
    const { add, isSlow } = known(options);
    add(ms, 8);
    expect(isSlow()).toBe(expected);
  });

  it('not before enough is known of it', () => {
    const few = known({}, 15);
    few.add(5_000, 8);
    expect(few.isSlow()).toBe(false);
    const fewer = known({ minimumSamples: 8 }, 15);
    fewer.add(5_000, 8);
    expect(fewer.isSlow()).toBe(true);
  });

  it('not for single slow answers, however slow', () => {
    const { add, isSlow } = known();
    for (let i = 0; i < 100; i += 1) {
      add(60_000, 1);
      add(500, 2);
      expect(isSlow()).toBe(false);
    }
  });

  it('not when it slows down gradually: the usual follows', () => {
    const { add, changes } = known();
    for (let ms = 500; ms < 5_000; ms *= 1.05) add(ms, 8);
    expect(changes).toEqual([]);
  });
});

describe('a slow target', () => {
  it('is quick again after three quick answers in a row, and slow again only after a full set of slow ones', () => {
    const { add, isSlow, changes } = known();
    add(3_000, 8);
    add(500, 2);
    add(1_500);
    add(900, 2);
    expect(isSlow()).toBe(true);
    add(900);
    expect(isSlow()).toBe(false);
    add(3_000, 8);
    expect(isSlow()).toBe(false);
    add(3_000);
    expect(isSlow()).toBe(true);
    expect(changes).toEqual([true, false, true]);
  });

  it('does not make slow answers its standard, but after ten minutes learns anew', () => {
    const { add, isSlow, wait } = known();
    add(3_000, 100);
    expect(isSlow()).toBe(true);
    wait(600_000);
    expect(isSlow()).toBe(false);
    add(3_000, 100);
    expect(isSlow()).toBe(false);
  });

  it('gets one call in ten at most, and one in five seconds', () => {
    const { pace, add, now, wait } = known();
    add(3_000, 8);
    const looks = (calls: number): number => Array.from({ length: calls }, () => pace.takeLook(now())).filter(Boolean).length;

    expect(looks(1_000)).toBe(0);
    wait(5_000);
    expect(looks(1)).toBe(1);
    expect(looks(9)).toBe(0);
    wait(4_999);
    expect(looks(1)).toBe(0);
    wait(1);
    expect(looks(1)).toBe(1);
    wait(60_000);
    expect(looks(9)).toBe(0);
  });

  it('that falls back within a minute is looked at half as often each time', () => {
    const { pace, add, now, wait } = known();
    const untilLook = (): number => {
      for (let ms = 0; ; ms += 1_000) {
        for (let call = 0; call < 10; call += 1) if (pace.takeLook(now())) return ms;
        wait(1_000);
      }
    };
    const waits: number[] = [];
    for (let relapse = 0; relapse < 6; relapse += 1) {
      for (let slow = pace.isSlow(now()); !slow; slow = pace.isSlow(now())) add(3_000);
      waits.push(untilLook());
      add(500, 3);
    }

    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 80_000]);
  });
});

it('ignores what is no time', () => {
  const { add, isSlow } = known();
  for (const ms of [NaN, Infinity, -1]) add(ms, 20);
  expect(isSlow()).toBe(false);
});

it('a long answer is no slow one', () => {
  const write = (tokens: number): number => 1_000 + tokens * 15;

  expect(paceOf(write(4_000), 4_000)).toBeLessThan(1.1 * paceOf(write(10), 10));
  expect(paceOf(1_000, 0)).toBe(1_000);
});
