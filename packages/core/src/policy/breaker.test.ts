import { describe, expect, it } from 'vitest';
import { Breaker, breakerPresets, type BreakerOptions, type Permit } from './breaker.ts';
import type { CountsAs } from './verdict.ts';

const half = (): number => 0.5;

function breaker(options: BreakerOptions = {}) {
  const changes: string[] = [];
  const made = new Breaker({ rampMs: 0, ...options }, (from, to) => changes.push(`${from}>${to}`));
  let now = 1_000_000;
  const admit = (): Permit | null => {
    const permit = made.admit(now, half);
    return permit.admitted ? permit : null;
  };
  return {
    made,
    changes,
    admit,
    pass(ms: number) {
      now += ms;
    },
    get now() {
      return now;
    },
    report(permit: Permit | null, countsAs: CountsAs, answered = false) {
      if (permit) made.settle(permit, countsAs, now, half, answered);
    },
    call(countsAs: CountsAs): boolean {
      const permit = admit();
      if (permit) made.settle(permit, countsAs, now, half);
      return permit !== null;
    },
    answering: (permit: Permit) => made.answering(permit, now),
    state: () => made.stateAt(now),
  };
}

describe('a closed circuit', () => {
  it('opens at five failures that are half of the window, and not at four', () => {
    const it = breaker();
    for (let i = 0; i < 4; i += 1) it.call('failure');
    expect(it.state()).toBe('closed');

    it.call('failure');

    expect(it.state()).toBe('open');
    expect(it.call('success')).toBe(false);
  });

  it('stays closed when failures are fewer than half', () => {
    const it = breaker();
    for (let i = 0; i < 100; i += 1) it.call(i % 3 === 0 ? 'failure' : 'success');

    expect(it.state()).toBe('closed');
  });

  it('opens after a run that no chance explains, whatever came before', () => {
    const it = breaker();
    for (let i = 0; i < 1_000; i += 1) it.call('success');
    for (let i = 0; i < 11; i += 1) it.call('failure');
    expect(it.state()).toBe('closed');

    it.call('failure');

    expect(it.state()).toBe('open');
  });

  it('opens after three failures in a row when nothing has answered for three seconds, and not sooner', () => {
    const soon = breaker();
    const late = breaker();
    for (const it of [soon, late]) for (let i = 0; i < 20; i += 1) it.call('success');
    for (const wait of [0, 1_000, 1_900]) {
      soon.pass(wait);
      soon.call('failure');
    }
    for (const wait of [0, 1_000, 2_000]) {
      late.pass(wait);
      late.call('failure');
    }

    expect([soon.state(), late.state()]).toEqual(['closed', 'open']);
  });

  it('takes a stream that begins to answer for the end of a run of failures', () => {
    const it = breaker({ minimumFailures: 100, consecutiveFailures: 4, sustainedFailures: 100 });
    for (let i = 0; i < 20; i += 1) {
      it.answering(it.admit() as Permit);
      for (let failed = 0; failed < 3; failed += 1) it.call('failure');
    }
    expect(it.state()).toBe('closed');

    it.call('failure');

    expect(it.state()).toBe('open');
  });

  it('forgets failures older than its window', () => {
    const it = breaker({ windowMs: 10_000 });
    for (let i = 0; i < 4; i += 1) it.call('failure');
    it.pass(11_000);
    it.call('failure');

    expect(it.state()).toBe('closed');
  });

  it('counts weak failures half and neutral or throttled ones not at all', () => {
    const it = breaker();
    for (let i = 0; i < 50; i += 1) it.call(i % 2 ? 'neutral' : 'throttled');
    for (let i = 0; i < 9; i += 1) it.call('weak');
    expect(it.state()).toBe('closed');

    it.call('weak');

    expect(it.state()).toBe('open');
  });

  it('takes a stream that began to answer and died for a failure', () => {
    const it = breaker();
    for (let i = 0; i < 5; i += 1) {
      const permit = it.admit() as Permit;
      it.answering(permit);
      it.report(permit, 'failure', true);
    }

    expect(it.state()).toBe('open');
  });

  it('has one permit for everybody, so that admitting costs nothing', () => {
    const it = breaker();

    expect(it.made.isClosed).toBe(true);
    expect(it.admit()).toBe(it.admit());
    expect(it.made.admitClosed()).toBe(it.admit());
  });
});

