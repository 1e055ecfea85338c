// Which of the targets that can be asked now is asked. Plain data in, a name out.

import type { Random } from '../time.ts';
import { rendezvous } from './sticky.ts';

/** One target that can be asked now, as one request sees it. */
export interface Candidate {
  readonly name: string;
  readonly weight: number;
  /** It has been asked in this call. */
  readonly asked: boolean;
  /** Recent failures, 0 (none) to 1. */
  readonly illness: number;
  /** It answers slowly by its own standards: asked after those that do not. */
  readonly slow: boolean;
}

export interface RouteInput {
  /** In the configured order. At least one. */
  readonly candidates: readonly Candidate[];
  readonly mode: 'ordered' | 'weighted';
  /** The target that answered before and holds the prompt cache. Null: none. */
  readonly prefer: string | null;
  /** Calls with the same key go to the same target under `weighted`, for its prompt cache. Null: no key. */
  readonly sticky: string | null;
  readonly random: Random;
}

/**
 * `preferred`: it holds the prompt cache of this call. `sticky`: of calls like this. `order`, `weight`: as configured.
 * `quicker`: those that would have come before it are slow. `again`: all were asked. `least-bad`: none is well.
 */
export type Why = 'preferred' | 'sticky' | 'order' | 'weight' | 'quicker' | 'again' | 'least-bad';

export interface RouteChoice {
  readonly name: string;
  readonly why: Why;
}

/** Chooses among those not asked yet by preference, then order or weight, the slow ones last; then among the others the least ill. */
export function choose({ candidates, mode, prefer, sticky, random }: RouteInput): RouteChoice {
  const fresh = candidates.filter(({ asked }) => !asked);
  // Everybody was asked: the least ill one again.
  if (fresh.length === 0) return { name: leastIll(quickOf(candidates)).name, why: 'again' };
  const quick = quickOf(fresh);
  if (quick.some(({ name }) => name === prefer)) return { name: prefer as string, why: 'preferred' };
  const choice = amongEquals(quick, mode, sticky, random);
  return quick.length < fresh.length ? { ...choice, why: 'quicker' } : choice;
}

function amongEquals(candidates: readonly Candidate[], mode: RouteInput['mode'], sticky: string | null, random: Random): RouteChoice {
  if (mode === 'ordered') return { name: (candidates[0] as Candidate).name, why: 'order' };
  return sticky === null
    ? { name: byWeight(candidates, random).name, why: 'weight' }
    : { name: rendezvous(sticky, candidates).name, why: 'sticky' };
}

/** Without the slow ones, where that leaves anybody. */
function quickOf(candidates: readonly Candidate[]): readonly Candidate[] {
  const quick = candidates.filter((candidate) => !candidate.slow);
  return quick.length > 0 ? quick : candidates;
}

const leastIll = (candidates: readonly Candidate[]): Candidate =>
  candidates.reduce((best, candidate) => (candidate.illness < best.illness ? candidate : best));

function byWeight(candidates: readonly Candidate[], random: Random): Candidate {
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * total;
  for (const candidate of candidates) {
    left -= candidate.weight;
    if (left < 0) return candidate;
  }
  return candidates.at(-1) as Candidate;
}
