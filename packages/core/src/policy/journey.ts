// What a call does next: send, wait or end. Looks at all targets once per round and decides once; waits for nothing itself.

import type { Random } from '../time.ts';
import type { Backoff } from './backoff.ts';
import type { RouteView } from './route-state.ts';
import { choose, type Why } from './route.ts';
import type { Verdict } from './verdict.ts';

/** A target as one call sees it now. */
export interface TargetView extends RouteView {
  readonly name: string;
  readonly weight: number;
  /** It must never take this request: outside the fence, unable to, or taken out. */
  readonly excluded: boolean;
}

/** What can be seen at one moment. */
export interface Look {
  readonly targets: readonly TargetView[];
  /** The retry budget pays for another request. */
  readonly budget: boolean;
  /** A slow target that this call should try, to see whether it still is. */
  readonly lookAt: string | null;
}

/** What holds for all calls of an instance. */
export interface JourneyRules {
  readonly mode: 'ordered' | 'weighted';
  /** A longer hint is not waited for, milliseconds. */
  readonly maxRetryAfterMs: number;
  /** How long to wait before asking a target that has just failed this call, milliseconds. */
  readonly backoff: Backoff;
  readonly random: Random;
}

/** What holds for one call, or one part of it. */
export interface Trip {
  /** Requests while one target may answer; each further target may be asked once more. */
  readonly attempts: number;
  /** No more than this many in total, whatever the number of targets. */
  readonly mostAttempts: number;
  /** The target that holds the prompt cache. Null: none. */
  readonly prefer: string | null;
  /** Calls with the same key go to the same target under `weighted`. Null: no key. */
  readonly sticky: string | null;
  /** It failed a moment ago, in an earlier part of the same call: asked last. Null: none. */
  readonly avoid: string | null;
  /** How long the call waits for open circuits and an empty budget, in all, milliseconds. */
  readonly patienceMs: number;
  /** It waits for the end of hints that other calls were given: nothing else can answer it. */
  readonly waitsForHints: boolean;
  /** Milliseconds since the epoch; Infinity without one. */
  readonly deadlineAt: number;
  /** What is recovered has been paid for: it draws nothing from the retry budget. */
  readonly isRecovery: boolean;
}

export interface JourneyFailure {
  readonly target: string;
  readonly verdict: Verdict;
  readonly at: number;
}

/** What is waited for. `rate-limit`: another call was told when to come back. */
export type WaitReason = 'backoff' | 'rate-limit' | 'circuit' | 'budget';

export type EndReason = 'permanent' | 'attempts' | 'budget' | 'deadline' | 'hint-too-long' | 'circuit-open' | 'no-target';

export type Step =
  | { readonly type: 'send'; readonly target: string; readonly why: Why | 'look'; readonly paid: boolean }
  | { readonly type: 'wait'; readonly ms: number; readonly why: WaitReason; readonly target: string; readonly inLine: boolean }
  | { readonly type: 'end'; readonly reason: EndReason; readonly target: string | null; readonly retryAfterMs: number | null };

/** When one target can take this call, and what stands in the way until then. */
interface Readiness {
  readonly view: TargetView;
  readonly at: number;
  readonly why: WaitReason;
}

/** Spread behind the end of a hint that others were given too, milliseconds at most. */
const longestSpreadMs = 1_000;
/** How often a call that waits for the budget looks again, milliseconds. */
const budgetLookMs = 500;

/** How one target has treated this call. */
interface Visit {
  readonly target: string;
  /** Its own backoff: not before then, milliseconds since the epoch. */
  notBefore: number;
  /** What the server asked for, milliseconds; 0: it named no time. */
  hintMs: number;
  /** It can never answer this call. */
  ruledOut: boolean;
}

/**
 * One call on its way: `next` says from a look at the targets whether it is sent, waits or ends; `sent`, `waits` and `failed` tell
 * it what was done. Decides and remembers, and does nothing itself: the engine and the simulator follow it.
 */
export class Journey {
  readonly #rules: JourneyRules;
  readonly #trip: Trip;
  /** The targets that failed this call. */
  #visits: Visit[] | null = null;
  #last: JourneyFailure | null = null;
  #made = 0;
  #previousMs = 0;
  /** Waited for circuits and the budget, in all, milliseconds. */
  #waitedMs = 0;
  /** Waited for hints that other calls were given, in all, milliseconds. */
  #hintedMs = 0;
  #waitedForCircuit = false;
  /** It has a place among those who wait for a circuit, and comes for it now. */
  #inLine = false;

  constructor(rules: JourneyRules, trip: Trip) {
    this.#rules = rules;
    this.#trip = trip;
  }

