// Arranges the targets for one call: what it may ask, and how each of them is now. Decides and sends nothing.

import type { Target, TargetOptions } from '../options.ts';
import { adapt, type Adapted } from '../policy/adapt.ts';
import type { BreakerStateName, Permit } from '../policy/breaker.ts';
import { fenceDenial, fenceOfRequest } from '../policy/fence.ts';
import type { Look, TargetView } from '../policy/journey.ts';
import type { Asking, RouteState } from '../policy/route-state.ts';
import { hashFraction, stickyKeyOf } from '../policy/sticky.ts';
import type { TargetFacts } from '../policy/target.ts';
import { circuitLabel, TargetState, type RouteName, type TargetReport } from '../policy/target-state.ts';
import type { Settings } from '../settings.ts';
import { backgroundClock, nextMonth } from '../time.ts';
import type { Call } from './call.ts';
import { startProbes, type ProbedTarget } from './probe.ts';
import { tell } from './tell.ts';
import { factsOf } from './target-facts.ts';

/** One target as one part of a call could use it. Made once, however often it is looked at. */
export interface Plan {
  readonly facts: TargetFacts;
  /** The client to send with; null: the one that carries the middleware. */
  readonly client: Target['client'] | null;
  /** Why it must not be used; null: it may. */
  readonly excluded: string | null;
  /** The request as this target wants it; null: as the caller made it. */
  readonly adapted: Extract<Adapted, { type: 'ok' }> | null;
  readonly asking: Asking;
  readonly state: RouteState;
}

/** What a pursuit asks for: which model, with which body. */
export interface Want {
  readonly call: Call;
  readonly model: string | null;
  /** The body to send, or null for the caller's own, byte for byte. */
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly prefer: string | null;
  readonly plans: Map<string, Plan>;
}

/** How a circuit sees whoever looks. */
export interface Caller {
  readonly patienceMs: number;
  readonly waited: boolean;
}

export interface Router {
  /** All targets as they are now. `first`: nobody has been asked yet, and the first target is enough if it is well. */
  look(want: Want, now: number, caller: Caller, first: boolean): Look;
  plan(want: Want, target: string): Plan;
  /** The circuit's leave to ask, after a look that said so. */
  admit(plan: Plan, want: Want, now: number): Permit | null;
  /** Takes the place in line that the look announced. */
  waitInLine(plan: Plan, want: Want, now: number, caller: Caller): void;
  /** The key that keeps a conversation at one target; null if it has none. */
  stickyKey(call: Call): string | null;
  /** Somebody other than `target` may ever take it. */
  hasOthers(want: Want, target: string): boolean;
  circuits(): Iterable<{ readonly target: string; readonly circuit: string; readonly state: BreakerStateName }>;
  report(): TargetReport[];
  /** Takes a target out of service by hand, or back. False: there is none of that name. */
  setInService(target: string, inService: boolean): boolean;
  /** Stops probing. */
  close(): void;
}

interface Entry {
  readonly target: TargetState;
  readonly client: Target['client'] | null;
}

export function createRouter(settings: Settings): Router {
  return new TargetRouter(settings);
}

class TargetRouter implements Router {
  readonly #settings: Settings;
  readonly #entries: readonly Entry[];
  readonly #first: Entry;
  readonly #stickyKeys = new WeakMap<Call, string | null>();
  readonly close: () => void;

  constructor(settings: Settings) {
    const { options, clock } = settings;
    this.#settings = settings;
    const others = options.targets ?? [];
    this.#first = this.#entry(options.primary?.name ?? 'primary', options.primary ?? {}, null, others.length > 0);
    this.#entries = [this.#first, ...others.map((target) => this.#entry(target.name, target, target.client, true))];
    const probed = this.#entries.flatMap((entry) => probedTarget(entry, () => clock.now()));
    this.close = options.probeEveryMs ? startProbes(probed, options.probeEveryMs, options.clock ?? backgroundClock) : () => {};
  }

