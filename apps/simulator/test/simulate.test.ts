import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { policies } from '../src/policies.ts';
import { scenarios, type Scenario } from '../src/scenarios.ts';
import { simulate } from '../src/simulate.ts';

const total = (buckets: Uint32Array): number => buckets.reduce((sum, count) => sum + count, 0);
/** A tenth of the clients and of everything else: the same story, ten times as fast. */
const small = (scenario: Scenario): Scenario => ({
  ...scenario,
  clients: scenario.clients / 10,
  ratePerSecond: scenario.ratePerSecond / 10,
  upstreams: scenario.upstreams.map((phases) => phases.map((phase) => ({ ...phase, capacity: phase.capacity / 10 }))),
});
const everyRun = scenarios.flatMap((scenario) => policies.map((policy) => [scenario.name, policy.name, small(scenario), policy] as const));

describe('a simulation', () => {
  it.each(everyRun)('of %s under %s ends every call exactly once', (_, __, scenario, policy) => {
    const { tally } = simulate(scenario, policy);

    expect(tally.ended).toBe(total(tally.calls));
    expect(total(tally.good)).toBeLessThanOrEqual(tally.ended);
    expect(total(tally.served)).toBe(total(tally.good));
  });

  it('is the same for the same seed, to the last digit, and another for another', () => {
    const hash = (seed: number): string => {
      const sha = createHash('sha256');
      for (const [, , scenario, policy] of everyRun) sha.update(JSON.stringify(simulate(scenario, policy, seed)));
      return sha.digest('hex');
    };

    expect(hash(1)).toBe(hash(1));
    expect(hash(1)).not.toBe(hash(2));
  });
});
