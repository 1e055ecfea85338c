// Where a call goes next: targets, their circuits and their health behind one small interface.

import type { Target, TargetOptions } from '../options.ts';
import { adapt } from '../policy/adapt.ts';
import { Breaker, type BreakerStateName, type Permit } from '../policy/breaker.ts';
import { withDefaults } from '../policy/defaults.ts';
import { fenceDenial, fenceOfRequest } from '../policy/fence.ts';
import { Samples } from '../policy/latency.ts';
import { limitsFor } from '../policy/limits.ts';
import { Pace, paceOf } from '../policy/pace.ts';
import { isWell, route, type Candidate } from '../policy/route.ts';
import { hashFraction, stickyKeyOf } from '../policy/sticky.ts';
import { defaultsOf, isCloud, targetKind, type TargetFacts, type TargetKind } from '../policy/target.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { Settings } from '../settings.ts';
import type { SurfaceReason } from '../telemetry/events.ts';
import { backgroundClock, nextMonth, type Random } from '../time.ts';
import type { Call } from './call.ts';
import { dispatch } from './dispatch.ts';
import { nestedMark } from './nested.ts';
import { startProbes, type ProbedTarget } from './probe.ts';
import { tell } from './tell.ts';

/** One attempt's way: a target, a model, the body it wants, and the circuit's permission. */
export interface Hop {
  readonly target: string;
  /** The model as the target names it. */
  readonly model: string | null;
  /** Sends the request there. */
  readonly send: (signal: AbortSignal) => Promise<Response>;
  readonly why: string;
  /** What the target's own request had to leave out. */
  readonly leftOut: readonly string[];
  /** The request differs from the caller's by our adaptation: its refusal may be our fault. */
  readonly adapted: boolean;
  readonly isPrimary: boolean;
  /** Milliseconds. */
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
  /** A stream began to answer. `settle` follows when it ends. */
  answering(observed: Observed): void;
  /** Settles the circuit, health and hints, once. */
  settle(verdict: Verdict, observed?: Observed): void;
}

/** Milliseconds since the attempt began. */
export interface Observed {
  readonly firstContentMs: number;
  /** Output tokens and the time they took, for whole answers. */
  readonly outputTokens?: number;
}

export type HopChoice =
  | { readonly type: 'hop'; readonly hop: Hop }
  | {
      readonly type: 'refused';
      readonly reason: SurfaceReason;
      readonly target: string | null;
      readonly retryAfterMs: number | null;
      readonly place: false;
    }
  /** The circuit is open, and the call has a place in line: `choose` again after `retryAfterMs`. */
  | {
      readonly type: 'refused';
      readonly reason: 'circuit-open';
      readonly target: string;
      readonly retryAfterMs: number;
      readonly place: true;
    };

/** What a pursuit asks for: which model with which body, and where it may go. */
export interface Want {
  readonly call: Call;
  readonly model: string | null;
  /** The body to send, or null for the caller's own, byte for byte. */
  readonly body: Readonly<Record<string, unknown>> | null;
  /** Targets asked in this pursuit, in order. */
  readonly tried: readonly string[];
  /** Only this target may answer (thinking and account-bound content do not travel). */
  readonly only: string | null;
  /** Prefer this target if it is well: it holds the prompt cache. */
  readonly prefer: string | null;
}

export interface Patience {
  /** Milliseconds. */
  readonly ms: number;
  /** The call comes for the place in line that it was given. */
  readonly waited: boolean;
}

export interface TargetReport {
  readonly name: string;
  readonly geo: string | null;
  readonly processor: string | null;
  /** It may be asked now. */
  readonly usable: boolean;
  /** Its circuits, by model. */
  readonly circuits: Readonly<Record<string, BreakerStateName>>;
  /** Share of recent attempts that failed, 0 to 1. */
  readonly failureRate: number;
  /** Median time to the first content, milliseconds. */
  readonly firstContentMs: number | null;
  /** The models that it answers slowly now, by its own standards. */
  readonly slow: readonly string[];
  readonly throttledUntil: number | null;
  readonly disabledUntil: number | null;
}

