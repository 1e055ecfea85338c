// The circuit breaker's judgement: who may be asked now. Synchronous, single-threaded; time and chance are arguments.

import type { Random } from '../time.ts';
import { breakerPresets, type BreakerOptions, type BreakerSettings } from './breaker-options.ts';
import { Credit } from './credit.ts';
import { withDefaults } from './defaults.ts';
import type { CountsAs } from './verdict.ts';
import { WaitingLine } from './waiting-line.ts';

export type BreakerStateName = 'closed' | 'open' | 'half-open';

/** Leave to ask. Its era tells late results from current ones. */
export interface Permit {
  readonly admitted: true;
  readonly era: number;
  readonly probe: boolean;
}

export interface Refusal {
  readonly admitted: false;
  /** Milliseconds until it is worth asking again. */
  readonly retryAfterMs: number;
  /** A place in line was kept for then: who comes in time is among the first. */
  readonly place: boolean;
}

/** Who asks for admission. */
export interface BreakerCaller {
  /** How long it would wait, milliseconds: a refusal keeps a place in line for those who can wait for it. Default 0. */
  readonly patienceMs?: number | undefined;
  /** It comes when its place in line told it to, and goes before those who come now. Default false. */
  readonly waited?: boolean | undefined;
  /** Nothing will be heard of a good answer until it is complete. Default false. */
  readonly isWhole?: boolean | undefined;
}

interface Probe {
  readonly since: number;
  /** Its silence is a good sign. */
  readonly isWhole: boolean;
}

type State =
  | { readonly name: 'closed' }
  | { readonly name: 'open'; readonly since: number; readonly until: number }
  | { readonly name: 'half-open'; readonly probes: Map<Permit, Probe>; successes: number };

type Open = Extract<State, { name: 'open' }>;
type HalfOpen = Extract<State, { name: 'half-open' }>;

/**
 * What a circuit would say to a call. `sparing`: it has just closed, and this call is not among the first that it takes; a
 * call that has nowhere else to go may still come.
 */
export type Offer =
  | { readonly type: 'admits' }
  | { readonly type: 'sparing'; readonly retryAfterMs: number }
  | { readonly type: 'refuses'; readonly retryAfterMs: number; readonly place: boolean };

export type OnBreakerChange = (from: BreakerStateName, to: BreakerStateName, retryAfterMs: number | null) => void;

const never = Infinity;

/** Share of the traffic admitted right after closing. */
const rampStart = 0.25;

/** While probes are under way, whoever waits looks again after this, milliseconds. */
const recheckMs = 200;

/** A probe for a whole answer, which can take minutes, has been accepted if it has not failed after this many times what failures took. */
const survivalFactor = 3;
/** … and after this, milliseconds: what fails at once may do so a little later. */
const leastSurvivalMs = 1_000;
/** Failures get quicker when an outage changes its kind: how much of the slowest is remembered from one to the next. */
const remembered = 0.9;

/** Probes whose lease has ended may still answer. So many are waited for. */
const mostLost = 100;

const nobodyInParticular: BreakerCaller = {};

/**
 * One circuit. `admit` before asking; `settle` exactly once with what came of it, whatever came. A stream reports
 * `answering` when its first content is there, so that a half-open circuit need not wait for its end, and is settled when
 * it ends.
 */
export class Breaker {
  readonly #options: BreakerSettings;
  readonly #credit: Credit;
  readonly #onChange: OnBreakerChange | undefined;
  readonly #line = new WaitingLine();
  #state: State = { name: 'closed' };
  #era = 0;
  /** One permit serves a whole era while closed: admitting allocates nothing. */
  #permit: Permit = { admitted: true, era: 0, probe: false };
  #consecutive = 0;
  /** When the first of the failures in a row was reported. */
  #failingSince = 0;
  /** How often it opened without closing in between. */
  #openings = 0;
  #rampFrom = never;
  /** About how long failures take to show, milliseconds. */
  #failureMs = 0;

  constructor(options: BreakerOptions = {}, onChange?: OnBreakerChange) {
    this.#options = withDefaults(breakerPresets.default, options);
    this.#credit = new Credit(this.#options);
    this.#onChange = onChange;
  }

  /** Closed and past its ramp: `admitClosed` may be used, which reads no clock. */
  get isClosed(): boolean {
    return this.#state.name === 'closed' && this.#rampFrom === never;
  }

  /** The permit of a closed circuit. Only valid while `isClosed`. */
  admitClosed(): Permit {
    return this.#permit;
  }

