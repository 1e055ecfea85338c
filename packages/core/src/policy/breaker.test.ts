import { describe, expect, it } from 'vitest';
import { breakerPresets, type BreakerOptions } from './breaker-options.ts';
import { Breaker, type Permit } from './breaker.ts';
import type { CountsAs } from './verdict.ts';

const half = (): number => 0.5;

function breaker(options: BreakerOptions = {}) {
  const changes: string[] = [];
  const made = new Breaker({ rampMs: 0, jitter: 0, ...options }, (from, to) => changes.push(`${from}>${to}`));
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
    report(permit: Permit | null, countsAs: CountsAs, earned: number | null = null) {
      if (permit) made.settle(permit, countsAs, now, half, earned);
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
  it('opens when five more failed than its rate allows, and not at four', () => {
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

  it('opens after a run of failures of the length it is told, whatever came before', () => {
    const it = breaker({ consecutiveFailures: 12, minimumFailures: 100 });
    for (let i = 0; i < 1_000; i += 1) it.call('success');
    for (let i = 0; i < 11; i += 1) it.call('failure');
    expect(it.state()).toBe('closed');

    it.call('failure');

    expect(it.state()).toBe('open');
  });

  it('wants two seconds’ worth of proof from a client with many calls', () => {
    const it = breaker({ sustainedFailures: 1_000 });
    const burst = (countsAs: CountsAs, calls: number): void => {
      for (let i = 0; i < calls && it.state() === 'closed'; i += 1) {
        it.pass(10);
        it.call(countsAs);
      }
    };
    burst('success', 1_000);
    burst('failure', 170);
    expect(it.state()).toBe('closed');

    burst('failure', 40);

    expect(it.state()).toBe('open');
  });

  it('opens after three failures in a row when nothing has answered for two seconds, and not sooner', () => {
    const soon = breaker();
    const late = breaker();
    for (const it of [soon, late]) for (let i = 0; i < 20; i += 1) it.call('success');
    for (const wait of [0, 1_000, 900]) {
      soon.pass(wait);
      soon.call('failure');
    }
    for (const wait of [0, 1_000, 1_000]) {
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

  it('counts weak failures half and neutral or throttled ones not at all', () => {
    const it = breaker();
    for (let i = 0; i < 50; i += 1) it.call(i % 2 ? 'neutral' : 'throttled');
    for (let i = 0; i < 9; i += 1) it.call('weak');
    expect(it.state()).toBe('closed');

    it.call('weak');

    expect(it.state()).toBe('open');
  });

  it.each(['failure', 'neutral'] as const)('takes a stream that began to answer and ended as %s for no success', (countsAs) => {
    const it = breaker({ sustainedFailures: 100 });
    for (let i = 0; i < 4; i += 1) it.call('failure');
    const permit = it.admit() as Permit;
    it.report(permit, countsAs, it.answering(permit));
    expect(it.state()).toBe(countsAs === 'failure' ? 'open' : 'closed');

    it.call('failure');

    expect(it.state()).toBe('open');
  });

  it('spends one credit on a stream that broke, also where its beginning earned nothing', () => {
    const it = breaker({ sustainedFailures: 100 });
    for (let i = 0; i < 4; i += 1) {
      const permit = it.admit() as Permit;
      it.report(permit, 'failure', it.answering(permit));
      expect(it.state()).toBe('closed');
      // What a break takes, the next beginning must not give back.
      it.call('neutral');
    }
    const permit = it.admit() as Permit;
    it.report(permit, 'failure', it.answering(permit));

    expect(it.state()).toBe('open');
  });

  it('counts a stream that began to answer and ended well once', () => {
    const it = breaker({ sustainedFailures: 100 });
    for (let i = 0; i < 4; i += 1) it.call('failure');
    const permit = it.admit() as Permit;
    it.report(permit, 'success', it.answering(permit));
    it.call('failure');
    expect(it.state()).toBe('closed');

    it.call('failure');

    expect(it.state()).toBe('open');
  });

  it.each(['neutral', 'throttled'] as const)('takes nothing back for what ended %s before it answered', (countsAs) => {
    const it = breaker({ sustainedFailures: 100 });
    for (let i = 0; i < 20; i += 1) it.call(countsAs);
    for (let i = 0; i < 4; i += 1) it.call('failure');

    expect(it.state()).toBe('closed');
  });

  it('is not half-opened from outside', () => {
    const it = breaker();
    it.made.halfOpen();

    expect(it.state()).toBe('closed');
    expect(it.changes).toEqual([]);
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

    expect(it.made.admit(it.now, half)).toEqual({ admitted: false, retryAfterMs: 600, place: false });
    expect(it.made.isClosed).toBe(false);
    it.pass(599);
    expect(it.made.wouldAdmit(it.now)).toBe(false);
    it.pass(1);
    expect(it.made.wouldAdmit(it.now)).toBe(true);
    expect(it.state()).toBe('half-open');
  });

  it('is not moved by a permit that was taken from it as if it were closed', () => {
    const it = breaker();
    for (let i = 0; i < 5; i += 1) it.call('failure');
    for (let i = 0; i < 5; i += 1) it.report(it.made.admitClosed(), 'failure');

    expect(it.changes).toEqual(['closed>open']);
  });

  it('keeps places in line for those who can wait, the first for the moment when probes may go', () => {
    const it = breaker({ openMs: 1_000 });
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(400);
    const ask = (patienceMs: number) => it.made.admit(it.now, half, { patienceMs });

    expect(ask(500)).toEqual({ admitted: false, retryAfterMs: 600, place: false });
    expect([ask(5_000), ask(5_000)]).toEqual([
      { admitted: false, retryAfterMs: 600, place: true },
      { admitted: false, retryAfterMs: 700, place: true },
    ]);
    expect(ask(600)).toMatchObject({ place: false });
  });

  it('has a new line each time it opens', () => {
    const it = breaker({ openMs: 1_000, maxOpenMs: 1_000 });
    for (let i = 0; i < 5; i += 1) it.call('failure');
    for (let i = 0; i < 20; i += 1) it.made.admit(it.now, half, { patienceMs: 5_000 });
    it.pass(1_000);
    it.call('failure');

    expect(it.made.admit(it.now, half, { patienceMs: 5_000 })).toMatchObject({ retryAfterMs: 1_000, place: true });
  });

  it('stays open no longer than eight calls usually take to come', () => {
    const lengths = [10, 100, 500, 60_000].map((everyMs) => {
      const it = breaker({ openMs: 500, maxOpenMs: 60_000 });
      for (let i = 0; i < 1_000; i += 1) {
        it.pass(everyMs);
        it.call('success');
      }
      for (let i = 0; i < 100_000 && it.state() === 'closed'; i += 1) {
        it.pass(everyMs);
        it.call('failure');
      }
      let lengthMs = 0;
      for (let i = 0; i < 20; i += 1) {
        const refusal = it.made.admit(it.now, half);
        lengthMs = refusal.admitted ? 0 : refusal.retryAfterMs;
        it.pass(lengthMs);
        it.call('failure');
      }
      return Math.round(lengthMs / 100) * 100;
    });

    expect(lengths).toEqual([500, 800, 4_000, 60_000]);
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
    for (let i = 0; i < 3; i += 1) it.call('success');
    it.call('failure');
    expect(it.made.admit(it.now, half)).toMatchObject({ retryAfterMs: 1_000 });
  });

  it('stays open for as long as it has been failing, up to its limit', () => {
    const lengths = [1_000, 2_500, 60_000].map((failingMs) => {
      const it = breaker({ openMs: 500, maxOpenMs: 4_000, consecutiveFailures: 2, callsPerProbe: Infinity });
      it.call('failure');
      it.pass(failingMs);
      it.call('failure');
      return it.made.admit(it.now, half);
    });

    expect(lengths.map((refusal) => !refusal.admitted && refusal.retryAfterMs)).toEqual([1_000, 2_500, 4_000]);
  });

  it('remembers how many calls come usually when it opens again soon', () => {
    const it = breaker({ openMs: 100, maxOpenMs: 60_000 });
    for (let i = 0; i < 200; i += 1) {
      it.pass(100);
      it.call(i < 150 ? 'success' : 'failure');
    }
    it.pass(60_000);
    for (let i = 0; i < 3; i += 1) it.call('success');
    for (let i = 0; i < 3; i += 1) it.call('failure');
    expect(it.state()).toBe('closed');
    const lengths = Array.from({ length: 6 }, () => {
      it.call('failure');
      const refusal = it.made.admit(it.now, half);
      const lengthMs = refusal.admitted ? 0 : refusal.retryAfterMs;
      it.pass(lengthMs);
      return Math.round(lengthMs);
    });

    expect(lengths).toEqual([100, 200, 400, 800, 800, 800]);
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

  it('stays open for its least time after weak failures, of which none says how long it has been failing', () => {
    const it = breaker({ openMs: 500, maxOpenMs: 60_000, callsPerProbe: Infinity });
    for (let i = 0; i < 10; i += 1) it.call('weak');

    expect(it.made.admit(it.now, half)).toMatchObject({ retryAfterMs: 500 });
  });

  it('is shortened by its jitter', () => {
    for (const [random, expected] of [
      [0, 1_000],
      [0.5, 900],
      [1, 800],
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

  it('lets as many probes go at a time as it is told', () => {
    const it = halfOpen({ probes: 3 });
    const admitted = Array.from({ length: 1_000 }, () => it.admit()).filter((permit) => permit !== null);

    expect(admitted).toHaveLength(3);
  });

  it('has whoever can wait look again in a moment while a probe is under way, one after the other', () => {
    const it = halfOpen();
    it.admit();

    expect([0, 5_000, 5_000].map((patienceMs) => it.made.admit(it.now, half, { patienceMs }))).toEqual([
      { admitted: false, retryAfterMs: 200, place: false },
      { admitted: false, retryAfterMs: 200, place: true },
      { admitted: false, retryAfterMs: 300, place: true },
    ]);
  });

  it('trusts a probe for a whole answer that is silent for much longer than failures took', () => {
    const it = breaker({ openMs: 1_000, maxOpenMs: 1_000 });
    for (let i = 0; i < 5; i += 1) it.made.settle(it.admit() as Permit, 'failure', it.now, half, null, 500);
    it.pass(1_000);
    const whole = () => it.made.admit(it.now, half, { isWhole: true }).admitted;

    expect(whole()).toBe(true);
    it.pass(1_499);
    expect(it.made.wouldAdmit(it.now)).toBe(false);
    expect(whole()).toBe(false);
    it.pass(1);
    expect(it.made.wouldAdmit(it.now)).toBe(true);
    expect(whole()).toBe(true);
    it.pass(1_500);
    expect(whole()).toBe(true);
    it.pass(1_500);
    expect(whole()).toBe(true);
    expect(it.state()).toBe('closed');
  });

  it('trusts no silence of a second or less, however quick the failures', () => {
    const it = halfOpen();
    it.made.admit(it.now, half, { isWhole: true });
    it.pass(999);
    expect(it.made.wouldAdmit(it.now)).toBe(false);
    it.pass(1);
    expect(it.made.wouldAdmit(it.now)).toBe(true);
  });

  it('does not trust the silence of a stream, which should have begun', () => {
    const it = halfOpen();
    it.admit();
    it.pass(59_999);

    expect(it.admit()).toBeNull();
  });

  it('forgets slow failures as quicker ones come', () => {
    const it = breaker({ openMs: 1_000, maxOpenMs: 1_000 });
    for (const tookMs of [10_000, 1, 1, 1, 1]) it.made.settle(it.admit() as Permit, 'failure', it.now, half, null, tookMs);
    it.pass(1_000);
    it.made.admit(it.now, half, { isWhole: true });
    it.pass(3 * 10_000 * 0.9 ** 4 - 1);
    expect(it.made.wouldAdmit(it.now)).toBe(false);
    it.pass(1);
    expect(it.made.wouldAdmit(it.now)).toBe(true);
  });

  it('closes after three successes', () => {
    const it = halfOpen();
    it.call('success');
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

  it('closes once when several probes have outlived the failures', () => {
    const it = halfOpen({ probes: 3, successes: 1 });
    for (let i = 0; i < 3; i += 1) it.made.admit(it.now, half, { isWhole: true });
    it.pass(1_000);

    expect(it.admit()).toMatchObject({ probe: false });
    expect(it.changes).toEqual(['closed>open', 'open>half-open', 'half-open>closed']);
  });

  it('believes little of what it believed before when it has closed, but more than nothing', () => {
    const it = halfOpen({ successes: 1 });
    it.call('success');
    expect(it.made.isClosed).toBe(true);
    it.call('weak');
    expect(it.state()).toBe('closed');

    it.call('weak');

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

  it('opens again at a weak failure, for as long as it has been failing', () => {
    const it = halfOpen({ openMs: 500, maxOpenMs: 60_000 });
    it.call('success');
    it.pass(10);
    it.call('weak');

    expect(it.made.admit(it.now, half)).toMatchObject({ admitted: false, retryAfterMs: 1_000 });
    it.pass(5_000);
    it.call('failure');
    expect(it.made.admit(it.now, half)).toMatchObject({ admitted: false, retryAfterMs: 5_000 });
  });

  it('believes a late answer to a probe, and no late failure: others have gone since', () => {
    const it = halfOpen({ leaseMs: 5_000, successes: 2 });
    const [failing, answering] = [it.admit(), (it.pass(5_000), it.admit())];
    it.pass(5_000);

    it.report(failing, 'failure');
    expect(it.state()).toBe('half-open');
    it.report(answering, 'success');
    it.report(answering, 'success');
    expect(it.state()).toBe('half-open');
    it.call('success');
    expect(it.state()).toBe('closed');
  });

  it('closes by whole answers that take longer than a lease, where failures are slow too', () => {
    const it = breaker({ openMs: 1_000, maxOpenMs: 1_000, successes: 2, leaseMs: 60_000 });
    for (let i = 0; i < 5; i += 1) it.made.settle(it.admit() as Permit, 'failure', it.now, half, null, 60_000);
    it.pass(1_000);
    const whole = () => it.made.admit(it.now, half, { isWhole: true });
    whole();
    it.pass(60_000);
    whole();
    it.pass(180_000);

    expect(whole()).toMatchObject({ admitted: true, probe: false });
  });

  it('waits for a hundred lost probes, and no more', () => {
    const it = halfOpen({ leaseMs: 1, successes: 1 });
    const lost = Array.from({ length: 102 }, () => (it.pass(1), it.admit()));
    it.report(lost[0] as Permit, 'success');
    expect(it.state()).toBe('half-open');

    it.report(lost[1] as Permit, 'success');

    expect(it.state()).toBe('closed');
  });

  it('lets those look again first who have waited for a place', () => {
    const it = breaker({ openMs: 1_000 });
    for (let i = 0; i < 5; i += 1) it.call('failure');
    for (let i = 0; i < 30; i += 1) it.made.admit(it.now, half, { patienceMs: 5_000 });
    it.pass(1_000);
    it.admit();
    const ask = (waited: boolean) => it.made.admit(it.now, half, { patienceMs: 5_000, waited });

    expect([ask(true), ask(true), ask(false)]).toMatchObject([{ retryAfterMs: 200 }, { retryAfterMs: 300 }, { retryAfterMs: 3_000 }]);
  });

  it('is not moved by streams and failures of an earlier era, however many, once it has closed', () => {
    const it = breaker({ successes: 1, consecutiveFailures: 5, failureRate: 1 });
    const early = it.admit() as Permit;
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(10_000);
    it.call('success');

    for (let i = 0; i < 20; i += 1) it.report(early, 'failure');
    expect(it.state()).toBe('closed');
    for (let i = 0; i < 4; i += 1) it.call('failure');
    it.answering(early);
    it.call('failure');
    expect(it.state()).toBe('open');
  });

  it('trusts a stream that begins to answer, without waiting for its end', () => {
    const it = halfOpen();
    for (let i = 0; i < 3; i += 1) it.answering(it.admit() as Permit);

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
    it.call('success');
    it.report(early, 'failure');
    expect(it.state()).toBe('closed');
  });
});

describe('a clock that is set back', () => {
  const hour = 3_600_000;

  it('keeps no circuit open', () => {
    const it = breaker();
    for (let i = 0; i < 5; i += 1) it.call('failure');
    expect(it.state()).toBe('open');
    it.pass(-hour);

    expect(it.state()).toBe('half-open');
    expect(it.made.wouldAdmit(it.now)).toBe(true);
    expect(it.admit()).not.toBeNull();
  });

  it('keeps no place of a probe', () => {
    const it = breaker();
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(10_000);
    it.admit();
    it.pass(-hour);

    expect(it.made.wouldAdmit(it.now)).toBe(true);
    expect(it.admit()).not.toBeNull();
  });

  it('ends the ramp', () => {
    const it = breaker({ rampMs: 1_000, successes: 1 });
    for (let i = 0; i < 5; i += 1) it.call('failure');
    it.pass(10_000);
    it.call('success');
    it.pass(-hour);

    expect(it.made.admit(it.now, () => 0.99).admitted).toBe(true);
    expect(it.made.isClosed).toBe(true);
  });
});

describe('options', () => {
  it('that are undefined are not given', () => {
    const it = breaker({ failureRate: undefined, minimumFailures: undefined, openMs: undefined, callsPerProbe: undefined });
    for (let i = 0; i < 4; i += 1) it.call('failure');
    expect(it.state()).toBe('closed');
    it.call('failure');

    expect(it.made.admit(it.now, half)).toMatchObject({ admitted: false, retryAfterMs: 1_500 });
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
    expect(it.admit(200, () => 0.25)).toEqual({ admitted: false, retryAfterMs: 1_000, place: false });
    expect(it.admit(700, () => 0.7)).toEqual({ admitted: false, retryAfterMs: 500, place: false });
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
    const it = new Breaker({ probes: 2, successes: 2, leaseMs: 3_000, rampMs: 300, openMs: 200, maxOpenMs: 900, callsPerProbe: Infinity });
    const out: Permit[] = [];
    let now = 0;
    let states = '';
    for (let step = 0; step < 200_000; step += 1) {
      now += Math.floor(random() * 60);
      const before = it.stateAt(now);
      if (random() < 0.55) {
        const would = it.wouldAdmit(now);
        const patienceMs = random() < 0.5 ? 0 : random() * 1_500;
        const permit = it.admit(now, random, { patienceMs, isWhole: random() < 0.5, waited: random() < 0.5 });
        if (permit.admitted) {
          if (!would) throw new Error(`step ${step}: admitted what it would not admit`);
          if (before === 'open') throw new Error(`step ${step}: admitted while open`);
          if (permit.probe !== (it.stateAt(now) === 'half-open'))
            throw new Error(`step ${step}: a probe is a permit of a half-open circuit`);
          out.push(permit);
        } else {
          if (!(permit.retryAfterMs >= 0 && permit.retryAfterMs <= 2_000))
            throw new Error(`step ${step}: retry after ${permit.retryAfterMs}`);
          if (permit.place && permit.retryAfterMs > patienceMs) throw new Error(`step ${step}: a place beyond the patience`);
        }
      } else if (out.length > 0) {
        const [permit] = out.splice(Math.floor(random() * out.length), 1) as [Permit];
        if (random() < 0.3) it.answering(permit, now);
        else it.settle(permit, (step % 1_000 < 500 ? bad : good)[Math.floor(random() * 6)] as CountsAs, now, random, null, random() * 100);
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
