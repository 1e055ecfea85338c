import { describe, expect, it } from 'vitest';
import { breakerPresets, type BreakerOptions } from './breaker-options.ts';
import { Credit } from './credit.ts';

function credit(options: BreakerOptions = {}) {
  const made = new Credit({ ...breakerPresets.default, ...options } as ConstructorParameters<typeof Credit>[0]);
  return {
    made,
    /** `s` a success, `f` a failure, `w` a weak one: the number of outcomes until it is spent, or null. */
    walk(outcomes: string, from = 0, everyMs = 1_000): number | null {
      for (const [index, outcome] of [...outcomes].entries()) {
        const now = from + index * everyMs;
        if (outcome === 's') made.succeeded(now);
        else made.failed(now, outcome === 'f' ? 1 : 0.5);
        if (made.isSpent) return index + 1;
      }
      return null;
    },
  };
}

describe('the credit of a circuit', () => {
  it.each([
    ['fffff', 5],
    ['ffff', null],
    ['wwwwwwwwww', 10],
    ['fsfsfsfsfsfsfsfsfsfsfs', null],
    ['ffsffsffsffsff', 11],
    ['ffffsssssffff', null],
    ['ffffsssfsf', null],
  ])('at %s is spent after: %s', (outcomes, spent) => {
    expect(credit().walk(outcomes)).toBe(spent);
  });

  it.each([
    [0.25, 'fsss', 'ffss'],
    [0.5, 'fs', 'ffs'],
    [0.8, 'ffffs', 'fffffs'],
  ])('breaks even at a failure rate of %s', (failureRate, even, worse) => {
    // A little earnt first: three times 1/3 is less than 1.
    expect(credit({ failureRate }).walk(even.repeat(1_000))).toBeNull();
    expect(credit({ failureRate }).walk(worse.repeat(1_000))).not.toBeNull();
  });

  it('is never spent where no rate opens the circuit', () => {
    expect(credit({ failureRate: 1 }).walk('f'.repeat(100))).toBeNull();
    expect(credit(breakerPresets.classic).walk('f'.repeat(100))).toBeNull();
  });

  it('grows with the calls that come, to two seconds’ worth of them', () => {
    const busy = credit();
    busy.walk('s'.repeat(1_000), 0, 10);

    expect(busy.walk('f'.repeat(1_000), 10_000, 10)).toBe(200);
  });

  it('takes back what a success earned that was none', () => {
    const it = credit();
    it.walk('ffffs');
    it.made.takeBack(it.made.succeeded(8_000));
    it.made.failed(9_000, 1);
    expect(it.made.isSpent).toBe(false);
    it.made.failed(9_000, 1);

    expect(it.made.isSpent).toBe(true);
  });

  it('says what a success earned: nothing where nothing was spent', () => {
    const it = credit();

    expect(it.made.succeeded(0)).toBe(0);
    it.walk('w');
    expect(it.made.succeeded(0)).toBe(0.5);
    it.walk('ff');
    expect(it.made.succeeded(0)).toBe(1);
  });

  it('earns and spends nothing where no rate opens the circuit', () => {
    for (const options of [{ failureRate: 1 }, { minimumFailures: Infinity }, breakerPresets.classic]) {
      const { made } = credit(options);
      made.failed(0, 1);

      expect(made.succeeded(0)).toBe(0);
    }
  });

  it('believes a fifth of what it believed when the circuit comes back, and all of it once it has been well', () => {
    const returned = credit();
    returned.walk('fffff');
    returned.made.opened();
    returned.made.returned();
    expect(returned.walk('w', 9_000)).toBeNull();
    expect(returned.walk('w', 10_000)).toBe(1);

    returned.made.returned();
    expect(returned.walk('ssss', 20_000)).toBeNull();
    expect(returned.walk('ffff', 30_000)).toBeNull();
    expect(returned.walk('f', 40_000)).toBe(1);
  });

  it('remembers through the trouble how many calls came before it, and forgets once it has been well', () => {
    const busy = credit();
    busy.walk('s'.repeat(1_000), 0, 10);
    expect(busy.made.intervalMs).toBeCloseTo(10, 6);

    busy.made.opened();
    busy.walk('f', 60_000);
    expect(busy.made.intervalMs).toBeCloseTo(10, 6);
    busy.made.opened();
    expect(busy.made.intervalMs).toBeCloseTo(10, 6);

    busy.made.returned();
    busy.walk('s'.repeat(250), 70_000);
    expect(busy.made.intervalMs).toBeGreaterThan(500);
  });

  it('forgets how many calls came when the last of the credit is back, and not before', () => {
    const quiet = credit();
    quiet.walk('s'.repeat(100), 0, 500);
    quiet.made.opened();
    quiet.made.returned();
    quiet.walk('sss', 100_000);
    expect(quiet.made.intervalMs).toBe(500);
    quiet.walk('s', 103_000);

    expect(quiet.made.intervalMs).toBe(2_500);
  });

  it('forgets how many calls came with the first answer where no rate opens the circuit', () => {
    const busy = credit({ failureRate: 1 });
    busy.walk('s'.repeat(1_000), 0, 10);
    busy.made.opened();
    busy.made.returned();
    busy.walk('f', 60_000);
    expect(busy.made.intervalMs).toBeCloseTo(10, 6);
    busy.walk('s', 70_000);

    expect(busy.made.intervalMs).toBe(10_000);
  });

  it('knows no interval before the first call', () => {
    expect(credit().made.intervalMs).toBe(Infinity);
  });
});
