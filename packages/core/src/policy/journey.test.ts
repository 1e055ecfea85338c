import { describe, expect, it } from 'vitest';
import type { Offer } from './breaker.ts';
import { Journey, type JourneyRules, type Look, type Step, type TargetView, type Trip } from './journey.ts';
import type { Verdict } from './verdict.ts';

const now = 1_000;
const admits: Offer = { type: 'admits' };
const shut = (retryAfterMs = 500, place = true): Offer => ({ type: 'refuses', retryAfterMs, place });
const sparing: Offer = { type: 'sparing', retryAfterMs: 700 };

const well: TargetView = {
  name: 'a',
  weight: 1,
  excluded: false,
  offer: admits,
  throttledUntil: 0,
  disabledUntil: 0,
  illness: 0,
  slow: false,
};
const a = (change: Partial<TargetView> = {}): TargetView => ({ ...well, ...change });
const b = (change: Partial<TargetView> = {}): TargetView => ({ ...well, name: 'b', ...change });
const look = (targets: TargetView[], change: Partial<Look> = {}): Look => ({ targets, budget: true, lookAt: null, ...change });

const failure: Verdict = {
  kind: 'overloaded',
  retry: 'here',
  scope: 'model',
  countsAs: 'failure',
  billed: 'no',
  reason: 'overloaded_error',
  action: '',
};
const broken: Verdict = { ...failure, kind: 'bad-answer', scope: 'request' };
const refused: Verdict = { ...failure, kind: 'auth', retry: 'elsewhere', scope: 'account', countsAs: 'neutral' };
const throttled = (waitMs: number): Verdict => ({ ...failure, kind: 'rate-limited', countsAs: 'throttled', waitMs });

const rules: JourneyRules = {
  mode: 'ordered',
  maxRetryAfterMs: 60_000,
  backoff: ({ hintMs }) => Math.max(300, hintMs ?? 0),
  random: () => 0,
};
const trip: Trip = {
  attempts: 4,
  mostAttempts: 10,
  prefer: null,
  sticky: null,
  avoid: null,
  patienceMs: 5_000,
  waitsForHints: true,
  deadlineAt: Infinity,
  isRecovery: false,
};

interface Change {
  readonly trip?: Partial<Trip>;
  readonly rules?: Partial<JourneyRules>;
  /** What failed before, at `now` or a given time. */
  readonly failed?: readonly (readonly [target: string, verdict: Verdict, at?: number])[];
}

function journey({ trip: own, rules: all, failed = [] }: Change = {}): Journey {
  const made = new Journey({ ...rules, ...all }, { ...trip, ...own });
  for (const [target, verdict, at = now] of failed) {
    made.sent();
    made.failed({ target, verdict, at });
  }
  return made;
}

const said = (step: Step): string => {
  switch (step.type) {
    case 'send':
      return `send ${step.target} ${step.why}${step.paid ? ' paid' : ''}`;
    case 'wait':
      return `wait ${step.ms} ${step.why} ${step.target}${step.inLine ? ' in line' : ''}`;
    case 'end':
      return `end ${step.reason}`;
  }
};