export interface Router {
  /** `patience`: how long the call would wait for an open circuit, where there is no other. */
  choose(want: Want, now: number, patience: Patience): HopChoice;
  /** An untried healthy target would take this. */
  elsewhere(want: Want): boolean;
  /** Some target may be asked (again) after a wait. */
  here(want: Want): boolean;
  /** How many targets could ever take this; bounds the attempts of a pursuit. */
  count(want: Want): number;
  circuits(): Iterable<{ readonly target: string; readonly circuit: string; readonly state: BreakerStateName }>;
  report(): TargetReport[];
  /** Stops probing. */
  close(): void;
}

/** Distinct models are few; a caller who invents ids must not grow memory. */
const maxCircuits = 256;

interface Place {
  readonly facts: TargetFacts;
  readonly client: Target['client'] | null;
  readonly circuits: Map<string, Breaker>;
  readonly firstContent: Samples;
  readonly tokenMs: Samples;
  /** How quick it is, by model and speed, for streams and for whole answers. Empty where there is nowhere else to go. */
  readonly paces: Map<string, Pace>;
  /** Hints by model and speed, which have limits of their own. Milliseconds since the epoch. */
  readonly throttledUntil: Map<string, number>;
  disabledUntil: number;
  /** Moving average of failures, 0 to 1. */
  illness: number;
}

