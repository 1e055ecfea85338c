// One logical call from its opening to the Response the SDK gets: the call itself, then the ladder, then the truth.

import type { DegradeReason, Fallback } from '../options.ts';
import { rungsFor, type LadderCause, type Rung } from '../policy/ladder.ts';
import { messageEvents } from '../stream/message-events.ts';
import { isAborted, pause } from './abort.ts';
import { headerValue, ownAnswer } from './answers.ts';
import type { Call } from './call.ts';
import { labels, relabelRead, surface } from './deliver.ts';
import { finish } from './finish.ts';
import { asStream, assembled, isLong } from './long-call.ts';
import { pursue, type Engine, type PursuitEnd, type Quest } from './pursuit.ts';
import { resumeAnswer, streamAnswer } from './stream-call.ts';
import { tell } from './tell.ts';

type GaveUp = Extract<PursuitEnd, { type: 'gave-up' }>;
type Answered = Extract<PursuitEnd, { type: 'answered' }>;
type Message = Readonly<Record<string, unknown>>;

/** Answers `call`. Rejects only when the caller left, as `fetch` does. */
export function answerCall(engine: Engine, call: Call, closed: boolean): Promise<Response> {
  return engine.settings.options.limits?.streamLongCalls && isLong(call)
    ? answerLongCall(engine, call, closed)
    : answer(engine, call, closed, call);
}

async function answerLongCall(engine: Engine, call: Call, closed: boolean): Promise<Response> {
  return assembled(call, await answer(engine, asStream(call), closed, call));
}

/** `asked`: the call as the caller made it, where `call` is its streamed form. */
async function answer(engine: Engine, call: Call, closed: boolean, asked: Call): Promise<Response> {
  const { settings } = engine;
  tell(settings, call, () => ({
    type: 'call-started',
    callId: call.id,
    at: call.startedAt,
    route: call.route,
    model: call.model,
    stream: call.stream,
    deadlineAt: Number.isFinite(call.deadlineAt) ? call.deadlineAt : null,
  }));
  if (call.resumeFrom && call.stream && !closed) return resumeAnswer(engine, call, call.resumeFrom);
  const quest = questOf(engine, call, 'first', call.model, null);
  const end: PursuitEnd = closed
    ? { type: 'gave-up', reason: 'shutting-down', failure: null, retryAfterMs: null }
    : await pursue(engine, quest);
  if (end.type === 'answered') return deliver(engine, call, end);
  const ladder = rungs(engine, call, end);
  if (end.tokenRefresh) return fail(engine, call, { ...end, tokenRefresh: { elsewhere: end.tokenRefresh.elsewhere || ladder.length > 0 } });
  for (const rung of ladder) {
    const response = await tryRung(engine, call, rung, end, asked);
    if (response) return response;
    if (isAborted(call.callers)) return fail(engine, call, { ...end, reason: 'aborted' });
  }
  // No rung had an answer either: now the circuit is worth waiting for.
  if (end.reason !== 'circuit-open' || end.failure || quest.waits || !mayAsk(call)) return fail(engine, call, end);
  const late = await pursue(engine, { ...quest, waits: true });
  return late.type === 'answered' ? deliver(engine, call, late) : fail(engine, call, late);
}

function questOf({ settings }: Engine, call: Call, purpose: Quest['purpose'], model: string | null, body: Quest['body']): Quest {
  return {
    call,
    purpose,
    model,
    body,
    prefer: null,
    attempts: purpose === 'first' ? (call.perCall.attempts ?? settings.attempts) : 1,
    waits: purpose === 'first' && !mayDegrade(settings.options, call),
    delayMs: 0,
  };
}

/** A call that must not be billed twice asks nobody after its first request, whatever model answers. */
const mayAsk = ({ perCall, ledger }: Call): boolean => perCall.attempts !== 1 || ledger.attempts.length === 0;