  look(want: Want, now: number, caller: Caller, first: boolean): Look {
    const { budgets, options } = this.#settings;
    if (first && (want.prefer === null || want.prefer === this.#first.target.facts.name) && options.route !== 'weighted') {
      const plan = this.#plan(want, this.#first);
      // The way almost every call goes: nobody else is looked at.
      if (plan.excluded === null && plan.state.isWell(plan.asking, now)) return { targets: [wellView(plan)], budget: true, lookAt: null };
    }
    const chance = this.#chance(want.call);
    const targets = this.#entries.map((entry) => this.#view(this.#plan(want, entry), now, chance, caller, want.call.stream));
    return { targets, budget: budgets.of(want.call).canPay(now), lookAt: first ? this.#lookAt(want, targets, now) : null };
  }

  plan(want: Want, target: string): Plan {
    return this.#plan(want, this.#entries.find((entry) => entry.target.facts.name === target) as Entry);
  }

  admit(plan: Plan, { call }: Want, now: number): Permit | null {
    return plan.state.admit(plan.asking, now, { isWhole: !call.stream });
  }

  waitInLine(plan: Plan, { call }: Want, now: number, caller: Caller): void {
    plan.state.waitInLine(plan.asking, now, { ...caller, isWhole: !call.stream });
  }

  stickyKey(call: Call): string | null {
    let key = this.#stickyKeys.get(call);
    if (key === undefined) this.#stickyKeys.set(call, (key = stickyKeyOf(call.body, call.perCall.stickyKey)));
    return key;
  }

  hasOthers(want: Want, target: string): boolean {
    return this.#entries.some((entry) => entry.target.facts.name !== target && this.#plan(want, entry).excluded === null);
  }

  *circuits(): Iterable<{ readonly target: string; readonly circuit: string; readonly state: BreakerStateName }> {
    const now = this.#settings.clock.now();
    for (const { target } of this.#entries)
      for (const [circuit, state] of target.circuits(now)) yield { target: target.facts.name, circuit, state };
  }

  report(): TargetReport[] {
    const now = this.#settings.clock.now();
    return this.#entries.map(({ target }) => target.report(now, this.#entries.length === 1));
  }

  setInService(name: string, inService: boolean): boolean {
    const entry = this.#entries.find(({ target }) => target.facts.name === name);
    if (inService) entry?.target.enable();
    else entry?.target.disable();
    return entry !== undefined;
  }

  /** The slow target that this call should look at, if it is time. */
  #lookAt(want: Want, targets: readonly TargetView[], now: number): string | null {
    if (!targets.some(({ slow }) => slow)) return null;
    const well = targets.filter((view) => !view.excluded && isWell(view, now));
    // Where nobody is quick, the slow ones are asked anyway.
    if (well.every(({ slow }) => slow)) return null;
    return (
      well.find(({ slow, name }) => {
        const { state, asking } = this.plan(want, name);
        return slow && state.takeLook(asking, now);
      })?.name ?? null
    );
  }

  #view(plan: Plan, now: number, chance: number, caller: Caller, stream: boolean): TargetView {
    const { name, weight } = plan.facts;
    const excluded = plan.excluded !== null;
    return { name, weight, excluded, ...plan.state.view(plan.asking, now, chance, { ...caller, isWhole: !stream }) };
  }

  /** A returning target gets conversations one by one: each comes back once, and not to and fro with every call. */
  #chance(call: Call): number {
    if (this.#entries.length === 1) return 0;
    const key = this.stickyKey(call);
    return key === null ? this.#settings.random() : hashFraction(key);
  }

  #plan(want: Want, entry: Entry): Plan {
    const { name } = entry.target.facts;
    let plan = want.plans.get(name);
    if (!plan) want.plans.set(name, (plan = this.#makePlan(want, entry)));
    return plan;
  }

  #makePlan(want: Want, { target, client }: Entry): Plan {
    const { call } = want;
    const { facts } = target;
    const isOwn = client === null && want.model === call.model;
    const fenced = this.#fenceDenial(want, facts);
    if (fenced) this.#tellOnce(call, 'fence-denied', facts.name, fenced);
    const why = fenced ?? (target.isDisabled ? 'taken out of service' : null) ?? (isOwn ? null : cannotTravel(want, target, client));
    const adapted = why === null && !(client === null && want.body === null && isOwn) ? adaptedFor(want, facts, client) : null;
    const unfit = adapted?.type === 'ineligible' && !isOwn ? adapted.reason : null;
    if (unfit) this.#tellOnce(call, 'target-ineligible', facts.name, unfit);
    return {
      facts,
      client,
      excluded: why ?? unfit,
      adapted: adapted?.type === 'ok' ? adapted : null,
      asking: askingFor(want, facts),
      // What a target's own client signs with has nothing to do with the credential of the request.
      state: target.of(call.route, client === null ? call.credential : ownCredential),
    };
  }

  #fenceDenial({ call }: Want, facts: TargetFacts): string | null {
    const { options } = this.#settings;
    if (!options.fence && !call.perCall.fence && !call.body?.['inference_geo']) return null;
    // On the first target Anthropic itself keeps the request where inference_geo says.
    const ofRequest = facts.name === this.#first.target.facts.name ? undefined : fenceOfRequest(call.body);
    return fenceDenial(facts, [options.fence, call.perCall.fence, ofRequest]);
  }

