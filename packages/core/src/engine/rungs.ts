// The rungs below the answer that was asked for: each gives its answer, or none.

import type { DegradeReason, Fallback } from '../options.ts';
import type { EndKind, Rung } from '../policy/endings.ts';
import { isAborted, pause } from './abort.ts';
import type { Call } from './call.ts';
import type { Engine, PursuitEnd } from './pursuit.ts';

type Message = Readonly<Record<string, unknown>>;
type Answered = Extract<PursuitEnd, { type: 'answered' }>;

/** What one rung came up with. */
export type RungAnswer =
  /** The answer of a request, for the call as it was sent. */
  | { readonly type: 'answered'; readonly call: Call; readonly label: string; readonly end: Answered }
  /** A message that no request brought. */
  | { readonly type: 'stand-in'; readonly label: string; readonly message: Message; readonly headers: Record<string, string> };

/** What a rung is asked with. */
export interface RungInput {
  readonly engine: Engine;
  readonly call: Call;
  /** The call as the caller made it, where `call` is its streamed form. */
  readonly asked: Call;
  /** Why the answer cannot be had. */
  readonly cause: EndKind;
  /** Asks for a lesser answer. */
  readonly ask: (call: Call, model: string | null, body: Call['body']) => Promise<PursuitEnd>;
}

/** Stand-ins are still given so long after the deadline: they are at hand, or they are none. Milliseconds. */
const graceMs = 40;
/** Who computes or judges an answer for longer has none. Milliseconds. */
const longestWorkMs = 30_000;

/** A call that must not be billed twice asks nobody after its first request, whatever model answers. */
export const mayAsk = ({ perCall, ledger }: Call): boolean => perCall.attempts !== 1 || ledger.attempts.length === 0;

/** The answer of one rung, or null when it has none either. */
export function tryRung(rung: Rung, input: RungInput): Promise<RungAnswer | null> {
  switch (rung) {
    case 'speed':
      return atStandardSpeed(input);
    case 'model':
      return byFallback(input);
    case 'cache':
      return fromCache(input);
    case 'answer':
      return computed(input);
  }
}

async function atStandardSpeed({ call, ask }: RungInput): Promise<RungAnswer | null> {
  if (!mayAsk(call)) return null;
  const { speed: _, ...body } = call.body as Record<string, unknown>;
  // What follows, a continuation above all, must not go back to fast mode.
  const standard: Call = { ...call, body, rewritten: true };
  const end = await ask(standard, call.model, null);
  return end.type === 'answered' ? { type: 'answered', call: standard, label: 'speed', end } : null;
}

async function byFallback({ engine, call, asked, ask }: RungInput): Promise<RungAnswer | null> {
  for (const fallback of engine.settings.options.fallbacks ?? []) {
    const { model, accept } = typeof fallback === 'string' ? ({ model: fallback } as Fallback) : fallback;
    if (model === call.model || !mayAsk(call)) continue;
    // Only what is whole can be judged.
    const lesser = accept ? asked : call;
    const end = await ask(lesser, model, lesser.body);
    if (end.type === 'gave-up') continue;
    if (accept && end.result.type === 'message' && !(await isAccepted(engine, lesser, accept, end.result.message))) {
      end.entry.discarded = true;
      continue;
    }
    return { type: 'answered', call: lesser, label: `model:${model}`, end };
  }
  return null;
}

/** Only a clear yes is one: who throws, rejects, or is not done in time has not accepted. */
async function isAccepted(engine: Engine, call: Call, accept: NonNullable<Fallback['accept']>, message: Message): Promise<boolean> {
  return (await within(engine, call, () => accept(message as never))) === true;
}

async function fromCache({ engine, call }: RungInput): Promise<RungAnswer | null> {
  const found = await engine.settings.cache?.find(call, timeLeft(engine, call));
  if (!found || isAborted(call.callers)) return null;
  const ageSeconds = String(Math.round(found.ageMs / 1000));
  call.ledger.notes.push(`the cached answer is ${ageSeconds} s old`);
  return { type: 'stand-in', label: 'cache', message: found.message, headers: { 'holdfast-age': ageSeconds } };
}

async function computed({ engine, call, cause }: RungInput): Promise<RungAnswer | null> {
  const { answer } = engine.settings.options;
  const last = call.ledger.attempts.at(-1);
  const why: DegradeReason = { kind: last?.result ?? cause, reason: last?.reason ?? cause, callId: call.id };
  const message = asMessage(await within(engine, call, () => answer?.(call.body as Record<string, unknown>, why)));
  return message && { type: 'stand-in', label: 'answer', message, headers: {} };
}

/** A message as it would go over the wire; null for what is none, or what no wire can carry. */
function asMessage(value: unknown): Message | null {
  let message: unknown;
  try {
    message = value && JSON.parse(JSON.stringify(value));
  } catch {
    return null;
  }
  if (!isObject(message) || message['type'] !== 'message' || !Array.isArray(message['content'])) return null;
  return message['content'].every((block) => isObject(block) && typeof block['type'] === 'string') ? message : null;
}

const isObject = (value: unknown): value is Message => typeof value === 'object' && value !== null && !Array.isArray(value);

const timeLeft = ({ settings }: Engine, call: Call): number => Math.max(0, call.deadlineAt + graceMs - settings.clock.now());

/** What the application's own `work` comes to while there is time and somebody waits; null for whatever goes wrong with it. */
async function within<T>(engine: Engine, call: Call, work: () => T | PromiseLike<T>): Promise<T | null> {
  const working = (async () => work())();
  const done = new AbortController();
  const tooLong = pause(engine.settings.clock, Math.min(longestWorkMs, timeLeft(engine, call)), [...call.callers, done.signal]);
  try {
    return await Promise.race([working, tooLong.then(() => null)]);
  } catch {
    return null;
  } finally {
    working.catch(() => {});
    done.abort();
  }
}
