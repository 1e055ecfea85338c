// Reads the facts of an error from any of the shapes platforms and proxies use. Never throws.

import type { ErrorFacts } from './outcome.ts';

type Wire = Readonly<Record<string, unknown>>;

const nothing: ErrorFacts = {};

/**
 * Reads `text` as an error body: Anthropic's envelope, Amazon's `{ message, __type }`, Google's `{ error: { status } }` (also
 * in an array), Azure's `{ error: { code } }`. Anything else gives no facts.
 */
export function readErrorBody(text: string, contentType: string | null): ErrorFacts {
  if (contentType?.includes('html') || !/^\s*[{[]/.test(text)) return nothing;
  try {
    return errorFacts(JSON.parse(text));
  } catch {
    return nothing;
  }
}

/** The same for a value already parsed. */
export function errorFacts(value: unknown): ErrorFacts {
  const body = object(Array.isArray(value) ? value[0] : value);
  if (!body) return nothing;
  const inner = object(body['error']);
  if (!inner) {
    const type = own(body, '__type') ?? own(body, 'code');
    return facts(type?.replace(/^.*#/, ''), undefined, own(body, 'message') ?? own(body, 'Message'));
  }
  const details = object(inner['details']);
  const code = details ? own(details, 'error_code') : undefined;
  return facts(own(inner, 'type') ?? own(inner, 'status') ?? own(inner, 'code'), code, own(inner, 'message'));
}

const object = (value: unknown): Wire | undefined => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Wire) : undefined);

const own = (value: Wire, name: string): string | undefined => {
  const found = Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof found === 'string' ? found : undefined;
};

function facts(type: string | undefined, code: string | undefined, message: string | undefined): ErrorFacts {
  return { type, code, message };
}