/** Something below the first rung may have an answer at once. */
const mayDegrade = ({ fallbacks, cache, answer }: Engine['settings']['options'], { body }: Call): boolean =>
  (fallbacks?.length ?? 0) > 0 || cache !== undefined || answer !== undefined || body?.['speed'] === 'fast';

function deliver(engine: Engine, call: Call, { result, hop, entry }: Answered): Response {
  switch (result.type) {
    case 'stream':
      return streamAnswer(engine, call, result, hop, entry);
    case 'passed':
      // Nobody has read its body, and nobody will judge it.
      finish(engine, call, 'delivered', null);
      return result.response;
    case 'message': {
      indexMessage(engine, call, result.message);
      if (call.route === 'messages' && !call.ledger.degraded) engine.settings.cache?.store(call, result.message);
      finish(engine, call, 'delivered', null);
      // Whatever the upstream called it, it was read as JSON; under another name the SDK would hand out a string.
      return relabelRead(result.response, result.text, result.message, { ...labels(call, hop.target), 'content-type': 'application/json' });
    }
  }
}

function rungs({ settings }: Engine, call: Call, end: GaveUp): Rung[] {
  const { options } = settings;
  if (call.route !== 'messages' || call.thread || call.body === null) return [];
  return rungsFor({
    cause: causeOf(end),
    lowest: lower(options.degrade, call.perCall.degrade),
    available: {
      speed: call.body['speed'] === 'fast',
      model: (options.fallbacks?.length ?? 0) > 0,
      cache: settings.cache !== null,
      answer: options.answer !== undefined,
    },
  });
}

/** The stricter of two limits. */
function lower(instance: Rung | 'never' | undefined, call: Rung | 'never' | undefined): Rung | 'never' | undefined {
  if (instance === undefined || call === undefined) return instance ?? call;
  const order = ['never', 'speed', 'model', 'cache', 'answer'];
  return order.indexOf(instance) < order.indexOf(call) ? instance : call;
}

function causeOf({ reason, failure }: GaveUp): LadderCause {
  switch (reason) {
    case 'aborted':
    case 'circuit-open':
    case 'deadline':
    case 'shutting-down':
    case 'no-target':
      return reason;
    case 'budget':
    case 'budget-empty':
      return failure ? kindOf(failure) : 'budget-empty';
    case 'timeout':
    case 'unreachable':
    case 'bad-answer':
    case 'stream-broken':
      return reason;
    case 'permanent':
    case 'attempts':
    case 'hint-too-long':
      return failure ? kindOf(failure) : 'upstream-error';
  }
}

const kindOf = ({ verdict }: NonNullable<GaveUp['failure']>): LadderCause => (verdict.kind === 'success' ? 'upstream-error' : verdict.kind);

/** The answer of one rung, or null when it has none either. */
async function tryRung(engine: Engine, call: Call, rung: Rung, first: GaveUp, asked: Call): Promise<Response | null> {
  const why = causeOf(first);
  switch (rung) {
    case 'speed': {
      if (!mayAsk(call)) return null;
      const { speed: _, ...body } = call.body as Record<string, unknown>;
      // What follows, a continuation above all, must not go back to fast mode.
      const standard: Call = { ...call, body, rewritten: true };
      return degradeTo(engine, standard, 'speed', why, await pursue(engine, questOf(engine, standard, 'fallback', call.model, null)), null);
    }
    case 'model':
      for (const fallback of engine.settings.options.fallbacks ?? []) {
        const { model, accept } = typeof fallback === 'string' ? ({ model: fallback } as Fallback) : fallback;
        if (model === call.model || !mayAsk(call)) continue;
        // Only what is whole can be judged.
        const lesser = accept ? asked : call;
        const end = await pursue(engine, questOf(engine, lesser, 'fallback', model, lesser.body));
        const response = await degradeTo(engine, lesser, `model:${model}`, why, end, accept ?? null);
        if (response) return response;
      }
      return null;
    case 'cache': {
      const found = await engine.settings.cache?.find(call, timeLeft(engine, call));
      if (!found || isAborted(call.callers)) return null;
      const ageSeconds = String(Math.round(found.ageMs / 1000));
      call.ledger.notes.push(`the cached answer is ${ageSeconds} s old`);
      return standIn(engine, call, 'cache', why, found.message, { 'holdfast-age': ageSeconds });
    }
    case 'answer': {
      const message = await compute(engine, call, first);
      return message ? standIn(engine, call, 'answer', why, message, {}) : null;
    }
  }
}