describe('an open circuit', () => {
  it('refuses until its time has passed, and says how long that is', () => {
    const it = breaker({ openMs: 1_000 });
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(400);

    expect(it.made.admit(it.now, half)).toEqual({ admitted: false, retryAfterMs: 600 });
    it.pass(600);
    expect(it.state()).toBe('half-open');
  });

  it('stays open longer each time a probe fails, up to its limit, and starts over once closed', () => {
    const it = breaker({ openMs: 1_000, maxOpenMs: 3_000 });
    for (let i = 0; i < 5; i += 1) it.call('failure');
    const lengths: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const refusal = it.made.admit(it.now, half);
      lengths.push(refusal.admitted ? 0 : refusal.retryAfterMs);
      it.pass(lengths.at(-1) as number);
      it.call('failure');
    }
    expect(lengths).toEqual([1_000, 2_000, 3_000, 3_000]);

    it.pass(3_000);
    it.call('success');
    it.call('success');
    for (let i = 0; i < 5; i += 1) it.call('failure');
    expect(it.made.admit(it.now, half)).toMatchObject({ retryAfterMs: 1_000 });
  });

  it('stays open for as long as it has been failing, up to its limit', () => {
    const lengths = [1_000, 2_500, 60_000].map((failingMs) => {
      const it = breaker({ openMs: 500, maxOpenMs: 4_000, consecutiveFailures: 2 });
      it.call('failure');
      it.pass(failingMs);
      it.call('failure');
      return it.made.admit(it.now, half);
    });

    expect(lengths.map((refusal) => !refusal.admitted && refusal.retryAfterMs)).toEqual([1_000, 2_500, 4_000]);
  });

  it('takes an answer to a probe for the end of the failing', () => {
    const it = breaker({ openMs: 500, maxOpenMs: 60_000 });
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(10_000);
    it.call('success');
    it.call('failure');

    expect(it.made.admit(it.now, half)).toMatchObject({ retryAfterMs: 1_000 });
  });

  it('stays open at least as long as it is told, whatever its limit', () => {
    const it = breaker({ openMs: 60_000 });
    for (let i = 0; i < 5; i += 1) it.call('failure');

    expect(it.made.admit(it.now, half)).toMatchObject({ retryAfterMs: 60_000 });
  });

  it('is spread by its jitter', () => {
    for (const [random, expected] of [
      [0, 800],
      [0.5, 1_000],
      [1, 1_200],
    ] as const) {
      const it = new Breaker({ openMs: 1_000, jitter: 0.2 });
      for (let i = 0; i < 5; i += 1) it.settle(it.admitClosed(), 'failure', 0, () => random);
      expect(it.admit(0, half)).toMatchObject({ retryAfterMs: expect.closeTo(expected, 6) as number });
    }
  });

  it('lets probes go at once when something else found the target well', () => {
    const it = breaker({ openMs: 60_000, maxOpenMs: 60_000 });
    for (let i = 0; i < 5; i += 1) it.call('failure');

    it.made.halfOpen();

    expect(it.call('success')).toBe(true);
  });
});

describe('a half-open circuit', () => {
  const halfOpen = (options: BreakerOptions = {}) => {
    const it = breaker(options);
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(10_000);
    return it;
  };

  it('lets one probe through, whoever else asks', () => {
    const it = halfOpen();
    const admitted = Array.from({ length: 1_000 }, () => it.admit()).filter((permit) => permit !== null);

    expect(admitted).toHaveLength(1);
  });

  it('lets a few more through beside a probe that takes its time, one after the other', () => {
    const it = halfOpen();
    const admitted = Array.from({ length: 100 }, () => {
      const permit = it.admit();
      it.pass(5);
      return permit !== null;
    });

    expect(admitted.flatMap((yes, index) => (yes ? [index * 5] : []))).toEqual([0, 10, 20]);
  });

  it('closes after two successes', () => {
    const it = halfOpen();
    it.call('success');
    expect(it.state()).toBe('half-open');

    it.call('success');

    expect(it.state()).toBe('closed');
    expect(it.changes).toEqual(['closed>open', 'open>half-open', 'half-open>closed']);
  });

  it('opens again at the first failure', () => {
    const it = halfOpen();
    it.call('success');
    it.call('failure');

    expect(it.state()).toBe('open');
  });

  it.each(['neutral', 'throttled'] as const)('gives the place of a %s probe back', (countsAs) => {
    const it = halfOpen();
    for (let i = 0; i < 100; i += 1) expect(it.call(countsAs)).toBe(true);

    expect(it.state()).toBe('half-open');
  });

  it('gives the place of a probe back that never reports', () => {
    const it = halfOpen({ leaseMs: 5_000 });
    it.admit();
    expect(it.admit()).toBeNull();
    expect(it.made.wouldAdmit(it.now)).toBe(false);

    it.pass(5_000);

    expect(it.made.wouldAdmit(it.now)).toBe(true);
    expect(it.admit()).not.toBeNull();
  });

  it('trusts a stream that begins to answer, without waiting for its end', () => {
    const it = halfOpen();
    for (let i = 0; i < 2; i += 1) it.answering(it.admit() as Permit);

    expect(it.state()).toBe('closed');
  });

  it('is not moved by a result of an earlier era', () => {
    const it = breaker();
    const early = it.admit();
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(10_000);
    const probe = it.admit();

    it.report(early, 'failure');
    it.report(early, 'success');
    expect(it.state()).toBe('half-open');
    it.report(probe, 'success');
    it.call('success');
    it.report(early, 'failure');
    expect(it.state()).toBe('closed');
  });
});

