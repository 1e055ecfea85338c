// The loop: look, decide, then send, wait or end. The only place that repeats a request. What follows is the journey's to say.

import { classify } from '../policy/classify.ts';
import { Journey, type EndReason, type Look, type Step } from '../policy/journey.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { Verdict } from '../policy/verdict.ts';
import { witness } from '../policy/witness.ts';
import type { Settings } from '../settings.ts';
import type { SurfaceReason } from '../policy/endings.ts';
import type { RefusalReason } from '../telemetry/events.ts';
import type { LedgerAttempt } from '../telemetry/ledger.ts';
import { wallNow } from '../time.ts';
import { isAborted, pause } from './abort.ts';
import { attempt, type AttemptResult } from './attempt.ts';
import type { CallBudget } from './budgets.ts';
import type { Call } from './call.ts';
import { closeEntry, noteResponse, openEntry, successVerdict } from './entries.ts';
import { openHop, type Hop } from './hop.ts';
import type { Router, Want } from './router.ts';
import { send } from './send.ts';
import { tell } from './tell.ts';
import { usageOf } from '../wire/usage.ts';

export interface Engine {
  readonly settings: Settings;
  readonly router: Router;
}

/** What a pursuit is after, and how far it may go. */
export interface Quest {
  readonly call: Call;
  readonly purpose: 'first' | 'fallback' | 'resume';
  readonly model: string | null;
  /** The body to send, or null for the caller's own. */
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly prefer: string | null;
  /** Ask this target last: it has just failed. Default: none. */
  readonly avoid?: string | null;
  /** Requests this pursuit may make while one target can answer. */
  readonly attempts: number;
  /** An open circuit, an empty budget and other calls' hints are worth waiting for: there is nothing else to answer with. */
  readonly waits: boolean;
  /** Wait this long before the first attempt, milliseconds. */
  readonly delayMs: number;
}

export type Failed = Extract<AttemptResult, { type: 'failure' }>;
export type Answered = Exclude<AttemptResult, { type: 'failure' }>;
export type Failure = { readonly result: Failed; readonly verdict: Verdict; readonly hop: Hop };

export type PursuitEnd =
  | { readonly type: 'answered'; readonly result: Answered; readonly hop: Hop; readonly entry: LedgerAttempt }
  | {
      readonly type: 'gave-up';
      readonly reason: EndReason | SurfaceReason;
      /** The failed attempt that tells the caller most; null when none was made. */
      readonly failure: Failure | null;
      readonly retryAfterMs: number | null;
      /** The SDK may get a new token and try again; `elsewhere`: and another target would take the call if it cannot. */
      readonly tokenRefresh?: { readonly elsewhere: boolean };
    };

/** Ten requests are the end of it, whatever the options say. */
const mostAttempts = 10;
/** Where it is not known what a request does, it is sent no more often than by the SDK alone. */
const mostOnOtherRoutes = 3;
/** What recovers an answer that is already paid for waits this long for a circuit, milliseconds, however short others wait. */
const recoveryPatienceMs = 20_000;

export const pursue = (engine: Engine, quest: Quest): Promise<PursuitEnd> => new Pursuit(engine, quest).run();

class Pursuit {
  readonly #engine: Engine;
  readonly #quest: Quest;
  readonly #call: Call;
  readonly #want: Want;
  readonly #journey: Journey;
  readonly #budget: CallBudget;
  /** The failure to tell of. */
  #told: Failure | null = null;
  #last: Failure | null = null;
  /** Since the last attempt, milliseconds. */
  #waitedMs = 0;
  /** The longest limit of ours that an attempt has passed, milliseconds. */
  #passedMs = 0;
  #hasWaitedFor = new Set<string>();
  /** The attempt that ended last, until it is known what follows. */
  #failedAt: number | null = null;