  /** How a circuit should see this call. */
  caller(now: number): { readonly patienceMs: number; readonly waited: boolean } {
    return { patienceMs: this.#patienceMs(now), waited: this.#inLine };
  }

  get made(): number {
    return this.#made;
  }

  /** The target has failed this call before. */
  hasAsked(target: string): boolean {
    return this.#visit(target) !== undefined;
  }

  /** The call waits as `next` said. */
  waits({ ms, why, inLine }: Extract<Step, { type: 'wait' }>): void {
    if (why === 'circuit' || why === 'budget') this.#waitedMs += ms;
    this.#waitedForCircuit ||= why === 'circuit';
    if (why === 'rate-limit') this.#hintedMs += ms;
    this.#inLine = inLine;
  }

  /** An attempt begins. */
  sent(): void {
    this.#made += 1;
    this.#inLine = false;
  }

  /** An attempt failed. */
  failed(failure: JourneyFailure): void {
    const { target, verdict, at } = failure;
    const { backoff, random } = this.#rules;
    this.#last = failure;
    // It was let through, and has seen for itself: others go next.
    if (this.#waitedForCircuit) this.#waitedMs = Infinity;
    this.#previousMs = backoff({
      attempt: this.#made,
      previousMs: this.#previousMs,
      throttled: verdict.kind === 'rate-limited' || verdict.kind === 'overloaded',
      random,
      hintMs: verdict.waitMs,
    });
    const visit = this.#visit(target) ?? { target, notBefore: 0, hintMs: 0, ruledOut: false };
    visit.notBefore = at + this.#previousMs;
    visit.hintMs = verdict.waitMs ?? 0;
    visit.ruledOut ||= verdict.retry === 'elsewhere';
    this.#visits ??= [];
    if (!this.#visits.includes(visit)) this.#visits.push(visit);
  }

  #visit(target: string): Visit | undefined {
    return this.#visits?.find((visit) => visit.target === target);
  }

