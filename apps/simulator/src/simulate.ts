// One run: a scenario, a policy and a seed give a tally and what it says. The same three always give the same.

import { seededRandom } from '@holdfast/testing';
import type { Random } from '@holdfast/core';
import { Call, Client, type World } from './client.ts';
import { EventQueue } from './event-queue.ts';
import type { Policy } from './policies.ts';
import { possible, type Scenario } from './scenarios.ts';
import { Tally, sum } from './tally.ts';
import { Upstream } from './upstream.ts';

export interface Measures {
  /** Calls, and requests for them, during the trouble. */
  readonly calls: number;
  readonly requests: number;
  /** Requests per call during the trouble. */
  readonly amplification: number;
  /** Answers during the trouble as a share of what was possible; NaN if nothing was. */
  readonly goodput: number;
  /** Share of the calls of the trouble that ended well, whenever. */
  readonly completed: number;
  /** Share of those whose first attempt failed that ended well all the same. */
  readonly rescued: number;
  /** Share of the calls after the trouble that ended well. */
  readonly goodputAfter: number;
  /** Seconds from the end of the trouble until 99 % of arriving calls end well again, three seconds in a row; NaN if never. */
  readonly recoverySeconds: number;
  /** Time to the first content of the calls of the trouble that ended well, milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Output tokens written during the trouble, in millions: what is paid for. */
  readonly megatokens: number;
}

export interface Run {
  readonly scenario: Scenario;
  readonly policy: Policy;
  readonly tally: Tally;
  readonly measures: Measures;
}

export function simulate(scenario: Scenario, policy: Policy, seed = 1): Run {
  const queue = new EventQueue();
  const tally = new Tally(scenario.endsMs);
  const world: World = {
    scenario,
    policy,
    queue,
    tally,
    leastLimitMs: Math.min(scenario.timeoutMs, scenario.whole ? 60_000 : 30_000),
    random: seededRandom(seed),
    // Chance that is not the policy's own is the same for every policy.
    upstreams: scenario.upstreams.map(
      (phases, index) => new Upstream(phases, seededRandom(seed * 7919 + index + 1), scenario.whole ? 5 : 1),
    ),
  };
  const clients = Array.from({ length: scenario.clients }, () => new Client(world));
  arrive(world, clients, seededRandom(seed * 104_729));
  queue.run();
  return { scenario, policy, tally, measures: measure(scenario, tally) };
}

/** A Poisson process over all clients is one for each of them. */
function arrive({ queue, scenario }: World, clients: readonly Client[], random: Random): void {
  const gapMs = 1000 / scenario.ratePerSecond;
  for (let at = 0; at < scenario.endsMs; at -= Math.log(1 - random()) * gapMs) {
    queue.run(at);
    new Call(clients[(random() * clients.length) | 0] as Client, at).run(at);
  }
}

function measure(scenario: Scenario, tally: Tally): Measures {
  const { troubleFromMs: from, troubleUntilMs: until, endsMs } = scenario;
  const calls = sum(tally.calls, from, until);
  const requests = sum(tally.requests, from, until);
  const could = possible(scenario, from, until);
  return {
    calls,
    requests,
    amplification: requests / calls,
    goodput: could === 0 ? NaN : sum(tally.served, from, until) / could,
    completed: sum(tally.good, from, until) / calls,
    rescued: sum(tally.rescued, from, until) / sum(tally.stumbled, from, until),
    goodputAfter: sum(tally.good, until, endsMs) / sum(tally.calls, until, endsMs),
    recoverySeconds: recovery(tally, until / 1000, endsMs / 1000),
    p50: tally.waits.quantile(0.5),
    p99: tally.waits.quantile(0.99),
    megatokens: sum(tally.tokens, from, until) / 1e6,
  };
}

function recovery({ calls, good }: Tally, until: number, ends: number): number {
  let well = 0;
  for (let second = until; second < ends; second += 1) {
    well = (good[second] as number) >= 0.99 * (calls[second] as number) ? well + 1 : 0;
    if (well === 3) return second - 2 - until;
  }
  return NaN;
}
