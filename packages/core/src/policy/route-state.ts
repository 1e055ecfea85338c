// What is known of one kind of request at one target: its circuits, hints, health and latency. Synchronous; time is an argument.

import type { Random } from '../time.ts';
import { BoundedMap } from './bounded-map.ts';
import { Breaker, type BreakerCaller, type BreakerStateName, type Offer, type Permit } from './breaker.ts';
import type { BreakerSettings } from './breaker-options.ts';
import { Samples } from './latency.ts';
import { Pace, paceOf, type SlowOptions } from './pace.ts';
import type { Verdict } from './verdict.ts';

/** What a call is, for the state it meets and leaves behind. */
export interface Asking {
  /** The name of its circuit: model and speed. Null: a route that has no circuits. */
  readonly circuit: string | null;
  readonly stream: boolean;
  /** Names the requests that take about as long as this one: samples of others say nothing about it. */
  readonly peers: string;
}

/** How a target is for one call, at one moment. */
export interface RouteView {
  /** Its circuit as this call meets it. */
  readonly offer: Offer;
  /** A hint says not to ask before then, milliseconds since the epoch; 0 if none. */
  readonly throttledUntil: number;
  /** Spent or locked out until then; 0 if not. */
  readonly disabledUntil: number;
  /** Recent failures, 0 (none) to 1. */
  readonly illness: number;
  /** It answers slowly by its own standards. */
  readonly slow: boolean;
}

/** What was observed of an attempt, milliseconds since it began. */
export interface Observed {
  readonly firstContentMs: number;
  /** Output tokens and the time they took, for whole answers. */
  readonly outputTokens?: number;
}

export type RouteChange =
  | {
      readonly type: 'breaker-changed';
      readonly circuit: string;
      readonly from: BreakerStateName;
      readonly to: BreakerStateName;
      readonly retryAfterMs: number | null;
    }
  | {
      readonly type: 'target-pace-changed';
      readonly key: string;
      readonly slow: boolean;
      readonly recentMs: number;
      readonly usualMs: number;
    }
  | { readonly type: 'target-disabled'; readonly kind: Verdict['kind']; readonly until: number };

export interface RouteOptions {
  /** Null: no circuits. */
  readonly breaker: BreakerSettings | null;
  /** False: time plays no part. */
  readonly slow: SlowOptions | false;
  readonly onChange: (change: RouteChange, now: number) => void;
  /** The first moment of the next month, milliseconds since the Unix epoch. */
  readonly nextMonth: (now: number) => number;
}

/** Distinct models are few; a caller who invents ids must not grow memory, nor make a real circuit disappear. */
const most = 256;
/** Somebody may mend a key or raise a limit at any time: look again now and then. Milliseconds. */
const lookAgain = { account: 3_600_000, credentials: 60_000 };
/** A 429 without a hint, milliseconds. */
const usualThrottleMs = 1_000;

const openDoor: Offer = { type: 'admits' };

/**
 * What is known of one kind of request at one target, made with one credential: circuits, hints and lockout, health, latency.
 * `view` says how it is for a call, `admit` and `settle` go around each attempt.
 */
export class RouteState {
  readonly #options: RouteOptions;
  readonly #circuits = new BoundedMap<Breaker>(most, (breaker) => breaker.isIdle);
  readonly #latency = new BoundedMap<Samples>(most);
  readonly #paces = new BoundedMap<Pace>(most);
  /** By circuit: models and speeds have limits of their own. */
  readonly #hints = new BoundedMap<Hint>(most);
  #now = 0;
  #disabledUntil = 0;
  /** Moving average of failures, 0 to 1. */
  #illness = 0;

  constructor(options: RouteOptions) {
    this.#options = options;
  }

