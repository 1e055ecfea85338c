// What is known of an error that `fetch` threw, read by structure along its chain of causes.

import type { ConnectionFacts } from './outcome.ts';

/** Nothing was sent: the name did not resolve, or no connection came about. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The certificate is not what it should be: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificateCode = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_CA|ERROR_IN_CERT)/;

/** True for a failed TLS handshake that will fail again until somebody mends a certificate. */
export const isCertificateFailure = (facts: ConnectionFacts): boolean => facts.code !== undefined && certificateCode.test(facts.code);

/** Reads `error` and its causes. `sent: 'no'` only when that is certain. */
export function connectionFacts(error: unknown): ConnectionFacts {
  let name = 'Error';
  let code: string | undefined;
  const seen = new Set<unknown>();
  let current = error;
  while (typeof current === 'object' && current !== null && !seen.has(current) && seen.size < 16) {
    seen.add(current);
    const link = current as { name?: unknown; code?: unknown; cause?: unknown; errors?: unknown };
    if (typeof link.name === 'string') name = link.name;
    if (typeof link.code === 'string') code = link.code;
    // Happy eyeballs reports one error per address.
    current = link.cause ?? (Array.isArray(link.errors) ? link.errors[0] : undefined);
  }
  const notSent = code !== undefined && (neverSent.has(code) || certificateCode.test(code));
  return { name, code, sent: notSent ? 'no' : 'maybe' };
}