const rows: [what: string, targets: TargetView[] | Look, change: Change, expected: string][] = [
  // Whom to ask first.
  ['takes the first that is well', [a(), b()], {}, 'send a order'],
  ['stays where the prompt cache is', [a(), b()], { trip: { prefer: 'b' } }, 'send b preferred'],
  ['leaves the preferred one when it is ill', [a(), b({ offer: shut() })], { trip: { prefer: 'b' } }, 'send a order'],
  ['leaves the preferred one when it is slow', [a(), b({ slow: true })], { trip: { prefer: 'b' } }, 'send a quicker'],
  ['passes over an open circuit', [a({ offer: shut() }), b()], {}, 'send b order'],
  ['passes over a throttled target', [a({ throttledUntil: 2_000 }), b()], {}, 'send b order'],
  ['comes back when the hint has passed', [a({ throttledUntil: 1_000 }), b()], {}, 'send a order'],
  ['passes over a locked-out target', [a({ disabledUntil: 2_000 }), b()], {}, 'send b order'],
  ['passes over a slow target', [a({ slow: true }), b()], {}, 'send b quicker'],
  ['looks at a slow target when it is time', look([a({ slow: true }), b()], { lookAt: 'a' }), {}, 'send a look'],
  ['takes the order when all are slow', [a({ slow: true }), b({ slow: true })], {}, 'send a order'],
  ['asks a slow one before an ill one', [a({ offer: shut() }), b({ slow: true })], {}, 'send b order'],
  ['leaves a returning target to others', [a({ offer: sparing }), b()], {}, 'send b order'],
  ['asks a returning target that is alone', [a({ offer: sparing })], {}, 'send a least-bad'],
  ['asks the target that has just failed the call last', [a(), b()], { trip: { avoid: 'a' } }, 'send b order'],
  ['asks it all the same when it is alone', [a()], { trip: { avoid: 'a' } }, 'send a again'],
  ['chooses nobody excluded', [a({ excluded: true })], {}, 'end no-target'],
  ['chooses nobody excluded when the others are ill', [a({ excluded: true }), b({ offer: shut() })], {}, 'wait 500 circuit b in line'],

  // Nobody is well.
  ['waits for the circuit of a lone target', [a({ offer: shut(700) })], {}, 'wait 700 circuit a in line'],
  ['not beyond its patience', [a({ offer: shut(6_000) })], {}, 'end circuit-open'],
  ['not without a place in line', [a({ offer: shut(700, false) })], {}, 'end circuit-open'],
  ['not where something else can answer', [a({ offer: shut(700) })], { trip: { patienceMs: 0 } }, 'end circuit-open'],
  [
    'asks the least bad of several open circuits once',
    [a({ offer: shut(), illness: 1 }), b({ offer: shut(), illness: 0.5 })],
    {},
    'send b least-bad',
  ],
  [
    'and waits when that has failed',
    [a({ offer: shut(700), illness: 1 }), b({ offer: shut(900) })],
    { failed: [['b', failure]] },
    'wait 700 circuit a in line',
  ],
  ['waits for the end of a hint that others were given', [a({ throttledUntil: 3_000 })], {}, 'wait 2000 rate-limit a'],
  [
    'and a little longer, so that not all come back at once',
    [a({ throttledUntil: 3_000 })],
    { rules: { random: () => 0.5 } },
    'wait 2500 rate-limit a',
  ],
  ['asks all the same where the hint is too far away', [a({ throttledUntil: 90_000 })], {}, 'send a least-bad'],
  ['or ends after the deadline', [a({ throttledUntil: 3_000 })], { trip: { deadlineAt: 2_000 } }, 'send a least-bad'],
  ['or something else can answer', [a({ throttledUntil: 3_000 })], { trip: { waitsForHints: false } }, 'send a least-bad'],
  ['asks a locked-out target that is alone: only it knows when it is well again', [a({ disabledUntil: 9_000 })], {}, 'send a least-bad'],
  ['asks the one that is expected back first', [a({ disabledUntil: 9_000 }), b({ disabledUntil: 5_000 })], {}, 'send b least-bad'],
  ['waits for the one whose hint ends first', [a({ throttledUntil: 9_000 }), b({ throttledUntil: 5_000 })], {}, 'wait 4000 rate-limit b'],

  // After a failure.
  ['backs off before it asks again', [a()], { failed: [['a', failure]] }, 'wait 300 backoff a'],
  ['then asks again, at the expense of the budget', [a()], { failed: [['a', failure, 700]] }, 'send a again paid'],
  ['waits for the budget', look([a()], { budget: false }), { failed: [['a', failure, 700]] }, 'wait 500 budget a'],
  [
    'but not where something else can answer',
    look([a()], { budget: false }),
    { failed: [['a', failure, 700]], trip: { patienceMs: 0 } },
    'end budget',
  ],
  [
    'waits out what it was told to, free of charge',
    look([a()], { budget: false }),
    { failed: [['a', throttled(2_000)]] },
    'wait 2000 backoff a',
  ],
  ['and asks again, free of charge', look([a()], { budget: false }), { failed: [['a', throttled(2_000), -1_000]] }, 'send a again'],
  ['does not wait out a hint that is too long', [a()], { failed: [['a', throttled(61_000)]] }, 'end hint-too-long'],
  ['goes elsewhere at once, free of charge', look([a(), b()], { budget: false }), { failed: [['a', failure]] }, 'send b order'],
  ['stays with a failure of this request alone, for the prompt cache', [a(), b()], { failed: [['a', broken]] }, 'wait 300 backoff a'],
  ['leaves for want of a budget', look([a(), b()], { budget: false }), { failed: [['a', broken]] }, 'send b order'],
  ['asks a returning target rather than nobody', [a(), b({ offer: sparing })], { failed: [['a', failure]] }, 'send b least-bad'],
  [
    'never asks again what can never answer',
    [a(), b()],
    {
      failed: [
        ['a', refused, 0],
        ['b', failure, 0],
      ],
    },
    'send b again paid',
  ],
  ['ends when nobody is left', [a()], { failed: [['a', refused]] }, 'end permanent'],
  ['ends what cannot be helped', [a(), b()], { failed: [['a', { ...failure, retry: 'never' }]] }, 'end permanent'],
  [
    'asks again where it is less ill when all were asked',
    [a({ illness: 0.9 }), b()],
    {
      failed: [
        ['a', failure, 0],
        ['b', failure, 0],
      ],
    },
    'send b again paid',
  ],
  [
    'where it is quicker',
    [a({ slow: true }), b({ illness: 0.9 })],
    {
      failed: [
        ['a', failure, 0],
        ['b', failure, 0],
      ],
    },
    'send b again paid',
  ],
  [
    'waits for the first to be ready',
    [a(), b()],
    {
      failed: [
        ['a', throttled(2_000)],
        ['b', failure],
      ],
    },
    'wait 300 backoff b',
  ],
  [
    'waits for a circuit that opened in the meantime',
    [a({ offer: shut(1_500) })],
    { failed: [['a', failure]] },
    'wait 1500 circuit a in line',
  ],
  ['ends after the last attempt', [a()], { failed: [['a', failure]], trip: { attempts: 1 } }, 'end attempts'],
  ['may ask every further target once more', [a(), b()], { failed: [['a', failure]], trip: { attempts: 1 } }, 'send b order'],
  ['but no more than the most', [a(), b()], { failed: [['a', failure]], trip: { attempts: 1, mostAttempts: 1 } }, 'end attempts'],
  ['ends at the deadline', [a()], { trip: { deadlineAt: now } }, 'end deadline'],
  ['ends rather than wait beyond it', [a()], { failed: [['a', failure]], trip: { deadlineAt: now + 300 } }, 'end deadline'],
  [
    'draws nothing from the budget for an answer that is paid for',
    look([a()], { budget: false }),
    { failed: [['a', failure, 0]], trip: { isRecovery: true } },
    'send a again',
  ],
];

