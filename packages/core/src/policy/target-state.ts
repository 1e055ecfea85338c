// What is known of one target: one state per kind of request and credential, so that no trouble spreads to others.

import { BoundedMap } from './bounded-map.ts';
import type { BreakerStateName } from './breaker.ts';
import { RouteState, type RouteChange, type RouteOptions } from './route-state.ts';
import type { TargetFacts } from './target.ts';

/** The kinds of request that may be broken while the others are well. */
export type RouteName = 'messages' | 'count_tokens' | 'other';

/** Whose request it is, as far as trouble can be theirs alone. */
export interface Credential {
  /** Tells one key or token from another. */
  readonly id: string;
  /** It was brought by a caller, and is not the operator's: what becomes of it concerns nobody else. */
  readonly isCallers: boolean;
}

export interface TargetReport {
  readonly name: string;
  readonly geo: string | null;
  readonly processor: string | null;
  /** Calls may be sent there now. */
  readonly usable: boolean;
  /** An operator has taken it out. */
  readonly disabled: boolean;
  /** Its circuits, by model. Those of `count_tokens` begin with `count_tokens/`. */
  readonly circuits: Readonly<Record<string, BreakerStateName>>;
  /** Share of recent attempts at messages that failed, 0 to 1. */
  readonly failureRate: number;
  /** Median time to the first content, milliseconds. */
  readonly firstContentMs: number | null;
  /** The models that it answers slowly now, by its own standards. */
  readonly slow: readonly string[];
  readonly throttledUntil: number | null;
  /** Locked out (spend limit, refused key) until then: asked only where nobody else can answer. */
  readonly disabledUntil: number | null;
}

export interface TargetStateOptions extends Omit<RouteOptions, 'onChange'> {
  readonly onChange: (change: RouteChange, now: number, route: RouteName) => void;
}

/** Tokens are renewed every hour or so, and callers bring as many as they like. */
const most = { operator: 32, callers: 256 };

interface Part {
  readonly route: RouteName;
  readonly state: RouteState;
}

/** One target: a `RouteState` for each kind of request and credential, and whether an operator has taken it out of service. */
export class TargetState {
  readonly facts: TargetFacts;
  readonly #options: TargetStateOptions;
  readonly #operator = new BoundedMap<Part>(most.operator);
  readonly #callers = new BoundedMap<Part>(most.callers);
  #isDisabled = false;

  constructor(facts: TargetFacts, options: TargetStateOptions) {
    this.facts = facts;
    this.#options = options;
  }

  /** What is known of it for requests of this kind, made with this credential. */
  of(route: RouteName, { id, isCallers }: Credential): RouteState {
    const parts = isCallers ? this.#callers : this.#operator;
    return parts.use(`${route}/${id}`, () => {
      // What becomes of a caller's own credential is no news of the target.
      const onChange = (change: RouteChange, now: number): void => (isCallers ? undefined : this.#options.onChange(change, now, route));
      return { route, state: new RouteState({ ...this.#options, onChange }) };
    }).state;
  }

  /** An operator has taken it out by hand: it is asked by nobody. */
  get isDisabled(): boolean {
    return this.#isDisabled;
  }

  disable(): void {
    this.#isDisabled = true;
  }

  /** Back in service, with nothing held against it. */
  enable(): void {
    this.#isDisabled = false;
    this.forgive();
  }

  /** It was found well: lockouts and hints end, and its circuits take probes. */
  forgive(): void {
    for (const { state } of this.#operator.values()) state.forgive();
  }

  isIll(now: number): boolean {
    return [...this.#operator.values()].some(({ state }) => state.isIll(now));
  }

  /** The operator's circuits. Of several credentials, the one that came last tells. */
  *circuits(now: number): Iterable<[string, BreakerStateName]> {
    for (const { route, state } of this.#operator.values())
      for (const [circuit, name] of state.circuits(now)) yield [circuitLabel(route, circuit), name];
  }

  /** `isLone`: a locked-out target is asked all the same, since nobody else can answer. */
  report(now: number, isLone: boolean): TargetReport {
    const { name, geo, processor } = this.facts;
    const messages = [...this.#operator.values()].filter(({ route }) => route === 'messages').map(({ state }) => state);
    const lockedOut = messages.length > 0 && messages.every((state) => state.disabledUntil(now) !== null);
    const open = messages.map((state) => [...state.circuits(now)].map(([, circuit]) => circuit));
    const allOpen = open.flat().length > 0 && open.flat().every((state) => state === 'open');
    const latestOf = (times: readonly (number | null)[]): number | null => {
      const known = times.filter((time) => time !== null);
      return known.length === 0 ? null : Math.max(...known);
    };
    return {
      name,
      geo,
      processor,
      usable: !this.#isDisabled && !allOpen && (isLone || !lockedOut),
      disabled: this.#isDisabled,
      circuits: Object.fromEntries(this.circuits(now)),
      failureRate: Math.max(0, ...messages.map(({ illness }) => illness)),
      firstContentMs: messages.map((state) => state.firstContentMs()).findLast((ms) => ms !== null) ?? null,
      slow: [...new Set(messages.flatMap((state) => state.slow(now)))],
      throttledUntil: latestOf(messages.map((state) => state.throttledUntil(now))),
      disabledUntil: lockedOut ? latestOf(messages.map((state) => state.disabledUntil(now))) : null,
    };
  }
}

/** The name of a circuit in events and reports: that of the model where it is for messages. */
export const circuitLabel = (route: RouteName, circuit: string): string => (route === 'messages' ? circuit : `${route}/${circuit}`);