async function degradeTo(
  engine: Engine,
  call: Call,
  label: string,
  why: string,
  end: PursuitEnd,
  accept: Fallback['accept'] | null,
): Promise<Response | null> {
  if (end.type === 'gave-up') return null;
  if (end.result.type === 'message' && accept && !isGoodEnough(accept, end.result.message)) {
    end.entry.discarded = true;
    return null;
  }
  degraded(engine, call, label, why);
  return deliver(engine, call, end);
}

/** A predicate that throws has not accepted. */
function isGoodEnough(accept: NonNullable<Fallback['accept']>, message: Message): boolean {
  try {
    return accept(message as never);
  } catch {
    return false;
  }
}

/** Stand-ins are still given so long after the deadline: they are at hand, or they are none. Milliseconds. */
const graceMs = 40;
/** Who computes an answer for longer has none. Milliseconds. */
const longestComputationMs = 30_000;

const timeLeft = ({ settings }: Engine, call: Call): number => Math.max(0, call.deadlineAt + graceMs - settings.clock.now());

async function compute(engine: Engine, call: Call, { reason }: GaveUp): Promise<Message | null> {
  const { settings } = engine;
  const why: DegradeReason = {
    kind: call.ledger.attempts.at(-1)?.result ?? reason,
    reason: call.ledger.attempts.at(-1)?.reason ?? reason,
    callId: call.id,
  };
  const computing = (async () =>
    (await settings.options.answer?.(call.body as Record<string, unknown>, why)) as Message | null | undefined)();
  const done = new AbortController();
  const tooLong = pause(settings.clock, Math.min(longestComputationMs, timeLeft(engine, call)), [...call.callers, done.signal]);
  try {
    return (await Promise.race([computing, tooLong.then(() => null)])) ?? null;
  } catch {
    return null;
  } finally {
    computing.catch(() => {});
    done.abort();
  }
}

/** Delivers a message that no request brought, the way the caller asked for it. */
function standIn(engine: Engine, call: Call, label: string, why: string, message: Message, extra: Record<string, string>): Response {
  degraded(engine, call, label, why);
  finish(engine, call, 'delivered', null);
  const headers = { 'request-id': headerValue(call.id), ...labels(call, null), ...extra };
  if (!call.stream)
    return new Response(JSON.stringify(message), { status: 200, headers: { 'content-type': 'application/json', ...headers } });
  return new Response(messageEvents(message) as Uint8Array<ArrayBuffer>, {
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', ...headers },
  });
}

function degraded({ settings }: Engine, call: Call, rung: string, why: string): void {
  call.ledger.degraded = rung;
  tell(settings, call, () => ({ type: 'answer-degraded', callId: call.id, at: settings.clock.now(), rung, why }));
}

function fail(engine: Engine, call: Call, end: GaveUp): Response {
  if (end.reason === 'aborted' || end.failure?.verdict.kind === 'aborted') {
    finish(engine, call, 'aborted', 'aborted');
    // The SDK looks at its own signal first: this becomes its APIUserAbortError. A scope that ended is not the SDK's: 499.
    if (call.callers[0]?.aborted) throw new DOMException('The caller left.', 'AbortError');
    return ownAnswer('aborted', { call_id: call.id, attempts: call.ledger.attempts.length }, labels(call, null));
  }
  const { response, reason } = surface(call, end);
  finish(engine, call, 'failed', reason === 'upstream' ? (end.failure?.verdict.kind ?? reason) : reason);
  return response;
}

function indexMessage({ settings }: Engine, call: Call, message: Message): void {
  if (typeof message['id'] === 'string') settings.book.index(message['id'], call.ledger);
}