export function createRouter(settings: Settings): Router {
  const { options, clock, random } = settings;
  const primaryName = options.primary?.name ?? 'primary';
  const places: Place[] = [
    place(primaryName, options.primary ?? {}, null),
    ...(options.targets ?? []).map((target) => place(target.name, target, target.client)),
  ];
  const byName = new Map(places.map((entry) => [entry.facts.name, entry]));
  const mode = options.route ?? 'ordered';
  const stickyKeys = new WeakMap<Call, string | null>();
  const given = settings.breaker;
  // A returning target is spared for a while only where calls have somewhere else to go.
  const breakerOptions = given && places.length === 1 ? { ...given, rampMs: 0 } : given;
  const stopProbes = options.probeEveryMs
    ? startProbes(places.flatMap(probed), options.probeEveryMs, options.clock ?? backgroundClock)
    : () => {};

  return {
    choose,
    elsewhere: (want) => candidates(want).some((candidate) => !candidate.excluded && !candidate.tried && isWell(candidate, clock.now())),
    here: (want) => candidates(want).some((candidate) => !candidate.excluded && !candidate.open),
    count: (want) => (places.length === 1 ? 1 : candidates(want).filter((candidate) => !candidate.excluded).length),
    *circuits() {
      for (const { facts, circuits } of places)
        for (const [circuit, breaker] of circuits) yield { target: facts.name, circuit, state: breaker.stateAt(clock.now()) };
    },
    report: () => places.map((entry) => reportOf(entry, clock.now())),
    close: stopProbes,
  };

  /** The first target has no client of ours to ask with: real calls probe it. */
  function probed(entry: Place): ProbedTarget[] {
    const { client, facts } = entry;
    if (client === null) return [];
    return [
      {
        name: facts.name,
        client,
        isIll: () =>
          entry.disabledUntil > clock.now() || [...entry.circuits.values()].some((circuit) => circuit.stateAt(clock.now()) !== 'closed'),
        onWell: () => {
          entry.disabledUntil = 0;
          entry.illness = 0;
          for (const circuit of entry.circuits.values()) circuit.halfOpen();
        },
      },
    ];
  }

  function choose(want: Want, now: number, patience: Patience): HopChoice {
    // One target, nothing to compare: the way almost every call goes.
    const only = places.length === 1 ? (places[0] as Place) : null;
    if (only && want.model === want.call.model && !fenced(only, want))
      return admit(only, want, want.tried.length === 0 ? 'order' : 'again', now, patience);

    let list = candidates(want);
    const looking = want.tried.length === 0 ? takeLook(list, want) : null;
    if (looking !== null) list = list.map((candidate) => (candidate.name === looking ? { ...candidate, slow: false } : candidate));
    let spared: Place | null = null;
    for (;;) {
      const sticky = mode === 'weighted' ? stickyKey(want.call) : null;
      const choice = route({ candidates: list, mode, prefer: want.prefer, sticky, now: clock.now(), random });
      const isWorst = choice.type === 'none' || choice.why === 'least-bad';
      // Sparing a target that is coming back is for calls that have somewhere else to go.
      if (isWorst && spared) return admit(spared, want, 'least-bad', now, null, nobodySpared);
      if (choice.type === 'none') {
        if (choice.why === 'excluded') return { type: 'refused', reason: 'no-target', target: null, retryAfterMs: null, place: false };
        const allowed = list.filter((candidate) => !candidate.excluded);
        const first = byName.get(allowed[0]?.name ?? primaryName) as Place;
        return admit(first, want, 'order', now, allowed.length === 1 ? patience : null);
      }
      const why = choice.name === looking ? 'look' : choice.why;
      const entry = byName.get(choice.name) as Place;
      const admitted = admit(entry, want, why, now, null);
      if (admitted.type === 'hop') return admitted;
      if (isWorst) return { type: 'hop', hop: hopTo(entry, want, why, null, null, now) };
      // It is coming back, and this call is not among the first: for this call it is as good as open.
      if (circuitOf(entry, want)?.stateAt(now) === 'closed') spared ??= entry;
      list = list.map((candidate) => (candidate.name === choice.name ? { ...candidate, open: true } : candidate));
    }
  }

  /** The slow target that this call should look at, if it is time. */
  function takeLook(list: readonly Candidate[], want: Want): string | null {
    if (!list.some(({ slow }) => slow)) return null;
    const now = clock.now();
    const well = list.filter((candidate) => !candidate.excluded && isWell(candidate, now));
    // Where nobody is quick, the slow ones are asked anyway.
    if (well.every(({ slow }) => slow)) return null;
    return well.find(({ slow, name }) => slow && paceAt(byName.get(name) as Place, want)?.takeLook(now))?.name ?? null;
  }

  function candidates(want: Want): Candidate[] {
    const now = clock.now();
    return places.map((entry) => ({
      name: entry.facts.name,
      weight: entry.facts.weight,
      excluded: (want.only !== null && want.only !== entry.facts.name) || fenced(entry, want) || !eligible(entry, want),
      tried: want.tried.includes(entry.facts.name),
      open: circuitOf(entry, want)?.wouldAdmit(now) === false,
      throttledUntil: entry.throttledUntil.get(keyOf(entry, want)) ?? 0,
      disabledUntil: entry.disabledUntil,
      illness: entry.illness,
      slow: paceAt(entry, want)?.isSlow(now) ?? false,
    }));
  }

  function fenced({ facts }: Place, { call }: Want): boolean {
    if (!options.fence && !call.perCall.fence && !call.body?.['inference_geo']) return false;
    // On the first target Anthropic itself keeps the request where inference_geo says.
    const ofRequest = facts.name === primaryName ? undefined : fenceOfRequest(call.body);
    const why = fenceDenial(facts, [options.fence, call.perCall.fence, ofRequest]);
    if (why) tell(settings, call, () => ({ type: 'fence-denied', callId: call.id, at: clock.now(), target: facts.name, why }));
    return why !== null;
  }

  function eligible(entry: Place, want: Want): boolean {
    if (entry.client === null && want.model === want.call.model) return true;
    // Only calls whose meaning is known travel.
    if (want.call.route === 'other' || want.call.thread || !want.call.body || want.model === null) return false;
    if (want.call.route === 'count_tokens' && !entry.facts.capabilities.countTokens) return false;
    const adapted = adaptedFor(entry, want);
    if (adapted.type === 'ok') return true;
    tell(settings, want.call, () => ({
      type: 'target-ineligible',
      callId: want.call.id,
      at: clock.now(),
      target: entry.facts.name,
      why: adapted.reason,
    }));
    return false;
  }

  function adaptedFor(entry: Place, want: Want): ReturnType<typeof adapt> {
    const { call } = want;
    return adapt({
      body: want.body ?? (call.body as Record<string, unknown>),
      betas: call.request.headers.get('anthropic-beta'),
      version: call.request.headers.get('anthropic-version'),
      target: entry.facts,
      model: want.model as string,
      originalModel: call.model as string,
      sameAccount: entry.client === null,
    });
  }

  /** Only messages are timed, and only where somebody else could be quicker. */
  function paceAt(entry: Place, want: Want): Pace | null {
    if (places.length === 1 || options.slow === false || want.call.route !== 'messages') return null;
    const key = `${keyOf(entry, want)}${want.call.stream ? '' : '/whole'}`;
    let pace = entry.paces.get(key);
    if (!pace) {
      makeRoom(entry.paces);
      pace = new Pace(options.slow, (slow, recentMs, usualMs) => {
        if (settings.emitter.active)
          settings.emitter.emit({ type: 'target-pace-changed', at: clock.now(), target: entry.facts.name, key, slow, recentMs, usualMs });
      });
      entry.paces.set(key, pace);
    }
    return pace;
  }

  function circuitOf(entry: Place, want: Want): Breaker | null {
    if (!breakerOptions || want.call.route === 'other') return null;
    const key = keyOf(entry, want);
    let breaker = entry.circuits.get(key);
    if (!breaker) {
      makeRoom(entry.circuits);
      breaker = new Breaker(breakerOptions, (from, to, retryAfterMs) => {
        if (settings.emitter.active)
          settings.emitter.emit({
            type: 'breaker-changed',
            at: clock.now(),
            target: entry.facts.name,
            circuit: key,
            from,
            to,
            retryAfterMs,
          });
      });
      entry.circuits.set(key, breaker);
    }
    return breaker;
  }

  function admit(
    entry: Place,
    want: Want,
    why: string,
    now: number,
    patience: Patience | null,
    chance: Random = chanceOf(want),
  ): HopChoice {
    const breaker = circuitOf(entry, want);
    if (breaker === null) return { type: 'hop', hop: hopTo(entry, want, why, null, null, now) };
    if (breaker.isClosed) return { type: 'hop', hop: hopTo(entry, want, why, breaker, breaker.admitClosed(), now) };
    const caller = { patienceMs: patience?.ms, waited: patience?.waited, isWhole: !want.call.stream };
    const permit = breaker.admit(now, chance, caller);
    if (permit.admitted) return { type: 'hop', hop: hopTo(entry, want, why, breaker, permit, now) };
    const { retryAfterMs, place } = permit;
    return { type: 'refused', reason: 'circuit-open', target: entry.facts.name, retryAfterMs, place };
  }

  /** A returning target gets conversations one by one: each comes back once, and not to and fro with every call. */
  function chanceOf({ call }: Want): Random {
    const key = stickyKey(call);
    return key === null ? random : () => hashFraction(key);
  }

  function stickyKey(call: Call): string | null {
    let key = stickyKeys.get(call);
    if (key === undefined) stickyKeys.set(call, (key = stickyKeyOf(call.body, call.perCall.stickyKey)));
    return key;
  }

  function hopTo(entry: Place, want: Want, why: string, breaker: Breaker | null, permit: Permit | null, startedAt: number): Hop {
    const { call } = want;
    const { facts, client } = entry;
    const adapted = client === null && want.body === null ? null : adaptedFor(entry, want);
    const sdkTimeoutMs = call.options.timeout ?? 600_000;
    const adaptive = options.limits?.adaptive !== false;
    const maxTokens = call.body?.['max_tokens'];
    const limits = limitsFor({
      stream: call.stream,
      maxTokens: typeof maxTokens === 'number' ? maxTokens : null,
      sdkTimeoutMs,
      remainingMs: call.deadlineAt - startedAt,
      observedFirstContentMs: adaptive ? entry.firstContent.quantile(0.99) : undefined,
      observedTokenMs: adaptive ? entry.tokenMs.quantile(0.9) : undefined,
      firstByteMs: options.limits?.firstByteMs,
      idleMs: options.limits?.idleMs,
      cloud: isCloud(facts.kind),
    });
    /** What the beginning of a stream earned its circuit. */
    let earned: number | null = null;
    let settled = false;
    return {
      target: facts.name,
      model: adapted?.type === 'ok' ? adapted.model : call.model,
      why,
      leftOut: adapted?.type === 'ok' ? adapted.dropped : [],
      adapted: adapted?.type === 'ok' && (client !== null || want.model !== call.model),
      isPrimary: client === null,
      ...limits,
      send: (signal) => {
        if (client === null)
          return call.next({
            ...call.request,
            ...nestedMark,
            ...(adapted?.type === 'ok'
              ? { body: JSON.stringify(adapted.body) }
              : call.rewritten
                ? { body: JSON.stringify(call.body) }
                : {}),
            signal,
            redirect: 'manual',
          });
        if (adapted?.type !== 'ok') return Promise.reject(new Error('an ineligible target was chosen'));
        return dispatch({
          client,
          options: call.options,
          request: call.request,
          body: adapted.body,
          betas: adapted.betas,
          version: adapted.version,
          signal,
          timeoutMs: sdkTimeoutMs,
        });
      },
      answering(observed) {
        if (earned !== null || settled) return;
        earned = permit && breaker ? breaker.answering(permit, clock.now()) : 0;
        if (call.stream) {
          entry.firstContent.add(observed.firstContentMs);
          paceAt(entry, want)?.add(paceOf(observed.firstContentMs, 0), clock.now());
        }
      },
      settle(verdict, observed) {
        if (settled) return;
        settled = true;
        const now = clock.now();
        if (permit && breaker) breaker.settle(permit, verdict.countsAs, now, random, earned, now - startedAt);
        if (observed?.outputTokens) {
          entry.tokenMs.add(observed.firstContentMs / observed.outputTokens);
          paceAt(entry, want)?.add(paceOf(observed.firstContentMs, observed.outputTokens), now);
        }
        noteHealth(entry, keyOf(entry, want), verdict, now);
      },
    };
  }

  function noteHealth(entry: Place, key: string, verdict: Verdict, now: number): void {
    switch (verdict.countsAs) {
      case 'success':
        entry.illness *= 0.8;
        entry.throttledUntil.delete(key);
        entry.disabledUntil = 0;
        break;
      case 'failure':
      case 'weak':
        entry.illness += (1 - entry.illness) * 0.2;
        break;
      case 'throttled':
        if (entry.throttledUntil.size >= maxCircuits) entry.throttledUntil.clear();
        entry.throttledUntil.set(key, now + (verdict.waitMs ?? 1_000));
        break;
      case 'neutral':
    }
    if (!verdict.disable) return;
    // Somebody may mend a key or raise a limit at any time: look again now and then.
    entry.disabledUntil = verdict.disable === 'month-end' ? Math.min(nextMonth(now), now + 3_600_000) : now + 60_000;
    if (settings.emitter.active)
      settings.emitter.emit({ type: 'target-disabled', at: now, target: entry.facts.name, kind: verdict.kind, until: entry.disabledUntil });
  }
}

