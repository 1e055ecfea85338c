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
    ['by the factor itself', {}, 2_000, true],
    ['by a second itself', { factor: 1.5 }, 1_500, true],
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
    const enough = known({}, 16);
    enough.add(5_000, 8);
    expect(enough.isSlow()).toBe(true);
    const fewer = known({ minimumSamples: 8 }, 15);
    fewer.add(5_000, 8);
    expect(fewer.isSlow()).toBe(true);
  });

  it('compared with the 64 answers before, no fewer and no more', () => {
    const { add, isSlow } = known({ factor: 10 }, 37);
    add(3_000, 35);
    // 32 of 500 and 32 of 3000 are left when the fifth comes: with one of 500 fewer, 3000 is the usual.
    add(5_000, 4);
    expect(isSlow()).toBe(false);
    add(5_000);
    expect(isSlow()).toBe(true);

    const later = known({ factor: 10 }, 36);
    later.add(3_000, 36);
    later.add(5_000, 8);
    expect(later.isSlow()).toBe(false);
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

  it.each<[what: string, usual: number, factor: number, slow: number, ms: number, expected: boolean]>([
    ['within half of the factor', 5_000, 4, 20_000, 9_999, true],
    ['not at half of the factor', 5_000, 4, 20_000, 10_000, false],
    ['within half a second', 2_000, 1.5, 4_000, 2_499, true],
    ['not half a second later', 2_000, 1.5, 4_000, 2_500, false],
  ])('is quick again %s', (_, usual, factor, slow, ms, expected) => {
    const { add, isSlow } = known({ factor }, 0);
    add(usual, 24);
    add(slow, 8);
    expect(isSlow()).toBe(true);
    add(ms, 3);

    expect(isSlow()).toBe(!expected);
  });

  it('does not make slow answers its standard, but after ten minutes learns anew', () => {
    const { add, isSlow, wait, changes } = known();
    add(3_000, 5);
    expect(isSlow()).toBe(true);
    add(3_000, 95);
    wait(600_000 - 95_000 - 1);
    expect(isSlow()).toBe(true);
    wait(1);
    expect(isSlow()).toBe(false);
    add(3_000, 100);
    expect(isSlow()).toBe(false);
    expect(changes).toEqual([true, false]);
  });

  it('that was forgotten must be known as well as a new one before it is slow again', () => {
    const { add, isSlow, wait } = known();
    add(3_000, 8);
    wait(600_000);
    add(500, 16);
    add(5_000, 7);
    expect(isSlow()).toBe(false);
    add(5_000);
    expect(isSlow()).toBe(true);
  });

  it('is forgotten when the clock is set back: nobody knows how long it has been slow', () => {
    const { add, isSlow, wait } = known();
    add(3_000, 5);
    wait(-1);
    expect(isSlow()).toBe(false);
  });

  it('needs nobody who listens', () => {
    const pace = new Pace();
    for (let now = 0; now < 33; now += 1) pace.add(now < 24 ? 500 : 5_000, now);
    expect(pace.isSlow(33)).toBe(true);
    for (let now = 33; now < 36; now += 1) pace.add(500, now);
    expect(pace.isSlow(36)).toBe(false);
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
    expect(looks(1)).toBe(1);
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

  it.each([
    [59_999, 10_000],
    [60_000, 5_000],
  ])('that falls back after %d ms is looked at after %d ms', (calmMs, lookMs) => {
    const { pace, add, isSlow, now, wait } = known();
    add(3_000, 8);
    add(500, 3);
    // The ninth slow answer is the one that makes it slow.
    wait(calmMs - 9_000);
    add(3_000, 9);
    expect(isSlow()).toBe(true);
    const looks = (): number => Array.from({ length: 10 }, () => pace.takeLook(now())).filter(Boolean).length;

    wait(lookMs - 1);
    expect(looks()).toBe(0);
    wait(1);
    expect(looks()).toBe(1);
  });
});

describe('a target that is not slow', () => {
  it('needs no look', () => {
    expect(known().pace.takeLook(1e9)).toBe(false);
  });
});

it.each([NaN, Infinity, -1])('%d is no time, and does not count', (ms) => {
  const { add, isSlow } = known({}, 16);
  add(ms, 8);
  add(5_000, 7);
  expect(isSlow()).toBe(false);
  add(5_000);
  expect(isSlow()).toBe(true);
});

it('no time at all is one', () => {
  const { add, isSlow } = known({}, 0);
  add(0, 16);
  add(5_000, 8);
  expect(isSlow()).toBe(true);
});

it('a long answer is no slow one', () => {
  const write = (tokens: number): number => 1_000 + tokens * 15;

  expect(paceOf(write(4_000), 4_000)).toBeLessThan(1.1 * paceOf(write(10), 10));
  expect(paceOf(1_000, 0)).toBe(1_000);
  expect(paceOf(2_000, 64)).toBe(1_000);
});
