// Which lesser answers may stand in for one that cannot be had, in order.

import type { FailureKind } from './verdict.ts';

/**
 * `speed`: the same model without fast mode. `model`: a fallback model. `cache`: an answer from before. `answer`: one the
 * application computes.
 */
export type Rung = 'speed' | 'model' | 'cache' | 'answer';

const order: readonly Rung[] = ['speed', 'model', 'cache', 'answer'];

/** Failures of our own making that are no `FailureKind`. */
export type LadderCause = FailureKind | 'circuit-open' | 'budget-empty' | 'deadline' | 'no-target' | 'shutting-down';

export interface LadderInput {
  readonly cause: LadderCause;
  /** What is configured, and makes sense for this request. */
  readonly available: Readonly<Record<Rung, boolean>>;
  /** No rung below this one; `never`: none at all. Undefined: all. */
  readonly lowest: Rung | 'never' | undefined;
}

/**
 * The rungs to try, from the top. What the caller did wrong never degrades: it would be hidden, not helped. A rung is left
 * out where it cannot cure the cause: another model does not answer at an address that cannot be reached.
 */
export function rungsFor({ cause, available, lowest }: LadderInput): Rung[] {
  // `never` is none of them: the list ends before it begins.
  const end = lowest && order.indexOf(lowest as Rung) + 1;
  return order.slice(0, end).filter((rung) => available[rung] && cures[rung].has(cause));
}

const congestion: readonly LadderCause[] = ['overloaded', 'rate-limited', 'circuit-open', 'budget-empty'];
const troubles: readonly LadderCause[] = [...congestion, 'upstream-error', 'timeout', 'bad-answer', 'stream-broken'];
const outages: readonly LadderCause[] = [...troubles, 'unreachable', 'billing', 'auth', 'account-state', 'deadline', 'no-target'];

const cures: Record<Rung, ReadonlySet<LadderCause>> = {
  speed: new Set(congestion),
  model: new Set(troubles),
  cache: new Set(outages),
  answer: new Set(outages),
};
