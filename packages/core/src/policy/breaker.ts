// The circuit breaker's judgement: who may be asked now. Synchronous, single-threaded; time and chance are arguments.

import type { Random } from '../time.ts';
import type { CountsAs } from './verdict.ts';
import { OutcomeWindow } from './window.ts';

export interface BreakerOptions {
  /** Length of the window for the failure rate, milliseconds. Default 10000. */
  readonly windowMs?: number | undefined;
  /** Opens when this share of the window failed (0 to 1) … Default 0.5. */
  readonly failureRate?: number | undefined;
  /** … and at least so many did. Default 5. */
  readonly minimumFailures?: number | undefined;
  /** Opens after so many failures in a row, whatever the rate: a run that no chance explains. Default 12. */
  readonly consecutiveFailures?: number | undefined;
  /** Opens after fewer failures in a row, default 3, … */
  readonly sustainedFailures?: number | undefined;
  /** … if nothing has answered from the first of them on for this long, milliseconds. Default 3000. */
  readonly sustainedMs?: number | undefined;
  /** How long it stays open at least, milliseconds; doubles while probes fail. Default 750. */
  readonly openMs?: number | undefined;
  /**
   * How long it stays open at most, milliseconds: for as long as nothing has answered, up to this. Default 5000: longer
   * protects less than it costs (`docs/decisions`).
   */
  readonly maxOpenMs?: number | undefined;
  /** Spread of the open time, 0 to 1, so that clients do not probe together. Default 0.1. */
  readonly jitter?: number | undefined;
  /** Probes under way at a time while half-open. Default 3. */
  readonly probes?: number | undefined;
  /** Least time between one probe and the next beside it, milliseconds, so that of many callers at once one goes. Default 10. */
  readonly probeGapMs?: number | undefined;
  /** Successful probes that close it. Default 2. */
  readonly successes?: number | undefined;
  /** A probe that has not reported after this time no longer holds its place, milliseconds. Default 60000. */
  readonly leaseMs?: number | undefined;
  /** After closing, traffic grows from a quarter to all over this time, milliseconds. Default 1000. */
  readonly rampMs?: number | undefined;
}

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
}

type State =
  | { readonly name: 'closed' }
  | { readonly name: 'open'; readonly until: number }
  | { readonly name: 'half-open'; readonly probes: Map<Permit, number>; lastProbeAt: number; successes: number };

type HalfOpen = Extract<State, { name: 'half-open' }>;

const never = Infinity;

/** Breaker options with nothing left open. */
export type BreakerSettings = { readonly [name in keyof BreakerOptions]-?: NonNullable<BreakerOptions[name]> };

/** Named sets of options. */
export const breakerPresets: { readonly default: BreakerSettings; readonly classic: BreakerSettings } = {
  default: {
    windowMs: 10_000,
    failureRate: 0.5,
    minimumFailures: 5,
    consecutiveFailures: 12,
    sustainedFailures: 3,
    sustainedMs: 3_000,
    openMs: 750,
    maxOpenMs: 5_000,
    jitter: 0.1,
    probes: 3,
    probeGapMs: 10,
    successes: 2,
    leaseMs: 60_000,
    rampMs: 1_000,
  },
  /** The breaker of the textbooks: 5 failures in a row, 60 s, 2 successes. */
  classic: {
    windowMs: 10_000,
    failureRate: 1,
    minimumFailures: never,
    consecutiveFailures: 5,
    sustainedFailures: never,
    sustainedMs: never,
    openMs: 60_000,
    maxOpenMs: 60_000,
    jitter: 0,
    probes: 1,
    probeGapMs: 0,
    successes: 2,
    leaseMs: 60_000,
    rampMs: 0,
  },
};

/** Share of the traffic admitted right after closing. */
const rampStart = 0.25;

/**
 * One circuit. `admit` before asking; `settle` exactly once with what came of it, whatever came. A stream reports
 * `answering` when its first content is there, so that a half-open circuit need not wait for its end, and is settled when
 * it ends.
 */
export class Breaker {
  readonly #options: BreakerSettings;
  readonly #window: OutcomeWindow;
  readonly #onChange: ((from: BreakerStateName, to: BreakerStateName, retryAfterMs: number | null) => void) | undefined;
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

  constructor(
    options: BreakerOptions = {},
    onChange?: (from: BreakerStateName, to: BreakerStateName, retryAfterMs: number | null) => void,
  ) {
    this.#options = { ...breakerPresets.default, ...options } as BreakerSettings;
    this.#window = new OutcomeWindow(this.#options.windowMs);
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
    return this.#state.name === 'open' && now >= this.#state.until ? 'half-open' : this.#state.name;
  }

  /** What `admit` would say, without taking anything. */
  wouldAdmit(now: number): boolean {
    switch (this.#state.name) {
      case 'closed':
        return true;
      case 'open':
        return now >= this.#state.until;
      case 'half-open':
        return this.#probeMayGo(this.#state, now);
    }
  }

