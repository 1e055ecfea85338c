// Whose key or token a call is made with.

import type { Credential } from '../policy/target-state.ts';

/** Where the SDK and its platforms put what they authenticate with. */
const names = ['x-api-key', 'authorization'] as const;

interface HeadersReader {
  get(name: string): string | null;
}

/**
 * Tells credentials apart, and the caller's own from the operator's: a key or token given with this one request is the
 * caller's, unless the application says otherwise.
 *
 * @param sent the headers of the request
 * @param given the headers that were given in the options of this request
 * @param told what the application says
 */
export function credentialOf(sent: HeadersReader, given: unknown, told: 'operator' | 'caller' | undefined): Credential {
  const isCallers = told === undefined ? names.some((name) => isGiven(given, name)) : told === 'caller';
  return { id: fingerprint(names.map((name) => sent.get(name) ?? '').join('\n')), isCallers };
}

/**
 * The SDK takes headers as an object, as `Headers`, or as pairs, and makes `{ values, nulls }` of them on the way. A header
 * that is null is taken away.
 */
function isGiven(given: unknown, name: string): boolean {
  if (typeof given !== 'object' || given === null) return false;
  const { values, has } = given as { readonly values?: unknown; readonly has?: unknown };
  if (typeof has === 'function') return (given as Headers).has(name);
  if (typeof values === 'object' && values !== null) return isGiven(values, name);
  const pairs: readonly unknown[] = Array.isArray(given) ? given : Object.entries(given);
  return pairs.some((pair) => {
    const [key, value] = pair as [unknown, unknown];
    return typeof key === 'string' && key.toLowerCase() === name && value !== null && value !== undefined;
  });
}

/** Keys are not kept: 53 bits tell them apart. cyrb53, public domain: https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js */
function fingerprint(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
}
