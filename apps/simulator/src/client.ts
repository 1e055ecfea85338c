// Clients and their calls: the loop of the engine without its waiting, around the same policies.

import {
  Breaker,
  RetryBudget,
  Samples,
  decide,
  isWell,
  limitsFor,
  route,
  type BreakerOptions,
  type Candidate,
  type Permit,
  type Refusal,
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
  readonly breaker: Breaker | null;
  readonly firstContent: Samples | null;
  throttledUntil: number;
  illness: number;
}

/** One process: a budget, and a circuit for each target. */
export class Client {
  readonly world: World;
  readonly budget: RetryBudget | null;
  readonly places: readonly Place[];

  constructor(world: World) {
    const { policy, upstreams } = world;
    const count = policy.failover ? upstreams.length : 1;
    // As the router does: a returning target is spared only where calls have somewhere else to go.
    const options: BreakerOptions | null = policy.breaker && count === 1 ? { ...policy.breaker, rampMs: 0 } : policy.breaker;
    this.world = world;
    this.budget = policy.budget && new RetryBudget(policy.budget);
    this.places = upstreams.slice(0, count).map((upstream, index) => ({
      name: String(index),
      upstream,
      breaker: options && new Breaker(options),
      firstContent: policy.adaptive ? new Samples() : null,
      throttledUntil: 0,
      illness: 0,
    }));
  }
}

/** Holdfast's limit for the headers of an answer, milliseconds. */
export const headersLimit = ({ timeoutMs, whole }: Scenario, observedFirstContentMs: number | undefined): number =>
  limitsFor({
    stream: !whole,
    maxTokens: null,
    sdkTimeoutMs: timeoutMs,
    remainingMs: Infinity,
    observedFirstContentMs,
    observedTokenMs: undefined,
    firstByteMs: undefined,
    idleMs: undefined,
    cloud: false,
  }).firstByteMs;

type Step = 'ask' | 'send' | 'fail' | 'content' | 'end' | 'leave';

/** One logical call. Between two steps it waits for exactly one event. */
export class Call implements Task {
  readonly #client: Client;
  readonly #startedAt: number;
  #step: Step = 'ask';
  #attempts = 0;
  #maxAttempts: number;
  /** Requests of the SDK within this attempt. */
  #sent = 0;
  /** The wait before this attempt, milliseconds. */
  #delayMs = 0;
  /** For circuits, in all, milliseconds. */
  #awaitedMs = 0;
  /** It has a place among those who wait for a circuit. */
  #inLine = false;
  /** Until the first content, milliseconds. */
  #begunMs = 0;
  /** The caller leaves if nothing has come by then. */
  #leavesAt: number;
  #tried: string[] | null = null;
  #place: Place;
  #permit: Permit | null = null;
  #sentAt = 0;
  #servedAt = 0;
  #endsAt = 0;
  /** Tokens that will be missing when the stream ends. */
  #missing = 0;
  #verdict: Verdict | null = null;
  #stumbled = false;
  /** What the beginning of its answer earned the circuit; null before that. */
  #earned: number | null = null;
  #resumes = 0;

  constructor(client: Client, now: number) {
    this.#client = client;
    this.#startedAt = now;
    this.#leavesAt = now + client.world.scenario.patienceMs;
    this.#place = client.places[0] as Place;
    this.#maxAttempts = Math.min(10, client.world.policy.attempts + client.places.length - 1);
    count(client.world.tally.calls, now);
  }

  run(now: number): void {
    switch (this.#step) {
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
        this.#settle('neutral', now);
        return this.#over(false);
    }
  }