const nobodySpared: Random = () => 0;

/** Limits and overload are per model, and fast mode has a pool of its own, where there is a fast mode. */
function keyOf({ facts }: Place, { call, model, body }: Want): string {
  const isFast = facts.capabilities.speed && model === call.model && (body ?? call.body)?.['speed'] === 'fast';
  return `${model ?? 'none'}${isFast ? '+fast' : ''}`;
}

/** Forgets the oldest. */
function makeRoom(map: Map<string, unknown>): void {
  if (map.size >= maxCircuits) map.delete(map.keys().next().value as string);
}

function place(name: string, options: TargetOptions, client: Target['client'] | null): Place {
  const kind: TargetKind = client === null ? 'anthropic' : targetKind(client);
  const defaults = defaultsOf(kind);
  return {
    facts: {
      name,
      kind,
      geo: options.geo ?? null,
      processor: options.processor ?? defaults.processor,
      weight: options.weight ?? 1,
      models: options.models ?? {},
      capabilities: withDefaults(defaults.capabilities, options.capabilities),
    },
    client,
    circuits: new Map(),
    firstContent: new Samples(),
    tokenMs: new Samples(),
    paces: new Map(),
    throttledUntil: new Map(),
    disabledUntil: 0,
    illness: 0,
  };
}

/** The latest of `times` that is still to come. */
function latest(times: Iterable<number>, now: number): number | null {
  const last = Math.max(now, ...times);
  return last > now ? last : null;
}

function reportOf(entry: Place, now: number): TargetReport {
  const circuits = Object.fromEntries([...entry.circuits].map(([key, breaker]) => [key, breaker.stateAt(now)]));
  const states = Object.values(circuits);
  return {
    name: entry.facts.name,
    geo: entry.facts.geo,
    processor: entry.facts.processor,
    usable: entry.disabledUntil <= now && (states.length === 0 || states.some((state) => state !== 'open')),
    circuits,
    failureRate: entry.illness,
    firstContentMs: entry.firstContent.quantile(0.5) ?? null,
    slow: [...entry.paces].filter(([, pace]) => pace.isSlow(now)).map(([key]) => key),
    throttledUntil: latest(entry.throttledUntil.values(), now),
    disabledUntil: entry.disabledUntil > now ? entry.disabledUntil : null,
  };
}
