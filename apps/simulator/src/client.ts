// Clients and their calls: the journey of the production code, with an event queue in place of its waiting.

import {
  Journey,
  RetryBudget,
  TargetState,
  limitsFor,
  witness,
  type BreakerSettings,
  type JourneyRules,
  type Look,
  type Permit,
  type RouteState,
  type Samples,
  type Step,
  type TargetView,
  type Trip,
  type Verdict,
} from '@holdfast/core/policy';
import type { Random } from '@holdfast/core';
import type { EventQueue, Task } from './event-queue.ts';
import { sdkBackoff, type Policy } from './policies.ts';
import type { Scenario } from './scenarios.ts';
import { count, type Tally } from './tally.ts';
import { verdicts, type Upstream } from './upstream.ts';

/** What all clients of a simulation share. */
export interface World {
  readonly scenario: Scenario;
  readonly policy: Policy;
  readonly queue: EventQueue;
  readonly random: Random;
  readonly upstreams: readonly Upstream[];
  readonly tally: Tally;
  /** No limit of Holdfast's is shorter here, milliseconds. */
  readonly leastLimitMs: number;
}

/** What a client knows of one target. */
interface Place {
  readonly name: string;
  readonly upstream: Upstream;
  readonly state: RouteState;
  /** How it looks while nothing is wrong. */
  readonly well: Look;
}

/** As the router does: a returning target is spared only where calls have somewhere else to go. */
const withRamp = (breaker: BreakerSettings, hasOthers: boolean): BreakerSettings => (hasOthers ? breaker : { ...breaker, rampMs: 0 });

const facts = { kind: 'anthropic', geo: null, processor: null, weight: 1, models: {}, capabilities: {} as never } as const;
const operator = { id: '', isCallers: false };
const asking = (whole: boolean) => ({ circuit: 'model', stream: !whole, peers: whole ? 'model/whole/' : 'model/stream/' });

/** One process: a budget, and what it knows of each target. */
export class Client {
  readonly world: World;
  readonly budget: RetryBudget | null;
  readonly places: readonly Place[];
  readonly rules: JourneyRules;
  readonly asking: ReturnType<typeof asking>;

  constructor(world: World) {
    const { policy, upstreams, random, scenario } = world;
    const count = policy.failover ? upstreams.length : 1;
    const breaker = policy.breaker && withRamp(policy.breaker, count > 1);
    this.world = world;
    this.asking = asking(scenario.whole);
    this.rules = { mode: 'ordered', maxRetryAfterMs: policy.maxRetryAfterMs, backoff: policy.backoff, random };
    this.budget = policy.budget && new RetryBudget(policy.budget);
    this.places = upstreams.slice(0, count).map((upstream, index) => {
      const name = String(index);
      const target = new TargetState({ ...facts, name }, { breaker, slow: false, nextMonth: (now) => now, onChange() {} });
      const view: TargetView = {
        name,
        weight: 1,
        excluded: false,
        offer: { type: 'admits' },
        throttledUntil: 0,
        disabledUntil: 0,
        illness: 0,
        slow: false,
      };
      return { name, upstream, state: target.of('messages', operator), well: { targets: [view], budget: true, lookAt: null } };
    });
  }
}

/** Holdfast's limit for the headers of an answer, milliseconds. */
const headersLimit = ({ timeoutMs, whole }: Scenario, observed: Samples | undefined): number =>
  Math.min(
    timeoutMs,
    limitsFor({
      route: 'messages',
      stream: !whole,
      sdkTimeoutMs: undefined,
      elsewhere: () => false,
      remainingMs: Infinity,
      observed,
      passedMs: 0,
      firstByteMs: undefined,
      idleMs: undefined,
      cloud: false,
    }).firstByteMs,
  );

type Stage = 'ask' | 'send' | 'fail' | 'content' | 'end' | 'leave';