  #tellOnce(call: Call, type: 'fence-denied' | 'target-ineligible', target: string, why: string): void {
    tell(this.#settings, call, () => ({ type, callId: call.id, at: this.#settings.clock.now(), target, why }));
  }

  #entry(name: string, options: TargetOptions, client: Target['client'] | null, hasOthers: boolean): Entry {
    const { emitter, breaker, options: all } = this.#settings;
    const target: TargetState = new TargetState(factsOf(name, options, client), {
      // A returning target is spared for a while, and a slow one passed over, only where calls have somewhere else to go.
      breaker: breaker && !hasOthers ? { ...breaker, rampMs: 0 } : breaker,
      slow: hasOthers && all.slow !== false ? (all.slow ?? {}) : false,
      nextMonth,
      onChange: (change, at, route) => {
        if (emitter.active) emitter.emit({ at, target: name, ...labelled(change, route) });
      },
    });
    return { target, client };
  }
}

const ownCredential = { id: '', isCallers: false };

const wellView = ({ facts: { name, weight } }: Plan): TargetView => ({
  name,
  weight,
  excluded: false,
  offer: admits,
  throttledUntil: 0,
  disabledUntil: 0,
  illness: 0,
  slow: false,
});
const admits = { type: 'admits' } as const;

const isWell = ({ offer, throttledUntil, disabledUntil }: TargetView, now: number): boolean =>
  offer.type !== 'refuses' && throttledUntil <= now && disabledUntil <= now;

/** Only calls whose meaning is known travel, and only at the expense of whoever pays for the target. */
function cannotTravel({ call, model }: Want, { facts }: TargetState, client: Target['client'] | null): string | null {
  if (client !== null && call.credential.isCallers) return 'the caller brought a credential of its own';
  if (call.route === 'other') return 'only messages travel';
  if (call.thread) return 'message threads stay where their history is';
  if (!call.body || model === null) return 'its body cannot be read';
  return call.route === 'count_tokens' && !facts.capabilities.countTokens ? 'it counts no tokens' : null;
}

const adaptedFor = ({ call, body, model }: Want, facts: TargetFacts, client: Target['client'] | null): Adapted =>
  adapt({
    body: body ?? (call.body as Record<string, unknown>),
    betas: call.request.headers.get('anthropic-beta'),
    version: call.request.headers.get('anthropic-version'),
    target: facts,
    model: model as string,
    originalModel: call.model as string,
    sameAccount: client === null,
  });

/** Limits and overload are per model, and fast mode has a pool of its own, where there is a fast mode. */
function askingFor({ call, model, body }: Want, { capabilities }: TargetFacts): Asking {
  const isFast = capabilities.speed && model === call.model && (body ?? call.body)?.['speed'] === 'fast';
  const circuit = call.route === 'other' ? null : `${model ?? 'none'}${isFast ? '+fast' : ''}`;
  return { circuit, stream: call.stream, peers: `${circuit}/${call.stream ? 'stream' : 'whole'}/${call.sizeClass}` };
}

/** The first target has no client of ours to ask with: real calls probe it. */
function probedTarget({ target, client }: Entry, now: () => number): ProbedTarget[] {
  if (client === null) return [];
  return [{ name: target.facts.name, client, isIll: () => target.isIll(now()), onWell: () => target.forgive() }];
}

type Change = Parameters<ConstructorParameters<typeof TargetState>[1]['onChange']>[0];

/** Events name the circuit as reports do. */
function labelled(change: Change, route: RouteName): Change {
  return change.type === 'breaker-changed' ? { ...change, circuit: circuitLabel(route, change.circuit) } : change;
}
