// Sends a call through another SDK client. That client adds its own credentials; none of the first one's come along.

import type { TargetClient } from '../options.ts';
import type { ApiOptions, ApiRequest } from './call.ts';
import { nestedMark } from './nested.ts';
import { discard } from './web-body.ts';

/**
 * Request headers that mean the same everywhere. Everything else stays behind: credentials above all, and whatever a
 * proxy, a tracer or a platform put there for its own hop.
 */
const travelling = ['anthropic-beta', 'x-stainless-helper', 'x-stainless-helper-method'];

/** Request options that are the first client's own business. */
const ownOptions = new Set([
  '__span',
  'middleware',
  'fallbackState',
  'headers',
  'body',
  'maxRetries',
  'signal',
  'timeout',
  'defaultBaseURL',
  'holdfast',
  'fetchOptions',
  'openTelemetry',
]);

export interface Dispatch {
  readonly client: TargetClient;
  readonly options: ApiOptions;
  readonly request: ApiRequest;
  readonly body: Readonly<Record<string, unknown>>;
  /** `anthropic-beta` values the target understands; null: as in the request. */
  readonly betas: string | null;
  /** The `anthropic-version` to send; null: the client's own. */
  readonly version: string | null;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** The other client's answer as an unread Response, whatever its status. Rejects only when there is none. */
export async function dispatch({ client, options, request, body, betas, version, signal, timeoutMs }: Dispatch): Promise<Response> {
  const kept: Record<PropertyKey, unknown> = {};
  for (const [name, value] of Object.entries(options)) if (!ownOptions.has(name)) kept[name] = value;
  const headers: Record<string, string> = {};
  for (const name of travelling) {
    const value = name === 'anthropic-beta' && betas !== null ? betas : request.headers.get(name);
    if (value) headers[name] = value;
  }
  if (version !== null) headers['anthropic-version'] = version;
  try {
    const sent = client.request({
      ...kept,
      ...nestedMark,
      headers,
      body,
      maxRetries: 0,
      signal,
      timeout: timeoutMs,
      // A redirect would carry the body, and in Node also x-api-key, to wherever it points.
      fetchOptions: { redirect: 'manual' },
    } as never);
    return await sent.asResponse();
  } catch (error) {
    const rebuilt = responseOf(error);
    if (rebuilt) return rebuilt;
    throw error;
  }
}

/** The status of the cheapest request there is. Platforms without it answer 404, which is an answer too. */
export async function dispatchProbe(client: TargetClient, signal: AbortSignal): Promise<number> {
  try {
    const sent = client.request({
      method: 'get',
      path: '/v1/models',
      query: { limit: 1 },
      ...nestedMark,
      maxRetries: 0,
      signal,
      fetchOptions: { redirect: 'manual' },
    } as never);
    const response = await sent.asResponse();
    await discard(response);
    return response.status;
  } catch (error) {
    const response = responseOf(error);
    if (!response) throw error;
    return response.status;
  }
}

/** The SDK rejects on a failing status; its error still holds what the upstream said. */
function responseOf(error: unknown): Response | null {
  const {
    status,
    headers,
    error: body,
    message,
  } = (error ?? {}) as { status?: unknown; headers?: unknown; error?: unknown; message?: unknown };
  if (typeof status !== 'number' || status < 200 || status > 599) return null;
  // The headers of another client's fetch may be no Headers of the platform: any that give pairs are read.
  const copied = new Headers(isPairs(headers) ? ([...headers] as [string, string][]) : {});
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding']) copied.delete(name);
  if (body !== undefined && body !== null) copied.set('content-type', 'application/json');
  const text = body === undefined || body === null ? String(message ?? '') : JSON.stringify(body);
  return new Response(status === 204 || status === 205 || status === 304 ? null : text, { status, headers: copied });
}

const isPairs = (headers: unknown): headers is Iterable<unknown> =>
  typeof headers === 'object' && headers !== null && Symbol.iterator in headers;