/** One logical call. Between two steps it waits for exactly one event. */
export class Call implements Task, Trip {
  readonly #client: Client;
  readonly prefer = null;
  readonly sticky = null;
  readonly avoid = null;
  readonly mostAttempts = 10;
  readonly waitsForHints: boolean;
  readonly patienceMs: number;
  attempts: number;
  isRecovery = false;
  #journey: Journey;
  readonly #startedAt: number;
  #stage: Stage = 'ask';
  /** Requests of the SDK within this attempt. */
  #sent = 0;
  /** Until the first content, milliseconds. */
  #begunMs = 0;
  /** The caller leaves if nothing has come by then. */
  #leavesAt: number;
  #place: Place;
  #permit: Permit | null = null;
  #sentAt = 0;
  #servedAt = 0;
  #endsAt = 0;
  /** The place was asked in this call before. */
  #repeated = false;
  /** Tokens that will be missing when the stream ends. */
  #missing = 0;
  #verdict: Verdict | null = null;
  #stumbled = false;
  /** What the beginning of its answer earned the circuit; null before that. */
  #earned: number | null = null;
  #resumes = 0;

  /** The caller leaves then, and Holdfast knows. */
  get deadlineAt(): number {
    return this.#leavesAt;
  }

  constructor(client: Client, now: number) {
    this.#client = client;
    this.#startedAt = now;
    this.#leavesAt = now + client.world.scenario.patienceMs;
    this.#place = client.places[0] as Place;
    this.attempts = client.world.policy.attempts;
    // Of the policies that are compared, only Holdfast waits for anything but its own backoff.
    this.waitsForHints = client.world.policy.adaptive;
    this.patienceMs = client.world.policy.circuitWaitMs;
    this.#journey = new Journey(client.rules, this);
    count(client.world.tally.calls, now);
  }

  run(now: number): void {
    switch (this.#stage) {
      case 'ask':
        return this.#ask(now);
      case 'send':
        return this.#send(now);
      case 'fail':
        return this.#failed(now, this.#verdict as Verdict);
      case 'content':
        return this.#content(now);
      case 'end':
        return this.#end(now);
      case 'leave':
        this.#settle(left, now);
        return this.#over(false);
    }
  }

