// The rule, and nothing else: whether what Holdfast did is worse than what the bare SDK did. Pure.

import type { Answer, Failure, Observation } from './observation.ts';

/** What a situation knows beyond what the two sides show, and which differences the documentation promises. */
export interface Rule {
  /** The text of the right answer. Null: there is none. Default: what the bare SDK answers is right. */
  readonly right?: string | null;
  /** Holdfast promises an answer here, whatever the bare SDK does. */
  readonly promised?: boolean;
  /** Most requests Holdfast may make here. Default: as many as the bare SDK where asking is final or was answered; else 4. */
  readonly asks?: number;
  /** Milliseconds by which Holdfast may end later. Default 4000. */
  readonly laterMs?: number;
  /** A class that documents a failure better than the bare SDK's. */
  readonly toldAs?: readonly string[];
  /** What else has to hold, once both have ended: the harm in words, or null. */
  readonly also?: (held: Observation, bare: Observation) => string | null;
}

/** The kinds of harm, in the order of their weight. */
export type Harm = 'lost' | 'wrong' | 'truth' | 'asked' | 'late' | 'process' | 'broken promise';

export interface Finding {
  readonly harm: Harm;
  readonly what: string;
}

/** Attempts of one call that the documentation promises at most while nothing was answered. */
const documentedAttempts = 4;
const defaultLaterMs = 4000;

/** Every way in which `held` is worse than `bare`; none if the rule holds. */
export function judge(bare: Observation, held: Observation, rule: Rule = {}): Finding[] {
  const also = rule.also?.(held, bare) ?? null;
  return [
    ...ended(bare, held, rule),
    ...asked(bare, held, rule),
    ...inTime(bare, held, rule),
    ...harmless(bare, held),
    ...(also === null ? [] : [{ harm: 'broken promise' as const, what: also }]),
  ];
}

function ended(bare: Observation, held: Observation, rule: Rule): Finding[] {
  const right = isRight(bare, rule);
  if (held.outcome !== 'answered' && rule.promised) return [{ harm: 'broken promise', what: `no answer: ${told(held)}` }];
  if (held.outcome === 'hung') return bare.outcome === 'hung' ? [] : [{ harm: 'lost', what: 'no end in sight' }];
  if (held.outcome === 'failed') {
    if (right) return [{ harm: 'lost', what: told(held) }];
    if (bare.outcome === 'failed') return lessTruth(bare.failure as Failure, held.failure as Failure, rule);
    // A broken answer that the bare SDK passes on as a whole one, or waits for without end: an error says more.
    return isTruth(held.failure as Failure) ? [] : [{ harm: 'truth', what: `a raw ${held.failure?.classes[0]}` }];
  }
  return answered(bare, held, rule);
}

/** Whether the bare SDK gave the right answer, whole. */
function isRight(bare: Observation, { right }: Rule): boolean {
  if (bare.outcome !== 'answered' || !bare.answer) return false;
  if (right === undefined) return bare.answer.whole;
  return right !== null && bare.answer.whole && bare.answer.text === right;
}

function answered(bare: Observation, held: Observation, rule: Rule): Finding[] {
  const given = held.answer as Answer;
  if (isRight(bare, rule)) return differs(bare.answer as Answer, given);
  if (bare.outcome === 'answered' && differs(bare.answer as Answer, given).length === 0 && !rule.promised) return [];
  if (!given.whole) return [{ harm: 'wrong', what: 'an answer cut short, given out as a whole one' }];
  if (rule.right === null) return [{ harm: 'wrong', what: `an answer where there is none: ${short(given.text)}` }];
  if (rule.right !== undefined && given.text !== rule.right) return [{ harm: 'wrong', what: textDiffers(rule.right, given.text) }];
  return [];
}

function differs(bare: Answer, held: Answer): Finding[] {
  const wrong = (what: string): Finding[] => [{ harm: 'wrong', what }];
  if (bare.whole && !held.whole) return wrong('cut short without a word');
  if (bare.text !== held.text) return wrong(textDiffers(bare.text, held.text));
  if (bare.tools.join('\n') !== held.tools.join('\n'))
    return wrong(`tool input ${short(held.tools.join())}, not ${short(bare.tools.join())}`);
  if (bare.stopReason !== held.stopReason) return wrong(`stop reason ${held.stopReason}, not ${bare.stopReason}`);
  if (bare.content !== held.content) return wrong(`content ${textDiffers(bare.content, held.content)}`);
  return bare.usage === held.usage ? [] : wrong(`usage ${held.usage}, not ${bare.usage}`);
}

