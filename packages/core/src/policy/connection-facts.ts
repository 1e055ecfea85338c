// What is known of an error that `fetch` threw, read by structure along its chain of causes.

import { originOf, type Link } from './error-origin.ts';
import type { ConnectionFacts } from './outcome.ts';

/**
 * Codes that cannot occur once a request has begun to be sent: https://nodejs.org/api/errors.html#common-system-errors and
 * https://undici.nodejs.org/#/docs/api/Errors. Others (ECONNRESET, ETIMEDOUT, EHOSTUNREACH, …) also end connections in use.
 */
const neverSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EAI_NONAME',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
  'ERR_INVALID_URL',
]);

/** System calls that come before the first byte: connecting, and asking for an address. */
const beforeSending = /^(connect|getaddrinfo|query[A-Z]\w*)$/;

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificateCode =
  /^(CERT_|CRL_|UNABLE_TO_|ERROR_IN_CERT_|ERROR_IN_CRL_|ERR_TLS_CERT_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$)/;

/** True for a failed TLS handshake that will fail again until somebody mends a certificate. */
export const isCertificateFailure = (facts: ConnectionFacts): boolean => facts.code !== undefined && certificateCode.test(facts.code);

/** The network failed, and not what was asked over it. */
export const isNetworkCode = (code: string | undefined): boolean =>
  code !== undefined && /^(?:ECONN\w+|ETIMEDOUT|EAI_\w+|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EPIPE|UND_ERR_\w+)$/.test(code);

/** Deeper chains than this are not followed. */
const maxDepth = 16;

/**
 * Reads why a request got no response: the innermost code and name along `error`'s causes, and whether the request may have
 * been sent. `sent` is `'no'` only when that is certain, so that even what must not happen twice can be repeated then. Never throws.
 *
 * @example
 * connectionFacts(await fetch(url).catch((error) => error)); // { name: 'TypeError', code: 'ECONNREFUSED', sent: 'no' }
 */
export function connectionFacts(error: unknown): ConnectionFacts {
  try {
    const facts = factsOf(error, new Set());
    const origin = originOf(chainOf(error), facts.code);
    return origin ? { ...facts, origin } : facts;
  } catch {
    // Even the length of a list of errors can be a trap.
    return { name: 'Error', code: undefined, sent: 'maybe' };
  }
}

function chainOf(error: unknown): Link[] {
  const links: Link[] = [];
  for (let link = error; typeof link === 'object' && link !== null && links.length < maxDepth; link = property(link, 'cause')) {
    links.push({ name: text(link, 'name') ?? 'Error', message: (text(link, 'message') ?? '').slice(0, 500) });
  }
  return links;
}

function factsOf(error: unknown, seen: Set<unknown>): ConnectionFacts {
  let name = 'Error';
  let code: string | undefined;
  let sent: ConnectionFacts['sent'] = 'maybe';
  for (let link = error; typeof link === 'object' && !seen.has(link) && seen.size < maxDepth; link = property(link, 'cause')) {
    seen.add(link);
    name = specific(text(link, 'name')) ?? name;
    const ownCode = text(link, 'code');
    if (ownCode !== undefined) {
      code = ownCode;
      sent = isUnsent(ownCode, text(link, 'syscall')) ? 'no' : 'maybe';
    }
    const errors = property(link, 'errors');
    if (Array.isArray(errors) && errors.length > 0) return ofAll(name, errors, seen);
  }
  return { name, code, sent };
}

/** Happy Eyeballs reports one error per address: nothing was sent only if that holds for each. */
function ofAll(name: string, errors: readonly unknown[], seen: Set<unknown>): ConnectionFacts {
  const all = errors.slice(0, maxDepth).map((each) => factsOf(each, seen));
  const first = all[0] as ConnectionFacts;
  return {
    name: specific(first.name) ?? name,
    code: first.code,
    sent: all.every(({ sent }) => sent === 'no') ? 'no' : 'maybe',
  };
}

const isUnsent = (code: string, syscall: string | undefined): boolean =>
  neverSent.has(code) || certificateCode.test(code) || (syscall !== undefined && beforeSending.test(syscall));

/** "Error" says nothing that a name further out does not say better. */
const specific = (name: string | undefined): string | undefined => (name === 'Error' ? undefined : name);

const text = (link: object | null, name: string): string | undefined => {
  const value = property(link, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
};

function property(link: object | null, name: string): unknown {
  try {
    return (link as Record<string, unknown>)[name];
  } catch {
    // Null has no properties, and a getter of a thrown object may itself throw.
  }
}
