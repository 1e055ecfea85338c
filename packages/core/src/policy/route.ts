// Which target is asked next. Plain data in, a name out.

import type { Random } from '../time.ts';
import { rendezvous } from './sticky.ts';

/** One target as the router sees it for one request. */
export interface Candidate {
  readonly name: string;
  readonly weight: number;
  /** It must never take this request: outside the fence, or unable to. */
  readonly excluded: boolean;
  /** It has been asked in this pursuit. */
  readonly tried: boolean;
  /** The circuit would refuse. */
  readonly open: boolean;
  /** A hint says not to ask before then, milliseconds since the epoch; 0 if none. */
  readonly throttledUntil: number;
  /** Spent or locked out until then; 0 if not. */
  readonly disabledUntil: number;
  /** Recent failures, 0 (none) to 1. */
  readonly illness: number;
  /** It answers slowly by its own standards: asked after those that do not. Default false. */
  readonly slow?: boolean | undefined;
}

export interface RouteInput {
  readonly candidates: readonly Candidate[];
  readonly mode: 'ordered' | 'weighted';
  /** The target that answered before and holds the prompt cache. */
  readonly prefer: string | null;
  /** Calls with the same key go to the same target under `weighted`, for its prompt cache. Default: none. */
  readonly sticky?: string | null | undefined;
  readonly now: number;
  readonly random: Random;
}

/**
 * `preferred`: it holds the prompt cache of this call. `sticky`: of calls like this. `order`, `weight`: as configured.
 * `quicker`: those that would have come before it are slow. `again`: all were asked. `least-bad`: none is well.
 */
export type Why = 'preferred' | 'sticky' | 'order' | 'weight' | 'quicker' | 'again' | 'least-bad';

type Choice = { readonly type: 'target'; readonly name: string; readonly why: Why };

export type RouteChoice = Choice | { readonly type: 'none'; readonly why: 'excluded' | 'circuit-open' };

/**
 * Chooses among healthy untried targets by preference, then order or weight, the slow ones last; then a healthy one again;
 * then the least bad of the others. Excluded targets are never chosen, whatever happens.
 */
export function route(input: RouteInput): RouteChoice {
  const allowed = input.candidates.filter((candidate) => !candidate.excluded);
  if (allowed.length === 0) return { type: 'none', why: 'excluded' };
  const well = allowed.filter((candidate) => isWell(candidate, input.now));
  const untried = well.filter((candidate) => !candidate.tried);
  const fresh = quickOf(untried);

  const preferred = fresh.find((candidate) => candidate.name === input.prefer);
  if (preferred) return target(preferred, 'preferred');
  if (fresh.length > 0) {
    const choice = amongEquals(input, fresh);
    return fresh.length < untried.length ? { ...choice, why: 'quicker' } : choice;
  }
  // Everybody who is well was asked: the last one asked knows best when to be asked again.
  if (well.length > 0) return target(leastIll(quickOf(well)), 'again');
  return worstCase(allowed, input.now);
}

/**
 * Nobody is well. A throttled or locked-out target is asked all the same: it answers quickly, and only it knows when it is
 * well again. Open circuits stay closed to a lone target; among several, the least bad is asked once.
 */
function worstCase(allowed: readonly Candidate[], now: number): RouteChoice {
  const asking = allowed.filter((candidate) => !candidate.open);
  if (asking.length > 0) return target(soonest(asking, now), 'least-bad');
  const neverTried = allowed.length > 1 && allowed.every((candidate) => !candidate.tried);
  return neverTried ? target(leastIll(allowed), 'least-bad') : { type: 'none', why: 'circuit-open' };
}

function amongEquals({ mode, sticky, random }: RouteInput, fresh: readonly Candidate[]): Choice {
  if (mode === 'ordered') return target(fresh[0] as Candidate, 'order');
  return sticky ? target(rendezvous(sticky, fresh), 'sticky') : target(byWeight(fresh, random), 'weight');
}

/** Without the slow ones, where that leaves anybody. */
function quickOf(candidates: readonly Candidate[]): readonly Candidate[] {
  const quick = candidates.filter((candidate) => !candidate.slow);
  return quick.length > 0 ? quick : candidates;
}

/** The one that is expected to be well first. */
function soonest(candidates: readonly Candidate[], now: number): Candidate {
  const wellAt = (candidate: Candidate): number => Math.max(candidate.disabledUntil, candidate.throttledUntil, now);
  return candidates.reduce((best, candidate) => (wellAt(candidate) < wellAt(best) ? candidate : best));
}

/** A target that could be asked now. */
export const isWell = (candidate: Candidate, now: number): boolean =>
  !candidate.open && candidate.throttledUntil <= now && candidate.disabledUntil <= now;

const target = ({ name }: Candidate, why: Why): Choice => ({ type: 'target', name, why });

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
