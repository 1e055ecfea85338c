// Tells whether the body of a good status is an answer at all: proxies and broken connections produce all sorts.

import { errorFacts } from '../wire/error-body.ts';
import type { BadBody, ErrorFacts } from '../policy/outcome.ts';
import { MessageAssembler } from '../stream/assemble.ts';

type Wire = Readonly<Record<string, unknown>>;

export type VerifiedBody =
  /** `text` is `value` as JSON. */
  | { readonly type: 'ok'; readonly value: Wire; readonly text: string }
  | { readonly type: 'bad'; readonly problem: BadBody; readonly error?: ErrorFacts };

/** Checks the text of an answer to a JSON route. `message`: it must be a message, in any of the forms that gateways give it. */
export function verifyBody(text: string, contentType: string | null, expect: 'message' | 'json'): VerifiedBody {
  if (text.trim() === '') return bad('empty');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (expect === 'message' && startsAsEvents.test(text)) return assembled(text);
    if (/html/i.test(contentType ?? '') || /^\s*</.test(text)) return bad('html');
    return bad(/^\s*[{[]/.test(text) ? 'truncated' : 'not-json');
  }
  if (!isObject(value)) return Array.isArray(value) && looksAnswered(value[0]) ? ok(value as unknown as Wire, text) : bad('not-json');
  if (value['type'] === 'error' || (Boolean(value['error']) && !looksAnswered(value))) return enveloped(value);
  return expect === 'message' && !looksAnswered(value) ? bad('not-a-message') : ok(value, text);
}

const ok = (value: Wire, text: string): VerifiedBody => ({ type: 'ok', value, text });
const bad = (problem: BadBody): VerifiedBody => ({ type: 'bad', problem });
const enveloped = (value: unknown): VerifiedBody => ({ type: 'bad', problem: 'error-envelope', error: errorFacts(value) });
const isObject = (value: unknown): value is Wire => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A message, or what a gateway wrapped one in: whoever asked may know its ways, and the SDK alone would hand it out. */
function looksAnswered(value: unknown): boolean {
  if (!isObject(value)) return false;
  return isMessageLike(value) || Object.values(value).some((inner) => isObject(inner) && isMessageLike(inner));
}

/** Gateways leave out the type, and write a text, or nothing, for a list of blocks. */
const isMessageLike = (value: Wire): boolean =>
  'content' in value && (value['type'] === 'message' || Array.isArray(value['content']) || 'stop_reason' in value || 'role' in value);

const startsAsEvents = /^\uFEFF?[\r\n]*(?:event|data|id|retry)?:/;

/** Events although no stream was asked for: what they say is the message. */
function assembled(text: string): VerifiedBody {
  const assembler = new MessageAssembler();
  const encoded = new TextEncoder().encode(`${text}\n\n`);
  try {
    assembler.push(encoded);
  } catch {
    return bad('truncated');
  }
  if (assembler.error !== null) {
    try {
      return enveloped(JSON.parse(assembler.error));
    } catch {
      return enveloped({ message: assembler.error });
    }
  }
  const message = assembler.isWhole ? assembler.message() : null;
  return message === null ? bad('truncated') : ok(message, JSON.stringify(message));
}