  #next(stage: Stage, at: number): void {
    this.#stage = stage;
    this.#client.world.queue.schedule(at, this);
  }

  /** Looks at the targets once, and does what the journey says. */
  #ask(now: number): void {
    if (now >= this.#leavesAt) return this.#over(false);
    const caller = this.#journey.caller(now);
    this.#follow(this.#journey.next(this.#look(now, caller), now), now, caller);
  }

  #look(now: number, caller: { readonly patienceMs: number; readonly waited: boolean }): Look {
    const { places, budget, asking, world } = this.#client;
    const first = places[0] as Place;
    if (this.#journey.made === 0 && first.state.isWell(asking, now)) return first.well;
    const chance = places.length === 1 ? 0 : world.random();
    return {
      targets: places.map(({ name, state }) => ({
        name,
        weight: 1,
        excluded: false,
        ...state.view(asking, now, chance, { ...caller, isWhole: world.scenario.whole }),
      })),
      budget: budget === null || budget.levelAt(now) >= 1,
      lookAt: null,
    };
  }

  #follow(step: Step, now: number, caller: { readonly patienceMs: number; readonly waited: boolean }): void {
    const { places, budget, asking, world } = this.#client;
    if (step.type === 'end') return this.#over(false);
    const place = places[Number(step.target)] as Place;
    if (step.type === 'wait') {
      if (step.inLine) place.state.waitInLine(asking, now, { ...caller, isWhole: world.scenario.whole });
      this.#journey.waits(step);
      return this.#wait('ask', now, step.ms);
    }
    this.#place = place;
    this.#permit = place.state.admit(asking, now, { isWhole: world.scenario.whole });
    if (step.paid) budget?.tryTake(now);
    this.#repeated = this.#journey.hasAsked(step.target);
    this.#journey.sent();
    this.#first(now);
  }

  #first(now: number): void {
    this.#sent = 0;
    this.#earned = null;
    this.#send(now);
  }

  #send(now: number): void {
    const { tally, policy, scenario } = this.#client.world;
    const fate = this.#place.upstream.send(now, this.#missing);
    count(tally.requests, now);
    count(tally.tokens, now, fate.tokens);
    this.#sent += 1;
    this.#sentAt = now;
    this.#servedAt = fate.servedAt;
    this.#endsAt = fate.endsAt;
    this.#verdict = fate.verdict;
    if (fate.verdict === null) this.#missing = fate.missing;
    const heardAt = fate.verdict === null && scenario.whole ? fate.endsAt : fate.at;
    const at = Math.min(heardAt, now + this.#limitMs(heardAt - now), this.#leavesAt);
    if (at === heardAt) return this.#next(fate.verdict === null ? 'content' : 'fail', at);
    // Holdfast knows the deadline; others learn of it when their caller is gone.
    if (at === this.#leavesAt && !policy.adaptive) return this.#next('leave', at);
    this.#verdict = at === this.#leavesAt ? verdicts.deadline : verdicts.tooSlow;
    this.#next('fail', at);
  }

  /** How long the headers may take, milliseconds. What was observed is only looked up when that could matter. */
  #limitMs(neededMs: number): number {
    const { scenario, leastLimitMs } = this.#client.world;
    if (!this.#client.world.policy.adaptive) return scenario.timeoutMs;
    return neededMs < leastLimitMs ? leastLimitMs : headersLimit(scenario, this.#place.state.samples(this.#client.asking));
  }

  #content(now: number): void {
    const { budget, asking } = this.#client;
    budget?.deposit();
    this.#earned = this.#place.state.answering(asking, this.#permit, { firstContentMs: now - this.#sentAt }, now);
    if (this.#resumes === 0) this.#begunMs = now - this.#startedAt;
    // Who reads does not leave.
    this.#leavesAt = Infinity;
    this.#next('end', this.#endsAt);
  }

  #end(now: number): void {
    if (this.#missing > 0) return this.#broken(now);
    const { tally, scenario } = this.#client.world;
    this.#settle(verdicts.success, now);
    count(tally.served, this.#servedAt);
    if (this.#startedAt >= scenario.troubleFromMs && this.#startedAt < scenario.troubleUntilMs) tally.waits.add(this.#begunMs);
    this.#over(true);
  }

  #failed(now: number, verdict: Verdict): void {
    const { policy, random } = this.#client.world;
    this.#stumbled = true;
    if (this.#sent < policy.sdkRequests) {
      const delayMs = sdkBackoff({ attempt: this.#sent, random, hintMs: verdict.waitMs });
      return this.#wait('send', now, delayMs);
    }
    this.#settle(verdict, now);
    this.#journey.failed({ target: this.#place.name, verdict, at: now });
    this.#ask(now);
  }

  /** A stream broke: the reader has a part of the answer. */
  #broken(now: number): void {
    this.#stumbled = true;
    this.#settle(verdicts.cut, now);
    this.#resume(now);
  }

  /** As the engine does: what recovers an answer that is paid for draws nothing from the budget, and has a bound of its own. */
  #resume(now: number): void {
    const { policy, random } = this.#client.world;
    if (this.#resumes >= policy.resumes) return this.#over(false);
    this.attempts = policy.resumes - this.#resumes;
    this.#resumes += 1;
    this.isRecovery = true;
    this.#journey = new Journey(this.#client.rules, this);
    this.#next('ask', now + random() * 250);
  }

  #wait(step: 'ask' | 'send', now: number, delayMs: number): void {
    if (now + delayMs > this.#leavesAt) this.#next('leave', this.#leavesAt);
    else this.#next(step, now + delayMs);
  }

  #settle(verdict: Verdict, now: number): void {
    const { asking, world } = this.#client;
    const tookMs = now - this.#sentAt;
    const outcome = verdict === verdicts.deadline ? totalLimit : otherFailure;
    const said = witness({ outcome, verdict, tookMs, repeated: this.#repeated });
    this.#place.state.settle(asking, said, { permit: this.#permit, earned: this.#earned, tookMs }, now, world.random);
    this.#permit = null;
  }

  #over(good: boolean): void {
    const { tally } = this.#client.world;
    tally.ended += 1;
    if (good) count(tally.good, this.#startedAt);
    if (!this.#stumbled) return;
    count(tally.stumbled, this.#startedAt);
    if (good) count(tally.rescued, this.#startedAt);
  }
}

const totalLimit = { type: 'limit', limit: 'total' } as const;
const otherFailure = { type: 'limit', limit: 'idle' } as const;
const left: Verdict = { ...verdicts.success, countsAs: 'neutral' };
