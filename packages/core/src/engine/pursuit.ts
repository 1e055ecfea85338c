// The loop: choose a hop, try it, classify, settle, decide. The only place that repeats a request.

import { classify } from '../policy/classify.ts';
import { decide, type GiveUpReason } from '../policy/decide.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { Settings } from '../settings.ts';
import type { SurfaceReason } from '../telemetry/events.ts';
import type { LedgerAttempt, TokenCount } from '../telemetry/ledger.ts';
import { wallNow } from '../time.ts';
import { isAborted, pause } from './abort.ts';
import { attempt, type AttemptResult } from './attempt.ts';
import type { Call } from './call.ts';
import type { Hop, Router, Want } from './router.ts';
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
  readonly only: string | null;
  readonly prefer: string | null;
  /** Ask this target last: it has just failed. Default: none. */
  readonly avoid?: string | null;
  /** Requests this pursuit may make while one target can answer. */
  readonly attempts: number;
  /** An open circuit is worth waiting for: there is nothing else to answer with. */
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
      readonly reason: GiveUpReason | SurfaceReason;
      /** The last failed attempt; null when none was made. */
      readonly failure: Failure | null;
      readonly retryAfterMs: number | null;
      /** The SDK may get a new token and try again; `elsewhere`: and another target would take the call if it cannot. */
      readonly tokenRefresh?: { readonly elsewhere: boolean };
    };

type GaveUp = Extract<PursuitEnd, { type: 'gave-up' }>;