  /** How it is for a call. `chance`: 0 to 1, decides whether a returning target takes it. */
  view(asking: Asking, now: number, chance: number, caller: BreakerCaller): RouteView {
    return {
      offer: this.#breaker(asking, now)?.offer(now, chance, caller) ?? openDoor,
      throttledUntil: asking.circuit === null ? 0 : (this.#hints.get(asking.circuit)?.until ?? 0),
      disabledUntil: this.#disabledUntil,
      illness: this.#illness,
      slow: this.#pace(asking)?.isSlow(now) ?? false,
    };
  }

  /** Nothing stands in the way of a call: the short form of `view` for the way that almost every call goes. */
  isWell(asking: Asking, now: number): boolean {
    if (this.#disabledUntil > now) return false;
    if (asking.circuit === null) return true;
    if (this.#hints.size > 0 && (this.#hints.get(asking.circuit)?.until ?? 0) > now) return false;
    const breaker = this.#breaker(asking, now);
    return (breaker === null || breaker.isClosed) && !(this.#pace(asking)?.isSlow(now) ?? false);
  }

  /** Leave to ask, given as `view` announced it; null where there is no circuit, or a refusal is overruled. */
  admit(asking: Asking, now: number, caller: BreakerCaller): Permit | null {
    const breaker = this.#breaker(asking, now);
    if (breaker === null) return null;
    if (breaker.isClosed) return breaker.admitClosed();
    // A call that comes although the target spares itself is not sent away by chance.
    const permit = breaker.admit(now, never, { ...caller, patienceMs: 0 });
    return permit.admitted ? permit : null;
  }

  /** Takes the place in line that `view` offered. */
  waitInLine(asking: Asking, now: number, caller: BreakerCaller): void {
    this.#breaker(asking, now)?.admit(now, never, caller);
  }

  /** True, now and then: this call should look whether the target is still slow. */
  takeLook(asking: Asking, now: number): boolean {
    return this.#pace(asking)?.takeLook(now) ?? false;
  }

  /** A stream began to answer. Returns what that earned its circuit, for `settle`. */
  answering(asking: Asking, permit: Permit | null, { firstContentMs }: Observed, now: number): number {
    const earned = permit ? (this.#breaker(asking, now)?.answering(permit, now) ?? 0) : 0;
    if (!asking.stream) return earned;
    this.samples(asking).add(firstContentMs);
    this.#pace(asking)?.add(paceOf(firstContentMs, 0), now);
    return earned;
  }

  /** An attempt ended. */
  settle(
    asking: Asking,
    verdict: Verdict,
    { permit, earned, tookMs, observed }: { permit: Permit | null; earned: number | null; tookMs: number; observed?: Observed | undefined },
    now: number,
    random: Random,
  ): void {
    if (permit) this.#breaker(asking, now)?.settle(permit, verdict.countsAs, now, random, earned, tookMs);
    if (observed?.outputTokens) {
      this.samples(asking).add(observed.firstContentMs);
      this.#pace(asking)?.add(paceOf(observed.firstContentMs, observed.outputTokens), now);
    }
    this.#noteHealth(asking, verdict, now, now - tookMs);
  }

  /** How long requests like this one took to answer: a stream to its first content, others to their end. */
  samples({ peers }: Asking): Samples {
    return this.#latency.use(peers, newSamples);
  }

  /** Somebody found it well, or made it so: whoever comes next may see. */
  forgive(): void {
    this.#disabledUntil = 0;
    this.#illness = 0;
    for (const [circuit] of this.#hints) this.#hints.delete(circuit);
    for (const circuit of this.#circuits.values()) circuit.halfOpen();
  }

  /** It could not be asked just now. */
  isIll(now: number): boolean {
    return this.#disabledUntil > now || [...this.#circuits.values()].some((circuit) => circuit.stateAt(now) !== 'closed');
  }

  get illness(): number {
    return this.#illness;
  }

  /** Milliseconds since the epoch; null if it is not locked out. */
  disabledUntil(now: number): number | null {
    return this.#disabledUntil > now ? this.#disabledUntil : null;
  }

  /** The latest hint that is still to be heeded, milliseconds since the epoch. */
  throttledUntil(now: number): number | null {
    const last = Math.max(now, ...[...this.#hints.values()].map(({ until }) => until));
    return last > now ? last : null;
  }

  *circuits(now: number): Iterable<[string, BreakerStateName]> {
    for (const [circuit, breaker] of this.#circuits) yield [circuit, breaker.stateAt(now)];
  }

  /** What it answers slowly now. */
  slow(now: number): string[] {
    return [...this.#paces].filter(([, pace]) => pace.isSlow(now)).map(([key]) => key);
  }

  /** Median time to the first content of its streams over all models, milliseconds. */
  firstContentMs(): number | null {
    const medians = [...this.#latency].filter(([key]) => key.includes('/stream/')).flatMap(([, samples]) => samples.quantile(0.5) ?? []);
    return medians.length === 0 ? null : (medians.sort((a, b) => a - b)[medians.length >> 1] as number);
  }

  #breaker({ circuit }: Asking, now: number): Breaker | null {
    const { breaker, onChange } = this.#options;
    if (breaker === null || circuit === null) return null;
    this.#now = now;
    return this.#circuits.use(
      circuit,
      () =>
        new Breaker(breaker, (from, to, retryAfterMs) => onChange({ type: 'breaker-changed', circuit, from, to, retryAfterMs }, this.#now)),
    );
  }

  #pace({ circuit, stream }: Asking): Pace | null {
    const { slow, onChange } = this.#options;
    if (slow === false || circuit === null) return null;
    const key = stream ? circuit : `${circuit}/whole`;
    return this.#paces.use(
      key,
      () =>
        new Pace(slow, (isSlow, recentMs, usualMs) =>
          onChange({ type: 'target-pace-changed', key, slow: isSlow, recentMs, usualMs }, this.#now),
        ),
    );
  }

  #noteHealth({ circuit }: Asking, verdict: Verdict, now: number, sentAt: number): void {
    switch (verdict.countsAs) {
      case 'success':
        this.#illness *= 0.8;
        if (circuit !== null) this.#hints.delete(circuit);
        this.#disabledUntil = 0;
        break;
      case 'failure':
      case 'weak':
        this.#illness += (1 - this.#illness) * 0.2;
        break;
      case 'throttled':
        if (circuit !== null) this.#throttle(circuit, { until: now + (verdict.waitMs ?? usualThrottleMs), at: now }, sentAt);
        break;
      case 'neutral':
    }
    if (verdict.disable) this.#disable(verdict.kind, verdict.disable, now);
  }

  /** The answer to a request that was sent after a hint was given may shorten it, but not one to a request that was under way. */
  #throttle(circuit: string, hint: Hint, sentAt: number): void {
    const before = this.#hints.get(circuit);
    if (before && hint.until < before.until && sentAt < before.at) return;
    this.#hints.delete(circuit);
    this.#hints.use(circuit, () => hint);
  }

  #disable(kind: Verdict['kind'], how: NonNullable<Verdict['disable']>, now: number): void {
    const { nextMonth, onChange } = this.#options;
    this.#disabledUntil = how === 'month-end' ? Math.min(nextMonth(now), now + lookAgain.account) : now + lookAgain.credentials;
    onChange({ type: 'target-disabled', kind, until: this.#disabledUntil }, now);
  }
}

/** When the target may be asked again, and when it said so. */
interface Hint {
  readonly until: number;
  readonly at: number;
}

const newSamples = (): Samples => new Samples();

/** Takes every chance. */
const never: Random = () => 0;