  next(look: Look, now: number): Step {
    const { deadlineAt, mostAttempts, attempts } = this.#trip;
    const last = this.#last;
    if (last?.verdict.retry === 'never') return end('permanent', last.target, last.verdict.waitMs);
    if (now >= deadlineAt) return end('deadline');
    if (last === null && look.targets.length === 1) {
      // The way almost every call goes: it has met no trouble, and there is none.
      const only = look.targets[0] as TargetView;
      if (isWell(only, now) && this.#trip.avoid === null)
        return send(only.name, only.name === this.#trip.prefer ? 'preferred' : 'order', false);
    }
    const allowed = look.targets.filter(({ excluded }) => !excluded);
    const most = Math.min(mostAttempts, attempts + Math.max(0, allowed.length - 1));
    if (last && this.#made >= most) return end('attempts', last.target, last.verdict.waitMs);
    const ready = this.#readiness(look, now);
    if (ready.length === 0) return last ? end('permanent', last.target, last.verdict.waitMs) : end('no-target');
    // Without a budget a request that another target would take is not repeated where it failed.
    const stay = look.budget ? this.#stays(ready) : ready;
    return this.#sendNow(look, stay, now) ?? this.#sendAllTheSame(stay, now) ?? this.#wait(stay, look, now);
  }

  /** A failure of this one request says nothing against the target: a second try there keeps the prompt cache. */
  #stays(ready: readonly Readiness[]): readonly Readiness[] {
    const last = this.#last;
    if (last === null || last.verdict.scope !== 'request') return ready;
    const here = ready.filter(({ view, why }) => view.name === last.target && why === 'backoff');
    return here.length > 0 ? here : ready;
  }

  #readiness({ targets }: Look, now: number): Readiness[] {
    return targets
      .filter(({ excluded, name }) => !excluded && !this.#visit(name)?.ruledOut)
      .map((view) => {
        const circuitAt = view.offer.type === 'refuses' ? now + view.offer.retryAfterMs : 0;
        const own = this.#visit(view.name)?.notBefore ?? 0;
        const at = Math.max(circuitAt, own, view.throttledUntil, view.disabledUntil);
        return { view, at, why: circuitAt > now && circuitAt >= own ? 'circuit' : at === own ? 'backoff' : 'rate-limit' };
      });
  }

  /** The best of those that can be asked now. */
  #sendNow(look: Look, ready: readonly Readiness[], now: number): Step | null {
    const askable = ready.filter(({ at }) => at <= now).map(({ view }) => view);
    if (askable.length === 0) return null;
    // Sparing a target that is coming back is for calls that have somewhere else to go.
    const taking = askable.filter(({ offer }) => offer.type !== 'sparing');
    const candidates = (taking.length > 0 ? taking : askable).map((view) => ({
      name: view.name,
      weight: view.weight,
      illness: view.illness,
      slow: view.slow && view.name !== look.lookAt,
      asked: view.name === this.#trip.avoid || this.hasAsked(view.name),
    }));
    const { mode, random } = this.#rules;
    const { prefer, sticky } = this.#trip;
    const { name, why } = choose({ candidates, mode, prefer, sticky, random });
    const paid = this.#isPaid(name);
    // A call that somebody has asked already is repeated at the expense of all.
    if (paid && !look.budget) return null;
    return send(name, taking.length === 0 ? 'least-bad' : name === look.lookAt ? 'look' : why, paid);
  }

  /** Who waits out what the server asked for, or for a turn at its circuit, adds no load that is not wanted. */
  #isPaid(target: string): boolean {
    if (this.#inLine) return false;
    const visit = this.#visit(target);
    return visit !== undefined && visit.hintMs === 0 && !this.#trip.isRecovery;
  }

  /**
   * Nobody is well. A locked-out target is asked all the same, and one whose hint is too far away: it answers quickly, and
   * only it knows when it is well again. Of several open circuits the least bad is asked once.
   */
  #sendAllTheSame(ready: readonly Readiness[], now: number): Step | null {
    if (ready.some(({ at, why }) => at <= now || why === 'backoff')) return null;
    const { avoid } = this.#trip;
    const fresh = ready.filter(({ view: { name } }) => !this.hasAsked(name) && !(name === avoid && ready.length > 1));
    const shut = fresh.filter(({ view }) => view.offer.type === 'refuses');
    const asking = fresh.filter(({ view }) => view.offer.type !== 'refuses');
    const soonest = asking.reduce<Readiness | null>((best, each) => (best === null || each.at < best.at ? each : best), null);
    if (soonest !== null && soonest.at > now) {
      const isHint = soonest.view.disabledUntil <= now;
      if (!isHint || !this.#canWaitForHint(soonest.at, now)) return send(soonest.view.name, 'least-bad', false);
      return null;
    }
    if (shut.length > 1 && shut.length === ready.length && this.#made === 0)
      return send(shut.reduce((best, each) => (each.view.illness < best.view.illness ? each : best)).view.name, 'least-bad', false);
    return null;
  }

  #canWaitForHint(until: number, now: number): boolean {
    const { waitsForHints, deadlineAt } = this.#trip;
    return waitsForHints && this.#hintedMs + until - now <= this.#rules.maxRetryAfterMs && until < deadlineAt;
  }

  /** For whoever can be asked first. */
  #wait(ready: readonly Readiness[], look: Look, now: number): Step {
    const last = this.#last;
    const soonest = ready.reduce((best, each) => (each.at < best.at ? each : best));
    const { at, why, view } = soonest;
    if (at <= now) return this.#waitForBudget(view.name, look, now);
    switch (why) {
      case 'circuit':
        return this.#waitForCircuit(view, now);
      case 'rate-limit': {
        const spreadMs = this.#rules.random() * Math.min(longestSpreadMs, at - now);
        if (!this.#canWaitForHint(at, now)) return end(last ? 'hint-too-long' : 'no-target', view.name, at - now);
        return this.#waitFor(at - now + spreadMs, why, view.name, now);
      }
      default: {
        const hintMs = this.#visit(view.name)?.hintMs ?? 0;
        if (hintMs > this.#rules.maxRetryAfterMs) return end('hint-too-long', view.name, hintMs);
        if (this.#isPaid(view.name) && !look.budget && this.#patienceMs(now) <= 0) return end('budget', view.name, last?.verdict.waitMs);
        return this.#waitFor(at - now, why, view.name, now);
      }
    }
  }

  #waitForCircuit(view: TargetView, now: number): Step {
    const { offer } = view;
    if (offer.type !== 'refuses') return end('circuit-open', view.name);
    if (!offer.place || offer.retryAfterMs > this.#patienceMs(now)) return end('circuit-open', view.name, offer.retryAfterMs);
    return { type: 'wait', ms: offer.retryAfterMs, why: 'circuit', target: view.name, inLine: true };
  }

  #waitForBudget(target: string, look: Look, now: number): Step {
    const ms = Math.min(budgetLookMs * (1 + this.#rules.random()), this.#patienceMs(now));
    if (look.budget || ms <= 0) return end('budget', target, this.#last?.verdict.waitMs);
    return this.#waitFor(ms, 'budget', target, now);
  }

  #waitFor(ms: number, why: WaitReason, target: string, now: number): Step {
    if (now + ms >= this.#trip.deadlineAt) return end('deadline', target, this.#last?.verdict.waitMs);
    return { type: 'wait', ms, why, target, inLine: false };
  }

  #patienceMs(now: number): number {
    const { patienceMs, deadlineAt } = this.#trip;
    return Math.min(patienceMs - this.#waitedMs, deadlineAt - now - 1);
  }
}

const isWell = ({ excluded, offer, throttledUntil, disabledUntil }: TargetView, now: number): boolean =>
  !excluded && offer.type === 'admits' && throttledUntil <= now && disabledUntil <= now;

const send = (target: string, why: Why | 'look', paid: boolean): Step => ({ type: 'send', target, why, paid });

const end = (reason: EndReason, target: string | null = null, retryAfterMs: number | null | undefined = null): Step => ({
  type: 'end',
  reason,
  target,
  retryAfterMs: retryAfterMs ?? null,
});
