// Sends a request: down the chain of the client that carries the middleware, or through a target's own client.

import { sdkDefaultTimeoutMs } from '../policy/limits.ts';
import type { Call } from './call.ts';
import { dispatch } from './dispatch.ts';
import { nestedMark } from './nested.ts';
import type { Plan } from './router.ts';

/** Rejects only when there is no Response. */
export function send(call: Call, { client, adapted }: Plan, signal: AbortSignal): Promise<Response> {
  if (client === null) return call.next({ ...call.request, ...nestedMark, ...bodyOf(call, adapted), signal, redirect: 'manual' });
  if (adapted === null) return Promise.reject(new Error('an ineligible target was chosen'));
  return dispatch({
    client,
    options: call.options,
    request: call.request,
    body: adapted.body,
    betas: adapted.betas,
    version: adapted.version,
    signal,
    timeoutMs: call.options.timeout ?? sdkDefaultTimeoutMs,
  });
}

/** The body as the SDK wrote it goes out byte for byte. */
function bodyOf(call: Call, adapted: Plan['adapted']): { readonly body?: string } {
  if (adapted) return { body: JSON.stringify(adapted.body) };
  return call.rewritten ? { body: JSON.stringify(call.body) } : {};
}