  /** The state as of `now`: an open circuit whose time has passed is half-open. */
  stateAt(now: number): BreakerStateName {
    return this.#state.name === 'open' && isOver(this.#state, now) ? 'half-open' : this.#state.name;
  }

  /**
   * What `admit` would say, without taking a probe's place or one in line.
   *
   * @param chance what `random` would return for `admit`, 0 to 1
   */
  offer(now: number, chance: number, caller: BreakerCaller = nobodyInParticular): Offer {
    if (this.isClosed) return admits;
    if (this.#state.name === 'open') {
      const { until } = this.#state;
      return isOver(this.#state, now) ? admits : { type: 'refuses', ...this.#line.offer(until, now, caller) };
    }
    if (this.#state.name === 'half-open') {
      this.#trustSurvivors(this.#state, now);
      if (this.#state.name === 'half-open') {
        if (this.#hasPlace(this.#state, now)) return admits;
        return { type: 'refuses', ...this.#line.offer(now + recheckMs, now, caller) };
      }
    }
    const passed = (now - this.#rampFrom) / this.#options.rampMs;
    if (!(passed >= 0 && passed < 1) || chance < rampStart + (1 - rampStart) * passed) return admits;
    return { type: 'sparing', retryAfterMs: Math.ceil(this.#options.rampMs * (1 - passed)) };
  }

  /** What `admit` would say to a call that can wait for nothing, without taking anything. */
  wouldAdmit(now: number): boolean {
    return this.offer(now, 0).type !== 'refuses';
  }

  /** Nothing that it counted matters: forgetting it loses nothing. */
  get isIdle(): boolean {
    return this.isClosed && this.#consecutive === 0 && !this.#credit.counted;
  }

  /** Something outside found the target well: probes may go now, without waiting for the open time to pass. */
  halfOpen(): void {
    if (this.#state.name === 'open') this.#enter(halfOpen(), null);
  }

  /** May `caller` ask? `now` in milliseconds. */
  admit(now: number, random: Random, caller: BreakerCaller = nobodyInParticular): Permit | Refusal {
    if (this.#state.name === 'open') {
      if (!isOver(this.#state, now)) return this.#line.join(this.#state.until, now, caller);
      this.#enter(halfOpen(), null);
    }
    if (this.#state.name === 'half-open') {
      this.#trustSurvivors(this.#state, now);
      // Its last survivor may have closed it.
      if (this.stateAt(now) === 'half-open') return this.#admitProbe(this.#state, now, caller);
    }
    return this.#admitRamping(now, random);
  }

  /**
   * A stream began to answer under `permit`: a probe has shown what it was sent to show.
   *
   * @returns the credit it earned, for `settle`
   */
  answering(permit: Permit, now: number): number {
    if (permit.era !== this.#era) return 0;
    if (this.#state.name !== 'half-open') return this.#succeeded(now);
    this.#probeSucceeded(this.#state, permit, now);
    return 0;
  }

  /**
   * Reports what came of a permit. Results of an earlier era change nothing: they tell of a time the circuit has already
   * judged.
   *
   * @param earned what `answering` returned for it; null if it was not called
   * @param tookMs how long it took to fail, milliseconds
   */
  settle(permit: Permit, countsAs: CountsAs, now: number, random: Random, earned: number | null = null, tookMs = 0): void {
    if (permit.era !== this.#era) return;
    if (this.#state.name === 'half-open') {
      return this.#settleProbe(this.#state, permit, countsAs, now, random, tookMs);
    }
    if (countsAs !== 'success') this.#credit.takeBack(earned ?? 0);
    switch (countsAs) {
      case 'success':
        if (earned === null) this.#succeeded(now);
        else this.#consecutive = 0;
        return;
      case 'failure':
        this.#countFailure(now, tookMs);
        this.#credit.failed(now, 1);
        return this.#judge(now, random);
      case 'weak':
        this.#credit.failed(now, 0.5);
        return this.#judge(now, random);
      case 'throttled':
      case 'neutral':
    }
  }

  #admitProbe(state: HalfOpen, now: number, caller: BreakerCaller): Permit | Refusal {
    if (!this.#hasPlace(state, now)) return this.#line.join(now + recheckMs, now, caller);
    const { probes } = state;
    if (probes.size >= this.#options.probes + mostLost) probes.delete(probes.keys().next().value as Permit);
    const permit: Permit = { admitted: true, era: this.#era, probe: true };
    probes.set(permit, { since: now, isWhole: caller.isWhole === true });
    return permit;
  }

  #hasPlace({ probes }: HalfOpen, now: number): boolean {
    let underWay = 0;
    for (const probe of probes.values()) if (this.#isLeased(probe, now) && !this.#survived(probe, now)) underWay += 1;
    return underWay < this.#options.probes;
  }

  #isLeased({ since }: Probe, now: number): boolean {
    return now >= since && now - since < this.#options.leaseMs;
  }

  #survived({ since, isWhole }: Probe, now: number): boolean {
    return isWhole && now - since >= Math.max(leastSurvivalMs, survivalFactor * this.#failureMs);
  }

  /** What has outlived the failures by far is none, though its answer is still being written. */
  #trustSurvivors(state: HalfOpen, now: number): void {
    for (const [permit, probe] of state.probes)
      if (this.#state === state && this.#survived(probe, now)) this.#probeSucceeded(state, permit, now);
  }

  #admitRamping(now: number, random: Random): Permit | Refusal {
    // Without a ramp this is -Infinity.
    const passed = (now - this.#rampFrom) / this.#options.rampMs;
    if (!(passed >= 0 && passed < 1)) {
      this.#rampFrom = never;
      return this.#permit;
    }
    if (random() < rampStart + (1 - rampStart) * passed) return this.#permit;
    return { admitted: false, retryAfterMs: Math.ceil(this.#options.rampMs * (1 - passed)), place: false };
  }

  #settleProbe(state: HalfOpen, permit: Permit, countsAs: CountsAs, now: number, random: Random, tookMs: number): void {
    const probe = state.probes.get(permit);
    if (probe === undefined) return;
    switch (countsAs) {
      case 'success':
        return this.#probeSucceeded(state, permit, now);
      case 'failure':
      case 'weak':
        // Others went after it: what it met is long ago.
        if (!this.#isLeased(probe, now)) return void state.probes.delete(permit);
        this.#countFailure(now, tookMs);
        return this.#open(now, random);
      case 'throttled':
      case 'neutral':
        state.probes.delete(permit);
    }
  }

  #probeSucceeded(state: HalfOpen, permit: Permit, now: number): void {
    if (!state.probes.delete(permit)) return;
    state.successes += 1;
    this.#consecutive = 0;
    if (state.successes < this.#options.successes) return;
    this.#openings = 0;
    this.#credit.returned();
    this.#rampFrom = this.#options.rampMs > 0 ? now : never;
    this.#enter({ name: 'closed' }, null);
  }

  #succeeded(now: number): number {
    this.#consecutive = 0;
    return this.#credit.succeeded(now);
  }

  #countFailure(now: number, tookMs: number): void {
    if (this.#consecutive === 0) this.#failingSince = now;
    this.#consecutive += 1;
    this.#failureMs = Math.max(tookMs, this.#failureMs * remembered);
  }

  #judge(now: number, random: Random): void {
    const { consecutiveFailures, sustainedFailures, sustainedMs } = this.#options;
    const sustained = this.#consecutive >= sustainedFailures && now - this.#failingSince >= sustainedMs;
    if (this.#credit.isSpent || sustained || this.#consecutive >= consecutiveFailures) this.#open(now, random);
  }

  #open(now: number, random: Random): void {
    const { openMs, maxOpenMs, callsPerProbe, jitter } = this.#options;
    this.#credit.opened();
    const { intervalMs } = this.#credit;
    // What has failed for long is given longer, at once: of a short trouble nothing is known yet.
    const failingMs = this.#consecutive > 0 ? now - this.#failingSince : 0;
    const wantedMs = Math.max(failingMs, openMs * 2 ** this.#openings);
    const lengthMs = Math.max(openMs, Math.min(maxOpenMs, callsPerProbe * intervalMs, wantedMs)) * (1 - jitter * random());
    this.#openings = Math.min(this.#openings + 1, 32);
    this.#line.reset(intervalMs);
    this.#enter({ name: 'open', since: now, until: now + lengthMs }, lengthMs);
  }

  #enter(state: State, retryAfterMs: number | null): void {
    const from = this.#state.name;
    this.#state = state;
    this.#era += 1;
    if (state.name === 'closed') this.#permit = { admitted: true, era: this.#era, probe: false };
    this.#onChange?.(from, state.name, retryAfterMs);
  }
}

/** A clock that was set back has nothing to say about how long is left. */
const isOver = ({ since, until }: Open, now: number): boolean => now >= until || now < since;

const admits: Offer = { type: 'admits' };

const halfOpen = (): HalfOpen => ({ name: 'half-open', probes: new Map(), successes: 0 });