describe('a journey', () => {
  it.each(rows)('%s', (_, targets, change, expected) => {
    expect(said(journey(change).next(Array.isArray(targets) ? look(targets) : targets, now))).toBe(expected);
  });

  it('waits for circuits no longer than its patience in all', () => {
    const made = journey();
    for (const expected of ['wait 3000 circuit a in line', 'end circuit-open']) {
      const step = made.next(look([a({ offer: shut(3_000) })]), now);
      expect(said(step)).toBe(expected);
      if (step.type === 'wait') made.waits(step);
    }
  });

  it('comes for its place in line, and goes before those who come now', () => {
    const made = journey();
    const step = made.next(look([a({ offer: shut() })]), now);
    if (step.type === 'wait') made.waits(step);
    expect(made.caller(now)).toEqual({ patienceMs: 4_500, waited: true });
    made.sent();
    expect(made.caller(now).waited).toBe(false);
  });

  it('waits for a circuit once: who was let through and failed lets others go next', () => {
    const made = journey();
    const step = made.next(look([a({ offer: shut() })]), now);
    if (step.type === 'wait') made.waits(step);
    made.sent();
    made.failed({ target: 'a', verdict: failure, at: now });
    expect(said(made.next(look([a({ offer: shut() })]), now))).toBe('end circuit-open');
  });

  it('spreads calls by weight, and keeps those of one key together', () => {
    const weighted = (random: number, sticky: string | null, targets = [a(), b({ weight: 3 })]): string =>
      said(journey({ rules: { mode: 'weighted', random: () => random }, trip: { sticky } }).next(look(targets), now));
    const counts = { a: 0, b: 0 };
    for (let i = 0; i < 1_000; i += 1) counts[weighted(i / 1_000, null) === 'send a weight' ? 'a' : 'b'] += 1;
    expect(counts).toEqual({ a: 250, b: 750 });

    const key = Array.from({ length: 100 }, (_, index) => `chat ${index}`).find((each) => weighted(0, each) === 'send a sticky') as string;
    expect(new Set(Array.from({ length: 100 }, (_, i) => weighted(i / 100, key)))).toEqual(new Set(['send a sticky']));
    expect(weighted(0, key, [a({ offer: shut() }), b()])).toBe('send b sticky');
    expect(weighted(0, key, [a({ slow: true }), b()])).toBe('send b quicker');
  });

  it('holds what must hold in 100,000 random journeys', () => {
    let state = 12_345;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 4_294_967_296;
    };
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const verdicts = [failure, broken, refused, throttled(800), throttled(70_000), { ...failure, retry: 'never' } as Verdict];
    const endings = new Set<string>();
    for (let walk = 0; walk < 100_000; walk += 1) {
      const made = journey({
        rules: { random, mode: pick(['ordered', 'weighted']) },
        trip: {
          attempts: 1 + Math.floor(random() * 4),
          patienceMs: pick([0, 5_000]),
          waitsForHints: random() < 0.5,
          isRecovery: random() < 0.2,
        },
      });
      let time = now;
      const notBefore: Record<string, number> = {};
      const ruledOut = new Set<string>();
      const excluded = ['a', 'b', 'c'].filter(() => random() < 0.3);
      for (let round = 0; ; round += 1) {
        if (round > 200) throw new Error(`walk ${walk} does not end`);
        const targets = ['a', 'b', 'c'].map((name) => ({
          ...well,
          name,
          excluded: excluded.includes(name),
          offer: pick([admits, admits, shut(random() * 6_000, random() < 0.8), sparing]),
          throttledUntil: random() < 0.2 ? time + random() * 80_000 : 0,
          disabledUntil: random() < 0.1 ? time + random() * 80_000 : 0,
          illness: random(),
          slow: random() < 0.2,
        }));
        const step = made.next(look(targets, { budget: random() < 0.7 }), time);
        if (step.type === 'end') {
          endings.add(step.reason);
          break;
        }
        if (excluded.includes(step.target) || ruledOut.has(step.target)) throw new Error(`walk ${walk}: ${said(step)} is ruled out`);
        if (step.type === 'wait') {
          if (!(step.ms > 0 && step.ms <= 61_000)) throw new Error(`walk ${walk}: ${said(step)}`);
          made.waits(step);
          time += step.ms;
          continue;
        }
        if (time < (notBefore[step.target] ?? 0)) throw new Error(`walk ${walk}: ${said(step)} before its backoff`);
        made.sent();
        if (made.made > 10) throw new Error(`walk ${walk}: too many attempts`);
        const verdict = pick(verdicts);
        made.failed({ target: step.target, verdict, at: time });
        notBefore[step.target] = time + Math.max(300, verdict.waitMs ?? 0);
        if (verdict.retry === 'elsewhere') ruledOut.add(step.target);
      }
    }
    expect([...endings].toSorted()).toEqual(['attempts', 'budget', 'circuit-open', 'hint-too-long', 'no-target', 'permanent']);
  });
});
