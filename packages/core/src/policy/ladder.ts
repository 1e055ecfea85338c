// Which lesser answers may stand in for one that cannot be had, in order.

import { rungsThatCure, type EndKind, type Rung } from './endings.ts';

const order: readonly Rung[] = ['speed', 'model', 'cache', 'answer'];

export interface LadderInput {
  readonly cause: EndKind;
  /** What is configured, and makes sense for this request. */
  readonly available: Readonly<Record<Rung, boolean>>;
  /** No rung below this one; `never`: none at all. Undefined: all. */
  readonly lowest: Rung | 'never' | undefined;
}

/** The rungs to try, from the top, without those that cannot cure the cause. */
export function rungsFor({ cause, available, lowest }: LadderInput): Rung[] {
  // `never` is none of them: the list ends before it begins.
  const end = lowest && order.indexOf(lowest as Rung) + 1;
  const cures = rungsThatCure(cause);
  return order.slice(0, end).filter((rung) => available[rung] && cures.includes(rung));
}

/** The stricter of two limits. */
export function lowerRung(a: Rung | 'never' | undefined, b: Rung | 'never' | undefined): Rung | 'never' | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return order.indexOf(a as Rung) < order.indexOf(b as Rung) ? a : b;
}
