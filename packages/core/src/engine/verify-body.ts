// Tells whether the body of a good status is an answer at all: proxies and broken connections produce all sorts.

import { errorFacts } from '../wire/error-body.ts';
import type { BadBody, ErrorFacts } from '../policy/outcome.ts';

export type VerifiedBody =
  | { readonly type: 'ok'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly type: 'bad'; readonly problem: BadBody; readonly error?: ErrorFacts };

/** Checks the text of an answer to a JSON route. `message`: it must be a message. */
export function verifyBody(text: string, contentType: string | null, expect: 'message' | 'json'): VerifiedBody {
  if (text.trim() === '') return { type: 'bad', problem: 'empty' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (contentType?.includes('html') || /^\s*</.test(text)) return { type: 'bad', problem: 'html' };
    return { type: 'bad', problem: /^\s*[{[]/.test(text) ? 'truncated' : 'not-json' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { type: 'bad', problem: 'not-json' };
  const body = value as Record<string, unknown>;
  if (body['type'] === 'error') return { type: 'bad', problem: 'error-envelope', error: errorFacts(body) };
  if (expect === 'message' && (body['type'] !== 'message' || !Array.isArray(body['content'])))
    return { type: 'bad', problem: 'not-a-message' };
  return { type: 'ok', value: body };
}