export async function pursue(engine: Engine, quest: Quest): Promise<PursuitEnd> {
  const { settings, router } = engine;
  const { clock, budget } = settings;
  const { call } = quest;
  const tried: string[] = quest.avoid ? [quest.avoid] : [];
  const want: Want = { call, model: quest.model, body: quest.body, tried, only: quest.only, prefer: quest.prefer };
  const maxAttempts = call.replayable ? allowedAttempts(quest, router, want) : 1;
  let failure: Failure | null = null;
  let { delayMs } = quest;
  /** Before the last attempt, for its own sake and not for a circuit's. */
  let backedOffMs = delayMs;
  /** Since the last attempt. */
  let waitedMs = 0;
  /** For circuits, in all. */
  let awaitedMs = 0;
  /** It has a place among those who wait for a circuit. */
  let inLine = false;
  let made = 0;
  const gaveUp = (reason: GiveUpReason | SurfaceReason, retryAfterMs: number | null = null): GaveUp => ({
    type: 'gave-up',
    reason,
    failure,
    retryAfterMs,
  });

  for (;;) {
    if (delayMs > 0 && clock.now() + delayMs >= call.deadlineAt) return gaveUp('deadline');
    if (delayMs > 0 && !(await pause(clock, delayMs, call.callers))) return gaveUp('aborted');
    waitedMs += delayMs;
    const startedAt = clock.now();
    if (isAborted(call.callers)) return gaveUp('aborted');
    if (startedAt >= call.deadlineAt) return gaveUp('deadline');
    const patienceMs = quest.waits ? Math.min(settings.circuitWaitMs - awaitedMs, call.deadlineAt - startedAt - 1) : 0;
    const choice = router.choose(want, startedAt, { ms: patienceMs, waited: inLine });
    inLine = choice.type === 'refused' && choice.place;
    if (choice.type === 'refused' && choice.place) {
      delayMs = choice.retryAfterMs;
      if (awaitedMs === 0)
        tell(settings, call, () => ({ type: 'circuit-awaited', callId: call.id, at: startedAt, target: choice.target, waitMs: delayMs }));
      awaitedMs += delayMs;
      continue;
    }
    if (choice.type === 'refused') {
      tell(settings, call, () => ({
        type: 'attempt-refused',
        callId: call.id,
        at: startedAt,
        reason: choice.reason,
        target: choice.target,
        retryAfterMs: choice.retryAfterMs,
      }));
      return gaveUp(choice.reason, choice.retryAfterMs);
    }

    const { hop } = choice;
    const from = failure?.hop ?? null;
    const before = call.ledger.attempts.at(-1);
    if (before && before.target !== hop.target) {
      tell(settings, call, () => ({
        type: 'target-switched',
        callId: call.id,
        at: startedAt,
        from: before.target,
        to: hop.target,
        model: hop.model ?? '',
        why: hop.why,
      }));
    }
    const entry = openEntry(call, purposeOf(quest, from, hop), hop, startedAt, waitedMs);
    call.ledger.attempts.push(entry);
    tell(settings, call, () => ({ type: 'attempt-started', callId: call.id, at: startedAt, attempt: entry }));
    tried.push(hop.target);
    made += 1;
    waitedMs = 0;

    const result = await attempt({
      send: hop.send,
      callers: call.callers,
      expect: expectOf(call),
      firstByteMs: hop.firstByteMs,
      idleMs: hop.idleMs,
      totalMs: hop.totalMs,
      startedAt,
      clock,
    });
    const now = clock.now();
    entry.headersMs = result.headersAt === null ? null : result.headersAt - startedAt;
    noteResponse(entry, result.response);

    if (result.type !== 'failure') {
      const firstContentMs = now - startedAt;
      budget?.deposit();
      if (result.type === 'stream') {
        entry.firstContentMs = firstContentMs;
        hop.answering({ firstContentMs });
      } else {
        const usage = result.type === 'message' ? usageOf(result.message) : null;
        hop.settle(successVerdict, { firstContentMs, outputTokens: usage?.output ?? 0 });
        closeEntry(engine, call, entry, successVerdict, now, usage);
      }
      return { type: 'answered', result, hop, entry };
    }

    const verdict = classify(result.outcome, {
      now: wallNow(clock),
      route: call.route,
      method: call.method,
      speed: speedOf(quest.body ?? call.body),
    });
    const refreshable = leftToTokenRefresh(call, hop, result);
    // A token that has only run out says nothing against the target.
    hop.settle(refreshable ? { ...verdict, disable: undefined } : verdict);
    closeEntry(engine, call, entry, verdict, now, result.usage);
    const last: Failure = { result, verdict, hop };
    const misconfigured = reportMisconfiguration(engine, call, last, now);
    // The caller gets the failure that is about the call, not the one about our configuration.
    failure = failure && (misconfigured || isForeignKey(last)) ? failure : last;
    if (refreshable) return { ...gaveUp('permanent'), tokenRefresh: { elsewhere: router.elsewhere(want) } };

    const backoffMs = settings.backoff({
      attempt: made,
      previousMs: backedOffMs,
      throttled: verdict.kind === 'rate-limited' || verdict.kind === 'overloaded',
      random: settings.random,
      hintMs: verdict.waitMs,
    });
    const decision = decide({
      verdict,
      attempts: made,
      maxAttempts,
      elsewhere: router.elsewhere(want),
      here: router.here(want),
      delayMs: backoffMs,
      maxRetryAfterMs: settings.maxRetryAfterMs,
      remainingMs: call.deadlineAt - now,
      estimateMs: 0,
      budget: budget === null || budget.levelAt(now) >= 1,
    });
    if (decision.type === 'give-up') {
      if (decision.reason === 'budget') tellBudgetEmpty(engine, call, hop.target, now);
      return gaveUp(decision.reason, verdict.waitMs ?? null);
    }
    if (decision.where === 'here') budget?.tryTake(now);
    ({ delayMs } = decision);
    backedOffMs = delayMs;
    tell(settings, call, () => ({
      type: 'retry-scheduled',
      callId: call.id,
      at: now,
      delayMs,
      where: decision.where,
      kind: verdict.kind,
    }));
  }
}

