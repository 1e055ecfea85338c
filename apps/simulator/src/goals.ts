// What one default policy should reach, and what it does.

import { policies, type Policy } from './policies.ts';
import { scenarioNamed } from './scenarios.ts';
import { simulate, type Measures } from './simulate.ts';

interface Goal {
  readonly scenario: string;
  readonly what: string;
  readonly measure: keyof Measures;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Why another goal is worth more, where it is not met. */
  readonly price?: string;
}

export const goals: readonly Goal[] = [
  { scenario: 'outage', what: 'requests per call in an outage', measure: 'amplification', atMost: 0.35 },
  {
    scenario: 'outage',
    what: 'seconds to recover from it',
    measure: 'recoverySeconds',
    atMost: 3,
  },
  { scenario: 'brown-out', what: 'requests per call in a brown-out', measure: 'amplification', atMost: 0.9 },
  {
    scenario: 'brown-out',
    what: 'share of the possible answers in it',
    measure: 'goodput',
    atLeast: 0.98,
  },
  {
    scenario: 'brown-out',
    what: 'seconds to recover from it',
    measure: 'recoverySeconds',
    atMost: 1,
    price: 'two probes at a time make it 1 s, and let 28 % instead of 43 % of the possible answers through a collapse',
  },
  {
    scenario: 'collapse',
    what: 'seconds to leave a metastable collapse',
    measure: 'recoverySeconds',
    atMost: 5,
  },
  { scenario: 'faults 10 %', what: 'share of calls that end well at 10 % faults', measure: 'completed', atLeast: 0.999 },
  {
    scenario: 'thin outage',
    what: 'requests per call of 10,000 thin clients in an outage',
    measure: 'amplification',
    atMost: 1.1,
    price: 'each makes four calls: more than half of those after the first would have to fail without asking',
  },
];

const seeds = [1, 2, 3];

export interface Reached extends Goal {
  /** The mean of three seeds; of recoveries the longest. */
  readonly value: number;
  readonly met: boolean;
}

/** What `policy` reaches. Default: Holdfast as it comes. */
export function reached(policy: Policy = policies.find(({ name }) => name === 'Holdfast') as Policy): Reached[] {
  const runs = new Map<string, Measures[]>();
  return goals.map((goal) => {
    const measures = runs.get(goal.scenario) ?? seeds.map((seed) => simulate(scenarioNamed(goal.scenario), policy, seed).measures);
    runs.set(goal.scenario, measures);
    const values = measures.map((each) => each[goal.measure]);
    const value = goal.measure === 'recoverySeconds' ? Math.max(...values) : values.reduce((sum, each) => sum + each, 0) / values.length;
    return { ...goal, value, met: value <= (goal.atMost ?? Infinity) && value >= (goal.atLeast ?? -Infinity) };
  });
}