  constructor(engine: Engine, quest: Quest) {
    const { settings, router } = engine;
    this.#engine = engine;
    this.#quest = quest;
    const call = (this.#call = quest.call);
    this.#want = { call, model: quest.model, body: quest.body, prefer: quest.prefer, plans: new Map() };
    this.#budget = settings.budgets.of(call);
    const isRecovery = quest.purpose === 'resume';
    this.#journey = new Journey(settings.journey, {
      attempts: call.route === 'other' ? Math.min(quest.attempts, mostOnOtherRoutes) : quest.attempts,
      mostAttempts: !call.replayable || (call.perCall.attempts === 1 && quest.attempts === 1) ? 1 : mostAttempts,
      prefer: quest.prefer,
      sticky: settings.journey.mode === 'weighted' ? router.stickyKey(call) : null,
      avoid: quest.avoid ?? null,
      patienceMs: !quest.waits ? 0 : isRecovery ? Math.max(recoveryPatienceMs, settings.circuitWaitMs) : settings.circuitWaitMs,
      waitsForHints: quest.waits,
      deadlineAt: call.deadlineAt,
      isRecovery,
    });
  }

  async run(): Promise<PursuitEnd> {
    const { clock } = this.#engine.settings;
    if (!(await this.#delay())) return this.#gaveUp(isAborted(this.#call.callers) ? 'aborted' : 'deadline');
    for (;;) {
      if (isAborted(this.#call.callers)) return this.#gaveUp('aborted');
      const now = clock.now();
      const step = this.#journey.next(this.#look(now), now);
      this.#tellWhatFollows(step, now);
      switch (step.type) {
        case 'end':
          return this.#end(step, now);
        case 'wait':
          if (!(await this.#wait(step, now))) return this.#gaveUp('aborted');
          break;
        case 'send': {
          const end = await this.#attempt(step, now);
          if (end) return end;
        }
      }
    }
  }

  /** False: the caller left, or there is no time for it. */
  async #delay(): Promise<boolean> {
    const { delayMs } = this.#quest;
    const { clock } = this.#engine.settings;
    if (delayMs <= 0) return true;
    if (clock.now() + delayMs >= this.#call.deadlineAt) return false;
    this.#waitedMs = delayMs;
    return pause(clock, delayMs, this.#call.callers);
  }

  #look(now: number): Look {
    return this.#engine.router.look(this.#want, now, this.#journey.caller(now), this.#journey.made === 0 && !this.#quest.avoid);
  }

  async #wait(step: Extract<Step, { type: 'wait' }>, now: number): Promise<boolean> {
    const { router, settings } = this.#engine;
    const { ms, target } = step;
    if (step.inLine) router.waitInLine(router.plan(this.#want, target), this.#want, now, this.#journey.caller(now));
    this.#journey.waits(step);
    this.#waitedMs += ms;
    return pause(settings.clock, ms, this.#call.callers);
  }

  /** Null: it failed, and it is open what follows. */
  async #attempt({ target, why, paid }: Extract<Step, { type: 'send' }>, now: number): Promise<PursuitEnd | null> {
    const { settings, router } = this.#engine;
    const call = this.#call;
    const plan = router.plan(this.#want, target);
    const hop = openHop({
      settings,
      plan,
      permit: router.admit(plan, this.#want, now),
      why,
      call,
      otherModel: this.#quest.model !== call.model,
      elsewhere: () => router.hasOthers(this.#want, target),
      passedMs: this.#passedMs,
      startedAt: now,
    });
    const entry = this.#enter(hop, now);
    const repeated = this.#journey.hasAsked(target);
    this.#journey.sent();
    if (paid) this.#budget.pay(now);
    const result = await attempt({
      send: (signal) => send(call, plan, signal),
      callers: call.callers,
      expect: expectOf(call),
      firstByteMs: hop.firstByteMs,
      idleMs: hop.idleMs,
      totalMs: hop.totalMs,
      startedAt: now,
      clock: settings.clock,
    });
    entry.headersMs = result.headersAt === null ? null : result.headersAt - now;
    noteResponse(entry, result.type === 'failure' ? (result.response ?? result.answered) : result.response);
    return result.type === 'failure' ? this.#failed(result, hop, entry, repeated) : this.#answered(result, hop, entry);
  }

  #enter(hop: Hop, now: number): LedgerAttempt {
    const { settings } = this.#engine;
    const call = this.#call;
    const before = call.ledger.attempts.at(-1);
    if (before && before.target !== hop.target) {
      const { target: to, model, why } = hop;
      tell(settings, call, () => ({ type: 'target-switched', callId: call.id, at: now, from: before.target, to, model: model ?? '', why }));
    }
    const entry = openEntry(call, this.#purposeOf(hop), hop, now, this.#waitedMs);
    this.#waitedMs = 0;
    tell(settings, call, () => ({ type: 'attempt-started', callId: call.id, at: now, attempt: entry }));
    return entry;
  }

  #purposeOf(hop: Hop): LedgerAttempt['purpose'] {
    const { purpose } = this.#quest;
    if (purpose !== 'first') return purpose;
    if (this.#last === null) return 'first';
    return this.#last.hop.target === hop.target ? 'retry' : 'failover';
  }

  #answered(result: Answered, hop: Hop, entry: LedgerAttempt): PursuitEnd {
    const now = this.#engine.settings.clock.now();
    const firstContentMs = now - entry.startedAt;
    this.#budget.deposit();
    if (result.type === 'stream') {
      entry.firstContentMs = firstContentMs;
      hop.answering({ firstContentMs });
    } else {
      const usage = result.type === 'message' ? usageOf(result.message) : null;
      hop.settle(successVerdict, { firstContentMs, outputTokens: usage?.output ?? 0 });
      closeEntry(this.#engine, this.#call, entry, successVerdict, now, usage);
    }
    return { type: 'answered', result, hop, entry };
  }

  #failed(result: Failed, hop: Hop, entry: LedgerAttempt, repeated: boolean): PursuitEnd | null {
    const { settings, router } = this.#engine;
    const call = this.#call;
    const now = settings.clock.now();
    const tookMs = now - entry.startedAt;
    // The SDK's own timer ends the request it was set for: it is no caller who left.
    const timedOut = result.outcome.type === 'aborted' && this.#quest.purpose !== 'resume' && !hasCallerLeft(call);
    const outcome: Outcome = timedOut ? { type: 'limit', limit: 'first-byte' } : result.outcome;
    const verdict = classify(outcome, {
      now: wallNow(settings.clock),
      route: call.route,
      method: call.method,
      speed: speedOf(this.#quest.body ?? call.body),
      isFirstTarget: hop.isPrimary,
    });
    const refreshable = leftToTokenRefresh(call, hop, result);
    // A token that has only run out says nothing against the target.
    hop.settle(witness({ outcome, verdict: refreshable ? { ...verdict, disable: undefined } : verdict, tookMs, repeated }));
    closeEntry(this.#engine, call, entry, verdict, now, result.usage);
    if (outcome.type === 'limit' && outcome.limit === 'first-byte') this.#passedMs = Math.max(this.#passedMs, hop.firstByteMs);
    const last: Failure = { result, verdict, hop };
    const misconfigured = this.#isMisconfiguration(last, now);
    // The caller gets the failure that is about the call, not the one about our configuration.
    this.#told = this.#told && (misconfigured || isForeignTrouble(last)) ? this.#told : last;
    this.#last = last;
    this.#journey.failed({ target: hop.target, verdict, at: now });
    // The SDK's timer has ended its request for good: only the SDK can begin anew.
    if (timedOut || verdict.kind === 'aborted') return this.#gaveUp('aborted');
    if (refreshable) return { ...this.#gaveUp('permanent'), tokenRefresh: { elsewhere: router.hasOthers(this.#want, hop.target) } };
    this.#failedAt = now;
    return null;
  }

  /** A 400 or 404 for a request that only our adaptation made different is a mistake in the configuration, not the caller's. */
  #isMisconfiguration({ hop, verdict, result }: Failure, now: number): boolean {
    const status = result.response?.status;
    if (!hop.adapted || (status !== 400 && status !== 404)) return false;
    const { target, model } = hop;
    const { reason } = verdict;
    tell(this.#engine.settings, this.#call, () => ({
      type: 'target-misconfigured',
      callId: this.#call.id,
      at: now,
      target,
      model: model ?? '',
      status,
      reason,
    }));
    return true;
  }

  /** Says what follows a failure, and what is waited for. */
  #tellWhatFollows(step: Step, now: number): void {
    const { settings } = this.#engine;
    const call = this.#call;
    const last = this.#last;
    if (step.type !== 'end' && last && this.#failedAt !== null) {
      const where = step.target === last.hop.target ? 'here' : 'elsewhere';
      const delayMs = step.type === 'wait' ? step.ms : 0;
      const { kind } = last.verdict;
      tell(settings, call, () => ({ type: 'retry-scheduled', callId: call.id, at: now, delayMs, where, kind }));
    }
    this.#failedAt = null;
    if (step.type !== 'wait' || step.why === 'backoff' || this.#hasWaitedFor.has(step.why)) return;
    this.#hasWaitedFor.add(step.why);
    const { target, ms: waitMs, why } = step;
    tell(settings, call, () => ({ type: 'turn-awaited', callId: call.id, at: now, target, waitMs, why }));
  }

  #end({ reason, target, retryAfterMs }: Extract<Step, { type: 'end' }>, now: number): PursuitEnd {
    const refused = refusals[reason];
    if (refused)
      tell(this.#engine.settings, this.#call, () => ({
        type: 'attempt-refused',
        callId: this.#call.id,
        at: now,
        reason: refused,
        target,
        retryAfterMs,
      }));
    return this.#gaveUp(reason, retryAfterMs);
  }

  #gaveUp(reason: EndReason | SurfaceReason, retryAfterMs: number | null = null): Extract<PursuitEnd, { type: 'gave-up' }> {
    return { type: 'gave-up', reason, failure: this.#told, retryAfterMs };
  }
}

/** Ends that mean that a request was not made. */
const refusals: Partial<Record<EndReason, RefusalReason>> = {
  'circuit-open': 'circuit-open',
  'no-target': 'no-target',
  budget: 'budget-empty',
};

export function speedOf(body: Readonly<Record<string, unknown>> | null): string | undefined {
  const speed = body?.['speed'];
  return typeof speed === 'string' ? speed : undefined;
}

/** The SDK's signal follows the user's, and its own timer; only the user's tells one from the other. */
const hasCallerLeft = ({ callers, options }: Call): boolean => options.signal?.aborted === true || isAborted(callers.slice(1));

function expectOf(call: Call): 'message' | 'json' | 'stream' | 'pass' {
  if (call.route === 'count_tokens') return 'json';
  if (call.route === 'other') return 'pass';
  if (!call.stream) return 'message';
  return call.thread ? 'pass' : 'stream';
}

/**
 * The SDK refreshes a token on the first 401 it sees, if it can. It must see it before anyone else is asked. API keys cannot
 * be refreshed, and neither can what a platform's client signs with behind us; `x-stainless-retry-count` tells whether the
 * SDK has been here before.
 */
function leftToTokenRefresh(call: Call, hop: Hop, result: Failed): boolean {
  if (!hop.isPrimary || result.response?.status !== 401) return false;
  const { headers } = call.request;
  const token = headers.get('authorization');
  if (!token || token.startsWith('Bearer sk-ant-api')) return false;
  return (headers.get('x-stainless-retry-count') ?? '0') === '0';
}

/** Another target has a key that is refused, no credentials, or a client that cannot send: nothing of that is about the call. */
const isForeignTrouble = ({ hop, verdict }: Failure): boolean => !hop.isPrimary && foreignTroubles.has(verdict.kind);
const foreignTroubles: ReadonlySet<Verdict['kind']> = new Set(['auth', 'credentials', 'local-error']);