describe('the ramp', () => {
  it('admits a quarter of the traffic right after closing, and all of it when its time has passed', () => {
    const it = new Breaker({ rampMs: 1_000, successes: 1, openMs: 100, jitter: 0 });
    for (let i = 0; i < 5; i += 1) it.settle(it.admitClosed(), 'failure', 0, half);
    it.settle(it.admit(200, half) as Permit, 'success', 200, half);
    const share = (now: number): number =>
      Array.from({ length: 1_000 }, (_, i) => it.admit(now, () => i / 1_000).admitted).filter(Boolean).length;

    expect([share(200), share(700), share(1_199)].map((n) => Math.round(n / 10))).toEqual([25, 63, 100]);
    expect(it.isClosed).toBe(false);
    expect(share(1_200)).toBe(1_000);
    expect(it.isClosed).toBe(true);
  });
});

describe('the classic preset', () => {
  it('opens after five failures in a row, stays open for 60 s, and closes after two successes', () => {
    const it = breaker({ ...breakerPresets.classic });
    for (let i = 0; i < 30; i += 1) it.call(i % 5 === 4 ? 'success' : 'failure');
    expect(it.state()).toBe('closed');
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(59_999);
    expect(it.call('success')).toBe(false);
    it.pass(1);
    it.call('success');
    it.call('success');

    expect(it.state()).toBe('closed');
  });
});

describe('random walks', () => {
  it('hold what must hold, in 200,000 steps', () => {
    let seed = 7;
    const random = (): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed / 4_294_967_296;
    };
    const good: CountsAs[] = ['success', 'success', 'success', 'failure', 'throttled', 'neutral'];
    const bad: CountsAs[] = ['failure', 'failure', 'failure', 'weak', 'success', 'neutral'];
    const it = new Breaker({ probes: 2, leaseMs: 700, rampMs: 300, openMs: 200, maxOpenMs: 900 });
    const out: Permit[] = [];
    let now = 0;
    let states = '';
    for (let step = 0; step < 200_000; step += 1) {
      now += Math.floor(random() * 60);
      const before = it.stateAt(now);
      if (random() < 0.55) {
        const would = it.wouldAdmit(now);
        const permit = it.admit(now, random);
        if (permit.admitted) {
          if (!would) throw new Error(`step ${step}: admitted what it would not admit`);
          if (before === 'open') throw new Error(`step ${step}: admitted while open`);
          if (permit.probe !== (before === 'half-open')) throw new Error(`step ${step}: a probe is a permit of a half-open circuit`);
          out.push(permit);
        } else if (!(permit.retryAfterMs >= 0 && permit.retryAfterMs <= 2_000))
          throw new Error(`step ${step}: retry after ${permit.retryAfterMs}`);
      } else if (out.length > 0) {
        const [permit] = out.splice(Math.floor(random() * out.length), 1) as [Permit];
        if (random() < 0.3) it.answering(permit, now);
        else it.settle(permit, (step % 1_000 < 500 ? bad : good)[Math.floor(random() * 6)] as CountsAs, now, random);
      }
      const after = it.stateAt(now);
      if (before !== after) states += `${before}>${after} `;
      if (states.length > 10_000) states = states.slice(-5_000);
      if (/closed>half-open/.test(states)) throw new Error(`step ${step}: a closed circuit cannot be half-open next`);
    }
    expect(states).toMatch(/half-open>closed/);
    expect(states).toMatch(/half-open>open/);
  });
});
