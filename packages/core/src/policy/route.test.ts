import { describe, expect, it } from 'vitest';
import { route, type Candidate } from './route.ts';

const well: Candidate = {
  name: 'a',
  weight: 1,
  excluded: false,
  tried: false,
  open: false,
  throttledUntil: 0,
  disabledUntil: 0,
  illness: 0,
};
const a = (change: Partial<Candidate> = {}): Candidate => ({ ...well, ...change });
const b = (change: Partial<Candidate> = {}): Candidate => ({ ...well, name: 'b', ...change });
const choose = (candidates: Candidate[], prefer: string | null = null): string => {
  const choice = route({ candidates, mode: 'ordered', prefer, now: 1_000, random: () => 0 });
  return choice.type === 'none' ? choice.why : `${choice.name} ${choice.why}`;
};

describe('route', () => {
  const rows: [what: string, candidates: Candidate[], prefer: string | null, expected: string][] = [
    ['takes the first that is well', [a(), b()], null, 'a order'],
    ['stays where the prompt cache is', [a(), b()], 'b', 'b preferred'],
    ['leaves the preferred one when it is ill', [a(), b({ open: true })], 'b', 'a order'],
    ['passes over an open circuit', [a({ open: true }), b()], null, 'b order'],
    ['passes over a throttled target', [a({ throttledUntil: 2_000 }), b()], null, 'b order'],
    ['comes back when the hint has passed', [a({ throttledUntil: 1_000 }), b()], null, 'a order'],
    ['passes over a locked-out target', [a({ disabledUntil: 2_000 }), b()], null, 'b order'],
    ['passes over a slow target', [a({ slow: true }), b()], null, 'b quicker'],
    ['asks a slow one before an ill one', [a({ slow: true }), b({ open: true })], null, 'a order'],
    ['asks a slow one before it repeats', [a({ tried: true }), b({ slow: true })], null, 'b order'],
    ['takes the order when all are slow', [a({ slow: true }), b({ slow: true })], null, 'a order'],
    ['leaves the preferred one when it is slow', [a(), b({ slow: true })], 'b', 'a quicker'],
    ['repeats where it is quicker', [a({ tried: true, slow: true }), b({ tried: true, illness: 0.5 })], null, 'b again'],
    ['a slow target outside the fence stays outside', [a({ slow: true, excluded: true }), b({ open: true })], null, 'circuit-open'],
    ['prefers the untried', [a({ tried: true }), b()], null, 'b order'],
    ['asks the less ill again when all were tried', [a({ tried: true, illness: 0.9 }), b({ tried: true })], null, 'b again'],
    ['asks the less ill again, whichever comes first', [a({ tried: true }), b({ tried: true, illness: 0.9 })], null, 'a again'],
    ['asks the first again of those that are equally ill', [a({ tried: true }), b({ tried: true })], null, 'a again'],
    ['asks the one that is well first', [a({ throttledUntil: 2_000 }), b({ disabledUntil: 5_000 })], null, 'a least-bad'],
    [
      'asks the first of those that are well at the same time',
      [a({ throttledUntil: 2_000 }), b({ disabledUntil: 2_000 })],
      null,
      'a least-bad',
    ],
    ['asks a throttled one rather than nobody', [a({ throttledUntil: 5_000 }), b({ throttledUntil: 2_000 })], null, 'b least-bad'],
    [
      'asks the least bad once when every circuit is open',
      [a({ open: true, illness: 0.5 }), b({ open: true, illness: 0.2 })],
      null,
      'b least-bad',
    ],
    ['asks nobody twice then', [a({ open: true, tried: true }), b({ open: true })], null, 'circuit-open'],
    ['respects the open circuit of a lone target', [a({ open: true })], null, 'circuit-open'],
    ['chooses nobody excluded', [a({ excluded: true })], null, 'excluded'],
    ['chooses nobody excluded, in panic either', [a({ excluded: true }), b({ open: true })], null, 'circuit-open'],
  ];
  it.each(rows)('%s', (_, candidates, prefer, expected) => {
    expect(choose(candidates, prefer)).toBe(expected);
  });

  it('spreads by weight', () => {
    const counts = { a: 0, b: 0 };
    for (let i = 0; i < 1_000; i += 1) {
      const choice = route({
        candidates: [a({ weight: 1 }), b({ weight: 3 })],
        mode: 'weighted',
        prefer: null,
        now: 0,
        random: () => i / 1_000,
      });
      if (choice.type === 'target' && choice.why === 'weight') counts[choice.name as 'a' | 'b'] += 1;
    }

    expect(counts).toEqual({ a: 250, b: 750 });
  });

  it('sends calls with one key to one target among equals, and to another only while that one is not well', () => {
    const equals = [a(), b({ weight: 3 })];
    const of = (sticky: string, candidates: Candidate[]): string => {
      const choice = route({ candidates, mode: 'weighted', prefer: null, sticky, now: 0, random: Math.random });
      return choice.type === 'target' ? `${choice.name} ${choice.why}` : choice.why;
    };
    const key = Array.from({ length: 100 }, (_, index) => `chat ${index}`).find((each) => of(each, equals) === 'a sticky') as string;

    expect(new Set(Array.from({ length: 100 }, () => of(key, equals)))).toEqual(new Set(['a sticky']));
    expect(of(key, [a({ open: true }), b()])).toBe('b sticky');
    expect(of(key, [a({ slow: true }), b()])).toBe('b quicker');
    expect(of(key, [a({ excluded: true }), b()])).toBe('b sticky');
  });

  it('never crosses the fence in 1,000,000 decisions over random states, panic included', () => {
    let state = 12_345;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 4_294_967_296;
    };
    const names = ['a', 'b', 'c', 'd'];
    let panics = 0;
    for (let decision = 0; decision < 1_000_000; decision += 1) {
      const candidates = names.map((name) => ({
        name,
        weight: random() * 3,
        excluded: random() < 0.4,
        tried: random() < 0.4,
        open: random() < 0.6,
        throttledUntil: random() < 0.3 ? 2_000 : 0,
        disabledUntil: random() < 0.3 ? 2_000 : 0,
        illness: random(),
        slow: random() < 0.3,
      }));
      const choice = route({
        candidates,
        mode: random() < 0.5 ? 'ordered' : 'weighted',
        prefer: random() < 0.3 ? 'b' : null,
        sticky: random() < 0.3 ? `chat ${decision % 100}` : null,
        now: 1_000,
        random,
      });
      if (choice.type === 'none') continue;
      if (choice.why === 'least-bad') panics += 1;
      if (candidates.find(({ name }) => name === choice.name)?.excluded) throw new Error(`decision ${decision} crossed the fence`);
    }

    expect(panics).toBeGreaterThan(10_000);
  });
});
