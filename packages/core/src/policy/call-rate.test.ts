import { describe, expect, it } from 'vitest';
import { CallRate } from './call-rate.ts';

describe('a call rate', () => {
  it('agrees with a plain list of the last ten buckets, in 20,000 random steps', () => {
    let seed = 3;
    const random = (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;
    const rate = new CallRate(1_000);
    const buckets: number[] = [];
    let now = 0;
    for (let step = 0; step < 20_000; step += 1) {
      now += Math.floor(random() * (random() < 0.01 ? 3_000 : 40));
      rate.count(now);
      const bucket = Math.floor(now / 100);
      buckets.push(bucket);
      const recent = buckets.filter((each) => each > bucket - 10).length;
      if (Math.abs(rate.perMs - recent / 1_000) > 1e-12) throw new Error(`step ${step} differs`);
    }
    expect(buckets).toHaveLength(20_000);
  });

  it('counts to the newest bucket when the clock goes back', () => {
    const rate = new CallRate(1_000);
    rate.count(5_000);
    rate.count(1_000);

    expect(rate.perMs).toBe(0.002);
  });
});
