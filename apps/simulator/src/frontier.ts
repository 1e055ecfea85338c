// How the goals pull against each other: one option after another, over its range.

import type { CircuitOptions, HoldfastOptions } from '@holdfast/core';
import { holdfastPolicy } from './policies.ts';
import { scenarioNamed } from './scenarios.ts';
import { simulate, type Measures } from './simulate.ts';

export interface Point {
  readonly option: string;
  readonly value: number;
  readonly measures: Readonly<Record<(typeof watched)[number], Measures>>;
}

const watched = ['outage', 'brown-out', 'faults 10 %', 'faults 30 %', 'thin outage'] as const;

const breaker = (options: (value: number) => CircuitOptions) => (value: number) => ({ breaker: options(value) }) as HoldfastOptions;
const sweeps: Readonly<Record<string, { values: readonly number[]; options: (value: number) => HoldfastOptions }>> = {
  'breaker.waitMs': { values: [0, 1_000, 2_000, 3_000, 4_000, 5_000, 5_500, 7_000], options: breaker((waitMs) => ({ waitMs })) },
  'breaker.openMs': { values: [500, 1_000, 1_500, 2_000, 3_000], options: breaker((openMs) => ({ openMs })) },
  'breaker.maxOpenMs': {
    values: [2_000, 4_000, 6_000, 6_800, 8_000, 15_000, 60_000],
    options: breaker((maxOpenMs) => ({ maxOpenMs })),
  },
  'breaker.callsPerProbe': { values: [1, 2, 4, 8, 16], options: breaker((callsPerProbe) => ({ callsPerProbe })) },
  'breaker.failureRate': { values: [0.3, 0.4, 0.5, 0.6, 0.7, 0.9], options: breaker((failureRate) => ({ failureRate })) },
  'breaker.minimumFailures': { values: [3, 4, 5, 6, 8, 12], options: breaker((minimumFailures) => ({ minimumFailures })) },
  'breaker.sustainedFailures': { values: [2, 3, 4, 6], options: breaker((sustainedFailures) => ({ sustainedFailures })) },
  'breaker.sustainedMs': { values: [0, 1_000, 2_000, 3_000, 5_000], options: breaker((sustainedMs) => ({ sustainedMs })) },
  'breaker.probes': { values: [1, 2, 3, 5], options: breaker((probes) => ({ probes })) },
  'breaker.successes': { values: [1, 2, 3, 4], options: breaker((successes) => ({ successes })) },
  'budget.ratio': { values: [0, 0.1, 0.2, 0.4, 0.8], options: (ratio) => ({ budget: { ratio } }) },
  'retry.attempts': { values: [1, 2, 3, 4, 6], options: (attempts) => ({ retry: { attempts } }) },
};

export const sweptOptions = Object.keys(sweeps);

/** The default policy with one option at each of its values. */
export function frontier(option: string): Point[] {
  const sweep = sweeps[option] as (typeof sweeps)[string];
  return sweep.values.map((value) => {
    const policy = holdfastPolicy(`${option}=${value}`, sweep.options(value));
    const measures = Object.fromEntries(watched.map((name) => [name, simulate(scenarioNamed(name), policy).measures]));
    return { option, value, measures: measures as Point['measures'] };
  });
}
