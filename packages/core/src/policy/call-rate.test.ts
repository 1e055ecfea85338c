import { describe, expect, it } from 'vitest';
import { CallRate } from './call-rate.ts';

describe('a call rate', () => {
  it('agrees with a plain list of the last ten buckets, in 20,000 random steps', () => {
    let seed = 3;
    const random = (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;
    const rate = new CallRate(1_000);
    let recent: number[] = [];
    // A clock may begin below zero.
    let now = -100_000;
    for (let step = 0; step < 20_000; step += 1) {
      now += Math.floor(random() * (random() < 0.01 ? 3_000 : 40));
      rate.count(now);
      const bucket = Math.floor(now / 100);
      recent = [...recent.filter((each) => each > bucket - 10), bucket];
      if (Math.abs(rate.perMs - recent.length / 1_000) > 1e-12) throw new Error(`step ${step} differs`);
    }
    expect(now).toBeGreaterThan(100_000);
  });

  it('counts to the newest bucket when the clock goes back within the window', () => {
    const rate = new CallRate(1_000);
    rate.count(5_000);
    rate.count(4_100);

    expect(rate.perMs).toBe(0.002);
    rate.count(5_999);
    expect(rate.perMs).toBe(0.003);
  });

  it('begins anew when the clock is set back further: an hour of calls is no ten seconds’ worth', () => {
    const rate = new CallRate(1_000);
    for (const now of [5_000, 5_000, 4_099]) rate.count(now);

    expect(rate.perMs).toBe(0.001);
    rate.count(4_999);
    expect(rate.perMs).toBe(0.002);
    rate.count(5_000);
    expect(rate.perMs).toBe(0.002);
  });

  it('forgets a bucket when ten newer ones have begun, and not a millisecond sooner', () => {
    const rate = new CallRate(1_000);
    for (const now of [0, 0, 100, 999]) rate.count(now);
    expect(rate.perMs).toBe(0.004);
    rate.count(1_000);
    expect(rate.perMs).toBe(0.003);
    rate.count(1_100);
    expect(rate.perMs).toBe(0.003);
  });

  it('forgets everything after a pause', () => {
    const rate = new CallRate(1_000);
    for (let now = 0; now < 1_000; now += 1) rate.count(now);
    rate.count(1e9);

    expect(rate.perMs).toBe(0.001);
  });

  it('is never narrower than ten milliseconds', () => {
    const rate = new CallRate(0);
    rate.count(0);
    rate.count(9);
    expect(rate.perMs).toBe(0.2);
    rate.count(10);
    expect(rate.perMs).toBe(0.2);
  });
});
