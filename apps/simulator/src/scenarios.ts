// What goes wrong, by name: sixty seconds of trouble between two minutes of peace and one of recovery.

import { UsageError } from './usage-error.ts';
import type { Phase, Weather } from './upstream.ts';

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Processes with a budget and circuits of their own. */
  readonly clients: number;
  /** Calls of all clients together, per second: a Poisson process. */
  readonly ratePerSecond: number;
  readonly troubleFromMs: number;
  readonly troubleUntilMs: number;
  readonly endsMs: number;
  /** The SDK's `timeout`, milliseconds. */
  readonly timeoutMs: number;
  /** A caller who sees nothing for this long leaves, milliseconds. */
  readonly patienceMs: number;
  /** Answers are not streamed: nothing is heard of them until they are complete. They are long, 14 s in the mean. */
  readonly whole: boolean;
  /** The upstreams, the first target first. */
  readonly upstreams: readonly (readonly Phase[])[];
}

const fair: Weather = {
  capacity: 1_000,
  refusal: 'overloaded',
  retryAfterMs: 0,
  queueMs: 200,
  faultShare: 0,
  cutShare: 0,
  slowness: 1,
};

const fromMs = 120_000;
const untilMs = 180_000;

/** Fair weather with `trouble` for a while. */
const incident = (trouble: Partial<Weather>, always: Partial<Weather> = {}): Phase[] => [
  { ...fair, ...always, fromMs: 0 },
  { ...fair, ...always, ...trouble, fromMs },
  { ...fair, ...always, fromMs: untilMs },
];

const thousand = {
  clients: 1_000,
  ratePerSecond: 700,
  troubleFromMs: fromMs,
  troubleUntilMs: untilMs,
  endsMs: 240_000,
  timeoutMs: 600_000,
  patienceMs: 60_000,
  whole: false,
};
const slowQueue = { queueMs: 4_000 };

export const scenarios: readonly Scenario[] = [
  { ...thousand, name: 'outage', title: 'every request is refused', upstreams: [incident({ capacity: 0 })] },
  { ...thousand, name: 'brown-out', title: 'capacity falls to 30 %', upstreams: [incident({ capacity: 300 })] },
  { ...thousand, name: 'faults 10 %', title: 'one request in ten fails at random', upstreams: [incident({ faultShare: 0.1 })] },
  { ...thousand, name: 'faults 30 %', title: 'three requests in ten fail at random', upstreams: [incident({ faultShare: 0.3 })] },
  {
    ...thousand,
    name: 'collapse',
    title: 'capacity falls to 30 %, and a long line is worked off for callers who gave up',
    timeoutMs: 3_000,
    patienceMs: 30_000,
    upstreams: [incident({ capacity: 300 }, slowQueue)],
  },
  {
    ...thousand,
    name: '429 storm',
    title: 'capacity falls to 50 %, the rest gets 429 with retry-after: 5',
    upstreams: [incident({ capacity: 350, refusal: 'rate-limited', retryAfterMs: 5_000 })],
  },
  { ...thousand, name: 'slow start', title: 'first tokens take ten times as long', upstreams: [incident({ slowness: 10 })] },
  { ...thousand, name: 'cut storm', title: 'a third of all streams break in the middle', upstreams: [incident({ cutShare: 0.33 })] },
  {
    ...thousand,
    name: 'region lost',
    title: 'the first of two targets is gone',
    upstreams: [incident({ capacity: 0 }), incident({})],
  },
  {
    ...thousand,
    name: 'whole answers',
    title: 'every request is refused, and answers are long and not streamed',
    whole: true,
    upstreams: [incident({ capacity: 0 })],
  },
  {
    ...thousand,
    name: 'thin outage',
    title: 'every request of 10,000 clients is refused',
    clients: 10_000,
    upstreams: [incident({ capacity: 0 })],
  },
  {
    ...thousand,
    name: 'lone user',
    title: 'one request in ten fails, for clients with one call in 20 s',
    clients: 10_000,
    ratePerSecond: 500,
    upstreams: [incident({ faultShare: 0.1 })],
  },
];

const hour = 3_600_000;

/** A long one, for speed: a day of 100 calls a second with faults, a brown-out, an outage and cuts. */
export const day: Scenario = {
  ...thousand,
  name: 'day',
  title: 'a bad day: faults from 2 h, capacity 30 from 8 h to 12 h, nothing from 14 h to 15 h, broken streams until midnight',
  clients: 100,
  ratePerSecond: 100,
  troubleFromMs: 2 * hour,
  troubleUntilMs: 24 * hour,
  endsMs: 24 * hour,
  upstreams: [
    [
      { ...fair, capacity: 200, fromMs: 0 },
      { ...fair, capacity: 200, faultShare: 0.05, fromMs: 2 * hour },
      { ...fair, capacity: 30, fromMs: 8 * hour },
      { ...fair, capacity: 200, fromMs: 12 * hour },
      { ...fair, capacity: 0, fromMs: 14 * hour },
      { ...fair, capacity: 200, cutShare: 0.02, fromMs: 15 * hour },
    ],
  ],
};

/** The scenario of that name; what there is to choose from, if there is none. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (!found) throw new UsageError(`there is no scenario "${name}"; known: ${scenarios.map((scenario) => scenario.name).join(', ')}`);
  return found;
}

/** Answers the upstreams could give in a time, were every request of it a good one: what goodput is a share of. */
export function possible({ upstreams, ratePerSecond }: Scenario, from: number, until: number): number {
  let answers = 0;
  for (let at = from; at < until; at += 1_000) {
    const capacity = upstreams.reduce((sum, phases) => sum + (phases.findLast((phase) => phase.fromMs <= at) as Phase).capacity, 0);
    answers += Math.min(capacity, ratePerSecond);
  }
  return answers;
}