  /** Something outside found the target well: probes may go now, without waiting for the open time to pass. */
  halfOpen(): void {
    if (this.#state.name === 'open') this.#enter(halfOpen(), null);
  }

  admit(now: number, random: Random): Permit | Refusal {
    if (this.#state.name === 'open') {
      if (now < this.#state.until) return { admitted: false, retryAfterMs: this.#state.until - now };
      this.#enter(halfOpen(), null);
    }
    if (this.#state.name === 'half-open') return this.#admitProbe(this.#state, now);
    return this.#admitRamping(now, random);
  }

  /** A stream began to answer under `permit`: a probe has shown what it was sent to show. */
  answering(permit: Permit, now: number): void {
    if (permit.era !== this.#era) return;
    if (this.#state.name === 'half-open') this.#probeSucceeded(permit, now);
    else {
      this.#consecutive = 0;
      this.#window.record(now, 1, 0);
    }
  }

  /**
   * Reports what came of a permit. `answered`: `answering` was reported for it before.
   * Results of an earlier era change nothing: they tell of a time the circuit has already judged.
   */
  settle(permit: Permit, countsAs: CountsAs, now: number, random: Random, answered = false): void {
    if (permit.era !== this.#era) return;
    if (this.#state.name === 'half-open') {
      if (this.#state.probes.has(permit)) this.#settleProbe(permit, countsAs, now, random);
      return;
    }
    switch (countsAs) {
      case 'success':
        this.#consecutive = 0;
        if (!answered) this.#window.record(now, 1, 0);
        return;
      case 'failure':
        this.#countFailure(now);
        this.#window.record(now, answered ? -1 : 0, 1);
        return this.#judge(now, random);
      case 'weak':
        this.#window.record(now, answered ? -1 : 0, 0.5);
        return this.#judge(now, random);
      case 'throttled':
      case 'neutral':
        if (answered) this.#window.record(now, -1, 0);
    }
  }

  #admitProbe(state: HalfOpen, now: number): Permit | Refusal {
    const { probes } = state;
    if (!this.#probeMayGo(state, now)) return { admitted: false, retryAfterMs: this.#options.openMs };
    for (const [permit, leasedUntil] of probes) if (leasedUntil <= now) probes.delete(permit);
    const permit: Permit = { admitted: true, era: this.#era, probe: true };
    probes.set(permit, now + this.#options.leaseMs);
    state.lastProbeAt = now;
    return permit;
  }

  /** Who finds a probe under way may be one too, a moment later: its answer can take seconds, and calls would be refused all that time. */
  #probeMayGo({ probes, lastProbeAt }: HalfOpen, now: number): boolean {
    let underWay = 0;
    for (const leasedUntil of probes.values()) if (leasedUntil > now) underWay += 1;
    return underWay === 0 || (underWay < this.#options.probes && now - lastProbeAt >= this.#options.probeGapMs);
  }

  #admitRamping(now: number, random: Random): Permit | Refusal {
    if (this.#rampFrom === never) return this.#permit;
    const passed = (now - this.#rampFrom) / this.#options.rampMs;
    if (!(passed < 1)) {
      this.#rampFrom = never;
      return this.#permit;
    }
    if (random() < rampStart + (1 - rampStart) * passed) return this.#permit;
    return { admitted: false, retryAfterMs: Math.ceil(this.#options.rampMs * (1 - passed)) };
  }

  #settleProbe(permit: Permit, countsAs: CountsAs, now: number, random: Random): void {
    if (this.#state.name !== 'half-open') return;
    switch (countsAs) {
      case 'success':
        return this.#probeSucceeded(permit, now);
      case 'failure':
      case 'weak':
        this.#countFailure(now);
        return this.#open(now, random);
      case 'throttled':
      case 'neutral':
        this.#state.probes.delete(permit);
    }
  }

  #probeSucceeded(permit: Permit, now: number): void {
    if (this.#state.name !== 'half-open' || !this.#state.probes.delete(permit)) return;
    this.#state.successes += 1;
    this.#consecutive = 0;
    if (this.#state.successes < this.#options.successes) return;
    this.#openings = 0;
    this.#window.clear();
    this.#rampFrom = this.#options.rampMs > 0 ? now : never;
    this.#enter({ name: 'closed' }, null);
  }

  #countFailure(now: number): void {
    if (this.#consecutive === 0) this.#failingSince = now;
    this.#consecutive += 1;
  }

  #judge(now: number, random: Random): void {
    const { successes, failures } = this.#window;
    const { consecutiveFailures, sustainedFailures, sustainedMs, minimumFailures, failureRate } = this.#options;
    const tooMany = failures >= minimumFailures && failures >= failureRate * (Math.max(0, successes) + failures);
    const sustained = Math.min(failures, this.#consecutive) >= sustainedFailures && now - this.#failingSince >= sustainedMs;
    if (tooMany || sustained || this.#consecutive >= consecutiveFailures) this.#open(now, random);
  }

  #open(now: number, random: Random): void {
    const { openMs, maxOpenMs, jitter } = this.#options;
    // What has failed for long is given longer, at once: of a short trouble nothing is known yet.
    const failingMs = this.#consecutive > 0 ? now - this.#failingSince : 0;
    const base = Math.max(openMs, Math.min(maxOpenMs, Math.max(failingMs, openMs * 2 ** this.#openings)));
    this.#openings = Math.min(this.#openings + 1, 32);
    const lengthMs = base * (1 - jitter + 2 * jitter * random());
    this.#enter({ name: 'open', until: now + lengthMs }, lengthMs);
  }

  #enter(state: State, retryAfterMs: number | null): void {
    const from = this.#state.name;
    this.#state = state;
    this.#era += 1;
    if (state.name === 'closed') this.#permit = { admitted: true, era: this.#era, probe: false };
    this.#onChange?.(from, state.name, retryAfterMs);
  }
}

const halfOpen = (): HalfOpen => ({ name: 'half-open', probes: new Map(), lastProbeAt: -never, successes: 0 });