/** A request was not repeated because too many calls are failing. */
export function tellBudgetEmpty({ settings }: Engine, call: Call, target: string, now: number): void {
  tell(settings, call, () => ({ type: 'attempt-refused', callId: call.id, at: now, reason: 'budget-empty', target, retryAfterMs: null }));
}

export function speedOf(body: Readonly<Record<string, unknown>> | null): string | undefined {
  const speed = body?.['speed'];
  return typeof speed === 'string' ? speed : undefined;
}

/** The verdict of an answer that came whole. */
export const successVerdict: Verdict = {
  kind: 'success',
  retry: 'never',
  scope: 'request',
  countsAs: 'success',
  billed: 'yes',
  reason: 'success',
  action: 'Nothing to do.',
};

/** Ten requests are the end of it, whatever the options say. */
const mostAttempts = 10;

/** Each further target may be asked once more than the attempts one target gets. */
const allowedAttempts = (quest: Quest, router: Router, want: Want): number =>
  quest.attempts === 1 && quest.call.perCall.attempts === 1 ? 1 : Math.min(mostAttempts, quest.attempts + router.count(want) - 1);

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

/** The key of another target is refused. A 401 would make the SDK renew the token of the first one and begin the call anew. */
export const isForeignKey = ({ hop, result }: Failure): boolean => !hop.isPrimary && result.response?.status === 401;

/** A 400 or 404 for a request that only our adaptation made different is a mistake in the configuration, not the caller's. */
function reportMisconfiguration({ settings }: Engine, call: Call, { hop, verdict, result }: Failure, now: number): boolean {
  const status = result.response?.status;
  if (!hop.adapted || (status !== 400 && status !== 404)) return false;
  tell(settings, call, () => ({
    type: 'target-misconfigured',
    callId: call.id,
    at: now,
    target: hop.target,
    model: hop.model ?? '',
    status,
    reason: verdict.reason,
  }));
  return true;
}

function purposeOf(quest: Quest, from: Hop | null, hop: Hop): LedgerAttempt['purpose'] {
  if (quest.purpose !== 'first') return quest.purpose;
  if (from === null) return 'first';
  return from.target === hop.target ? 'retry' : 'failover';
}

function openEntry(call: Call, purpose: LedgerAttempt['purpose'], hop: Hop, startedAt: number, waitedMs: number): LedgerAttempt {
  return {
    number: call.ledger.attempts.length + 1,
    target: hop.target,
    model: hop.model,
    purpose,
    why: hop.why,
    leftOut: hop.leftOut,
    startedAt,
    waitedMs,
    headersMs: null,
    firstContentMs: null,
    durationMs: null,
    status: null,
    requestId: null,
    result: null,
    reason: null,
    retry: null,
    retryAfterMs: null,
    billed: null,
    usage: null,
    discarded: false,
  };
}

function noteResponse(entry: LedgerAttempt, response: Response | null): void {
  if (!response) return;
  entry.status = response.status;
  const { headers } = response;
  // AWS and Azure name it differently.
  entry.requestId = headers.get('request-id') ?? headers.get('x-amzn-requestid') ?? headers.get('apim-request-id');
}

/** Writes down how an attempt ended and tells everybody. */
export function closeEntry(
  { settings }: Engine,
  call: Call,
  entry: LedgerAttempt,
  verdict: Verdict,
  now: number,
  usage: TokenCount | null,
  discarded: boolean = verdict.kind !== 'success',
): void {
  entry.durationMs = now - entry.startedAt;
  entry.result = verdict.kind;
  entry.reason = verdict.reason;
  entry.retry = verdict.retry;
  entry.retryAfterMs = verdict.waitMs ?? null;
  entry.billed = verdict.billed;
  entry.usage = usage;
  entry.discarded = discarded;
  if (entry.requestId) settings.book.index(entry.requestId, call.ledger);
  tell(settings, call, () => ({ type: 'attempt-ended', callId: call.id, at: now, attempt: entry, verdict }));
}
