// One logical call from its opening to the Response the SDK gets: the call itself, then the ladder, then the truth.

import { isSurfaceReason, type EndKind, type Rung } from '../policy/endings.ts';
import { lowerRung, rungsFor } from '../policy/ladder.ts';
import { storyOfEnding, storyOfVerdict } from '../policy/story.ts';
import { messageEvents } from '../stream/message-events.ts';
import { isAborted } from './abort.ts';
import { headerValue, leftAnswer } from './answers.ts';
import type { Call } from './call.ts';
import { errorDetails, surface } from './deliver.ts';
import { finish } from './finish.ts';
import { labels, relabelRead, withoutForeignLabels } from './labels.ts';
import { asStream, assembled, isLong } from './long-call.ts';
import { pursue, type Engine, type PursuitEnd, type Quest } from './pursuit.ts';
import { mayAsk, tryRung, type RungAnswer } from './rungs.ts';
import { resumeAnswer, streamAnswer } from './stream-call.ts';
import { tell } from './tell.ts';

type GaveUp = Extract<PursuitEnd, { type: 'gave-up' }>;
type Answered = Extract<PursuitEnd, { type: 'answered' }>;

/** Answers `call`. Rejects only when the caller left, as `fetch` does, and with what the program itself threw. */
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
  const cause = causeOf(end);
  for (const rung of ladder) {
    const ask = (lesser: Call, model: string | null, body: Call['body']): Promise<PursuitEnd> =>
      pursue(engine, questOf(engine, lesser, 'fallback', model, body));
    const found = await tryRung(rung, { engine, call, asked, cause, ask });
    if (found) return degrade(engine, call, cause, found);
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

/** Something below the first rung may have an answer at once. */
const mayDegrade = ({ fallbacks, cache, answer }: Engine['settings']['options'], { body, credential }: Call): boolean =>
  (fallbacks?.length ?? 0) > 0 || (!credential.isCallers && (cache ?? answer) !== undefined) || body?.['speed'] === 'fast';

function deliver(engine: Engine, call: Call, { result, hop, entry }: Answered): Response {
  switch (result.type) {
    case 'stream':
      return streamAnswer(engine, call, result, hop, entry);
    case 'passed':
      // Nobody has read its body, and nobody will judge it.
      finish(engine, call, 'delivered', null);
      return withoutForeignLabels(result.response);
    case 'message': {
      const { id } = result.message;
      if (typeof id === 'string') engine.settings.book.index(id, call.ledger);
      if (call.route === 'messages' && !call.ledger.degraded && !call.credential.isCallers)
        engine.settings.cache?.store(call, result.message);
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
    lowest: lowerRung(options.degrade, call.perCall.degrade),
    available: {
      speed: call.body['speed'] === 'fast',
      model: (options.fallbacks?.length ?? 0) > 0,
      // What the operator pays for is not for those who bring a key of their own.
      cache: settings.cache !== null && !call.credential.isCallers,
      answer: options.answer !== undefined && !call.credential.isCallers,
    },
  });
}

/** An end of ours, or what the failure that led to giving up was. */
function causeOf({ reason, failure }: GaveUp): EndKind {
  if (isSurfaceReason(reason)) return reason;
  const { kind = 'success' } = failure?.verdict ?? {};
  return kind === 'success' ? 'upstream-error' : kind;
}

/** Delivers what a rung had, labelled. */
function degrade(engine: Engine, call: Call, cause: EndKind, found: RungAnswer): Response {
  const { settings } = engine;
  const { label: rung } = found;
  call.ledger.degraded = rung;
  tell(settings, call, () => ({ type: 'answer-degraded', callId: call.id, at: settings.clock.now(), rung, why: cause }));
  if (found.type === 'answered') return deliver(engine, found.call, found.end);
  finish(engine, call, 'delivered', null);
  const headers = { 'request-id': headerValue(call.id), ...labels(call, null), ...found.headers };
  const as = (contentType: string): ResponseInit => ({ status: 200, headers: { 'content-type': contentType, ...headers } });
  // The way the caller asked for it.
  return call.stream
    ? new Response(messageEvents(found.message) as Uint8Array<ArrayBuffer>, as('text/event-stream; charset=utf-8'))
    : new Response(JSON.stringify(found.message), as('application/json'));
}

function fail(engine: Engine, call: Call, end: GaveUp): Response {
  const { failure } = end;
  if (end.reason === 'aborted' || failure?.verdict.kind === 'aborted') {
    finish(engine, call, 'aborted', 'aborted');
    // The SDK looks at its own signal first: this becomes its APIUserAbortError. A scope that ended is not the SDK's.
    if (call.callers[0]?.aborted) throw new DOMException('The caller left.', 'AbortError');
    return leftAnswer(call.stream, errorDetails(call, storyOfEnding('aborted', null, null)), labels(call, null));
  }
  const cause = failure?.result.error;
  if (failure?.verdict.kind === 'local-error') {
    engine.settings.stories.set(call.ledger, { story: storyOfVerdict(failure.verdict), cause });
    finish(engine, call, 'failed', 'local-error');
    // Nobody was asked: it is between the program and itself.
    throw cause;
  }
  const { response, story } = surface(call, end);
  engine.settings.stories.set(call.ledger, { story, cause });
  finish(engine, call, 'failed', story.kind);
  return response;
}
