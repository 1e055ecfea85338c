// The labels that Responses carry: ours, and never an upstream's in our name.

import { headerValue } from './answers.ts';
import type { Call } from './call.ts';
import { ReadResponse } from './read-response.ts';
import { copyAround, lookingLike } from './response-copy.ts';

/** Labels every Response of ours carries. */
export function labels(call: Call, target: string | null): Record<string, string> {
  const { ledger } = call;
  const headers: Record<string, string> = { 'holdfast-call-id': headerValue(call.id), 'holdfast-attempts': String(ledger.attempts.length) };
  if (target) headers['holdfast-target'] = headerValue(target);
  if (ledger.degraded) headers['holdfast-degraded'] = headerValue(ledger.degraded);
  return headers;
}

/** A copy of `response` around another body, with our labels. Length and encoding described the bytes on the wire, not these. */
export function relabel(response: Response, body: BodyInit | null, extra: Record<string, string>): Response {
  return relabelled(copyAround(response, body), extra);
}

/** The same for a body that was read and parsed: it is not made into a stream again. */
export function relabelRead(response: Response, text: string, value: unknown, extra: Record<string, string>): Response {
  return relabelled(lookingLike(response, new ReadResponse(text, value, response)), extra);
}

/** An answer that is handed on as it is, but for what the upstream said in our name. */
export function withoutForeignLabels(response: Response): Response {
  if (foreignLabels(response.headers).length === 0) return response;
  const copy = copyAround(response, response.body);
  for (const name of foreignLabels(copy.headers)) copy.headers.delete(name);
  return copy;
}

/** The upstream may itself be a Holdfast, or may want to be taken for this one. */
const foreignLabels = (headers: Headers): string[] => [...headers.keys()].filter((name) => name.startsWith('holdfast-'));

function relabelled(copy: Response, extra: Record<string, string>): Response {
  const { headers } = copy;
  for (const name of foreignLabels(headers)) headers.delete(name);
  headers.delete('content-encoding');
  headers.delete('content-length');
  headers.delete('transfer-encoding');
  for (const name in extra) headers.set(name, extra[name] as string);
  return copy;
}
