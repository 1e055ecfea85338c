// Builds the request that goes on with an interrupted answer. Earlier turns are never edited: signatures are bound to them.

import { modelFacts } from '../policy/models.ts';
import { anchorTag } from './anchor.ts';
import { halfAtEnd } from './comparable.ts';
import { isObject } from './event-form.ts';
import { deliveredText, estimateTokens, type Transcript } from './transcript.ts';

type Json = Readonly<Record<string, unknown>>;

export interface Continuation {
  readonly body: Json;
  readonly form: 'prefill' | 'user-turn';
  /** What was cut off the end of a prefill, because the API rejects it there: white space, half a character. */
  readonly trimmed: string;
}

export interface ContinuationInput {
  readonly body: Json;
  readonly transcript: Transcript;
  readonly anchor: string;
  /** The model that will be asked. */
  readonly model: string;
  /** The request thinks: a prefill cannot be combined with that. */
  readonly thinks: boolean;
  /** A prefill was rejected before. */
  readonly noPrefill: boolean;
}

/**
 * The continuation of `body` for what `transcript` says was delivered: as an assistant turn to go on with where the model
 * takes one, else as a user turn that quotes how the answer ended and asks for the rest.
 */
export function continuationBody(input: ContinuationInput): Continuation {
  const { body, transcript, model, thinks, noPrefill } = input;
  const partial = deliveredText(transcript);
  const shrunk = limitsLeft(body, estimateTokens(partial.length));
  const messages = Array.isArray(body['messages']) ? (body['messages'] as unknown[]) : [];

  // Half a character is no text: as JSON it would reach the model as something else.
  const whole = partial.slice(0, partial.length - halfAtEnd(partial).length).trimEnd();
  if (modelFacts(model).acceptsPrefill && !thinks && !noPrefill && whole !== '') {
    return {
      form: 'prefill',
      trimmed: partial.slice(whole.length),
      body: { ...body, ...shrunk, messages: [...messages, { role: 'assistant', content: whole }] },
    };
  }
  const turns = whole === '' ? [] : [{ role: 'assistant', content: whole }];
  return {
    form: 'user-turn',
    trimmed: '',
    body: {
      ...body,
      ...shrunk,
      messages: [...messages, ...turns, { role: 'user', content: requestToGoOn(input.anchor, anchorTag(partial)) }],
    },
  };
}

/** The API takes no smaller budget for thinking. */
const leastBudget = 1_024;

/** What is left of `max_tokens`; a budget for thinking that would not fit below it is made smaller. */
function limitsLeft({ max_tokens: max, thinking }: Json, used: number): Json {
  if (typeof max !== 'number') return {};
  const left = Math.max(1, max - used);
  if (!isObject(thinking)) return { max_tokens: left };
  const budget = thinking['budget_tokens'];
  if (typeof budget !== 'number' || budget < left) return { max_tokens: left };
  const smaller = Math.min(budget, Math.max(leastBudget, Math.floor(left / 2)));
  return { max_tokens: left > smaller ? left : smaller + left, thinking: { ...thinking, budget_tokens: smaller } };
}

/**
 * Asks for the rest. The last words stand between tags, and the model is asked to begin with them: a model that is shown the
 * exact words repeats them, and where they end in its reply is where the reader's text goes on.
 */
function requestToGoOn(anchor: string, tag: string): string {
  const half = halfAtEnd(anchor);
  const words = anchor.slice(0, anchor.length - half.length);
  return [
    'Your reply above was cut off by a connection failure. What arrived ends with these exact words:',
    '',
    `<${tag}>${words}</${tag}>`,
    '',
    'Write the rest of that same reply. Begin by repeating the words between the tags verbatim, without the tags, and go straight on from there in the same language, tone and formatting, as if there had been no interruption. Do not comment on the interruption, do not apologise, do not start over.',
  ].join('\n');
}