  #next(step: Step, at: number): void {
    this.#step = step;
    this.#client.world.queue.schedule(at, this);
  }

  /** Chooses a target and asks its circuit. */
  #ask(now: number): void {
    const { places, world } = this.#client;
    if (now >= this.#leavesAt) return this.#over(false);
    if (places.length > 1) return this.#askSomebody(now);
    // Holdfast knows the deadline and does not wait beyond it.
    const patienceMs = Math.min(world.policy.circuitWaitMs - this.#awaitedMs, this.#leavesAt - now - 1);
    const refusal = this.#admit(now, patienceMs);
    this.#inLine = refusal?.place === true;
    if (refusal === null) return this.#first(now);
    if (!refusal.place) return this.#over(false);
    this.#awaitedMs += refusal.retryAfterMs;
    this.#next('ask', now + refusal.retryAfterMs);
  }

  /** As the router does: who is refused by a target that is coming back is as good as refused by an open one, and asks the next. */
  #askSomebody(now: number): void {
    const { places, world } = this.#client;
    let candidates = this.#candidates(now);
    for (;;) {
      const choice = route({ candidates, mode: 'ordered', prefer: null, now, random: world.random });
      if (choice.type === 'none') return this.#over(false);
      this.#place = places[Number(choice.name)] as Place;
      if (this.#admit(now, 0) === null || choice.why === 'least-bad') return this.#first(now);
      candidates = candidates.map((candidate) => (candidate.name === choice.name ? { ...candidate, open: true } : candidate));
    }
  }

  /** Asks the circuit of `#place`. Null: it may be asked. */
  #admit(now: number, patienceMs: number): Refusal | null {
    const { world } = this.#client;
    const { breaker } = this.#place;
    const permit =
      breaker === null
        ? null
        : breaker.isClosed
          ? breaker.admitClosed()
          : breaker.admit(now, world.random, { patienceMs, waited: this.#inLine, isWhole: world.scenario.whole });
    this.#permit = permit?.admitted ? permit : null;
    return permit === null || permit.admitted ? null : permit;
  }

  #first(now: number): void {
    this.#attempts += 1;
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
    const { firstContent } = this.#place;
    if (firstContent === null) return scenario.timeoutMs;
    return neededMs < leastLimitMs ? leastLimitMs : headersLimit(scenario, firstContent.quantile(0.99));
  }

  #content(now: number): void {
    const { budget } = this.#client;
    this.#place.firstContent?.add(now - this.#sentAt);
    this.#earned = 0;
    budget?.deposit();
    if (this.#permit) this.#earned = this.#place.breaker?.answering(this.#permit, now) ?? 0;
    if (this.#resumes === 0) this.#begunMs = now - this.#startedAt;
    // Who reads does not leave.
    this.#leavesAt = Infinity;
    this.#next('end', this.#endsAt);
  }

  #end(now: number): void {
    if (this.#missing > 0) return this.#broken(now);
    const { tally, scenario } = this.#client.world;
    this.#settle('success', now);
    count(tally.served, this.#servedAt);
    if (this.#startedAt >= scenario.troubleFromMs && this.#startedAt < scenario.troubleUntilMs) tally.waits.add(this.#begunMs);
    this.#over(true);
  }

  #failed(now: number, verdict: Verdict): void {
    const { world, budget, places } = this.#client;
    const { policy, random } = world;
    this.#stumbled = true;
    if (this.#sent < policy.sdkRequests) {
      const delayMs = sdkBackoff({ attempt: this.#sent, random, hintMs: verdict.waitMs });
      return this.#wait('send', now, delayMs);
    }
    this.#settle(verdict.countsAs, now);
    if (verdict.countsAs === 'throttled') this.#place.throttledUntil = now + (verdict.waitMs ?? 1_000);
    if (this.#resumes > 0) return this.#resume(now, verdict);
    if (places.length > 1) (this.#tried ??= []).push(this.#place.name);
    const throttled = verdict.kind === 'rate-limited' || verdict.kind === 'overloaded';
    const delayMs = policy.backoff({ attempt: this.#attempts, previousMs: this.#delayMs, throttled, random, hintMs: verdict.waitMs });
    const candidates = places.length > 1 ? this.#candidates(now) : null;
    const decision = decide({
      verdict,
      attempts: this.#attempts,
      maxAttempts: this.#maxAttempts,
      elsewhere: candidates?.some((candidate) => !candidate.tried && isWell(candidate, now)) ?? false,
      here: candidates ? candidates.some(({ open }) => !open) : this.#place.breaker?.wouldAdmit(now) !== false,
      delayMs,
      maxRetryAfterMs: policy.maxRetryAfterMs,
      remainingMs: this.#leavesAt - now,
      estimateMs: 0,
      budget: budget === null || budget.levelAt(now) >= 1,
    });
    if (decision.type === 'give-up') return this.#over(false);
    if (decision.where === 'here') budget?.tryTake(now);
    this.#delayMs = decision.delayMs;
    this.#wait('ask', now, decision.delayMs);
  }

  /** A stream broke: the reader has a part of the answer. */
  #broken(now: number): void {
    this.#stumbled = true;
    this.#settle(verdicts.cut.countsAs, now);
    this.#resume(now, verdicts.cut);
  }

  /** As the engine does: each continuation is paid from the budget, unless another target can answer. */
  #resume(now: number, verdict: Verdict): void {
    const { world, budget, places } = this.#client;
    const { policy, random } = world;
    if (this.#resumes >= policy.resumes) return this.#over(false);
    if (budget?.tryTake(now) === false && places.length < 2) return this.#over(false);
    this.#resumes += 1;
    const congested = verdict.kind === 'overloaded' || verdict.kind === 'rate-limited' || verdict.waitMs !== undefined;
    const delayMs = congested
      ? Math.min(policy.maxRetryAfterMs, policy.backoff({ attempt: this.#resumes, throttled: true, random, hintMs: verdict.waitMs }))
      : random() * 250;
    this.#next('ask', now + delayMs);
  }

  #wait(step: 'ask' | 'send', now: number, delayMs: number): void {
    if (now + delayMs > this.#leavesAt) this.#next('leave', this.#leavesAt);
    else this.#next(step, now + delayMs);
  }

  #candidates(now: number): Candidate[] {
    return this.#client.places.map(({ name, breaker, throttledUntil, illness }) => ({
      name,
      weight: 1,
      excluded: false,
      tried: this.#tried?.includes(name) ?? false,
      open: breaker?.wouldAdmit(now) === false,
      throttledUntil,
      disabledUntil: 0,
      illness,
    }));
  }

  #settle(countsAs: Verdict['countsAs'], now: number): void {
    const place = this.#place;
    if (this.#permit) place.breaker?.settle(this.#permit, countsAs, now, this.#client.world.random, this.#earned, now - this.#sentAt);
    this.#permit = null;
    if (countsAs === 'success') {
      place.illness *= 0.8;
      place.throttledUntil = 0;
    } else if (countsAs === 'failure' || countsAs === 'weak') place.illness += (1 - place.illness) * 0.2;
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