/** Whether an error comes in the SDK's own words: all that a program can be expected to know. */
const isTruth = (failure: Failure): boolean => failure.classes.includes('AnthropicError');

function lessTruth(bare: Failure, held: Failure, rule: Rule): Finding[] {
  const truth = (what: string): Finding[] => [{ harm: 'truth', what }];
  if (!isTruth(held) && held.classes[0] !== bare.classes[0]) return truth(`a raw ${held.classes[0]}: ${short(held.message)}`);
  if (rule.toldAs?.some((name) => held.classes.includes(name))) return [];
  // A raw error, or the SDK's plain one, says nothing that an error of a class of its own does not say better.
  if (!isTruth(bare) || bare.classes[0] === 'AnthropicError' || (bare.classes[0] === 'APIError' && bare.type === null)) return [];
  const name = bare.classes[0] as string;
  if (counterparts[name]?.some((other) => held.classes.includes(other))) return [];
  if (!held.classes.includes(name)) return truth(`${held.classes[0]} ${held.status ?? ''}, not ${name}: ${short(held.message)}`);
  if (bare.status !== null && bare.status !== held.status) return truth(`status ${held.status}, not ${bare.status}`);
  if (bare.type !== held.type) return truth(`type ${held.type}, not ${bare.type}`);
  if (!held.words.includes(bare.words)) return truth(`says ${short(held.words)}, not ${short(bare.words)}`);
  if (bare.requestId !== null && held.requestId === null) return truth(`no request id, where the bare SDK has ${bare.requestId}`);
  // What broke in the middle is a story of its own, unless it is a refusal.
  if (bare.status === null && !refusals.has(bare.type ?? '')) return [];
  if (bare.kind !== held.kind) return truth(`explained as ${held.kind}, not ${bare.kind}`);
  return bare.retryable === held.retryable ? [] : truth(`explained as retryable: ${held.retryable}, not ${bare.retryable}`);
}

/** The SDK's errors for what has no reply of the upstream's, and the class under which Holdfast documents the same. */
const counterparts: Readonly<Record<string, readonly string[]>> = {
  APIConnectionError: ['ServiceUnavailableError'],
  APIConnectionTimeoutError: ['GatewayTimeoutError'],
};

/** What Claude says when no repetition can help. */
const refusals: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
]);

function asked(bare: Observation, held: Observation, rule: Rule): Finding[] {
  const most = rule.asks ?? (isRight(bare, rule) || isFinal(bare) ? bare.requests : Math.max(bare.requests, documentedAttempts));
  return held.requests > most ? [{ harm: 'asked', what: `${held.requests} requests, at most ${most}` }] : [];
}

/** A refusal that no repetition changes: the bare SDK asks once, and so must Holdfast. */
function isFinal({ failure, requests }: Observation): boolean {
  const status = failure?.status ?? null;
  return status !== null && status >= 400 && status < 500 && requests === 1;
}

function inTime(bare: Observation, held: Observation, { laterMs = defaultLaterMs }: Rule): Finding[] {
  if (bare.outcome === 'hung' || held.outcome === 'hung' || held.ms - bare.ms <= laterMs) return [];
  return [{ harm: 'late', what: `after ${Math.round(held.ms)} ms, the bare SDK after ${Math.round(bare.ms)} ms` }];
}

function harmless(bare: Observation, held: Observation): Finding[] {
  const found: Finding[] = [];
  if (held.unhandled.length > bare.unhandled.length)
    found.push({ harm: 'process', what: `unhandled: ${short(held.unhandled.at(-1) ?? '')}` });
  if (held.open > bare.open) found.push({ harm: 'process', what: `${held.open} connections left open` });
  return found;
}

/** How a side ended, in a few words. */
export function told({ outcome, failure, answer, requests }: Observation): string {
  const times = requests > 1 ? ` ×${requests}` : '';
  if (outcome === 'hung') return `hangs${times}`;
  if (outcome === 'answered') return `${answer?.whole ? 'answer' : 'part, no end'}${times}`;
  const { status = null, type = null, classes = ['no error'] } = failure ?? {};
  return `${status ?? ''} ${type ?? classes[0]}`.trim() + times;
}

function textDiffers(right: string, given: string): string {
  let at = 0;
  while (at < right.length && right[at] === given[at]) at += 1;
  return `${short(given.slice(Math.max(0, at - 10)))} where ${short(right.slice(Math.max(0, at - 10)))} is right`;
}

const short = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
