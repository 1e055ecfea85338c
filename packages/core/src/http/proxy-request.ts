// What a proxied request asks for, and what of it goes upstream.

import type { IncomingMessage } from 'node:http';

/** What the proxy answers. */
export type ProxyRoute =
  | { readonly type: 'call'; readonly path: '/v1/messages' | '/v1/messages/count_tokens'; readonly query: Record<string, string> }
  | { readonly type: 'models'; readonly path: string; readonly query: Record<string, string> }
  /** Somebody looks whether there is a server. */
  | { readonly type: 'look' };

const calls: ReadonlySet<string> = new Set(['/v1/messages', '/v1/messages/count_tokens']);
const models = /^\/v1\/models(\/[\w.:@-]{1,200})?$/;

/** Parameters of the API's own. Nothing else of a query goes upstream. */
const parameters = ['beta', 'limit', 'after_id', 'before_id'] as const;

/** The route of a request; null for what is not answered here. */
export function routeOf({ method, url = '/' }: IncomingMessage): ProxyRoute | null {
  const [path = '/', search = ''] = url.split('?', 2);
  const isModels = models.test(path);
  if (method === 'HEAD') return path === '/' || isModels || calls.has(path) ? { type: 'look' } : null;
  const given = new URLSearchParams(search);
  const query: Record<string, string> = {};
  for (const name of parameters) if (given.has(name)) query[name] = given.get(name) as string;
  if (method === 'GET' && isModels) return { type: 'models', path, query };
  return method === 'POST' && calls.has(path) ? { type: 'call', path: path as '/v1/messages', query } : null;
}

/** What decides how the request is read upstream. Everything else about the caller stays here. */
const forwarded = ['anthropic-version', 'anthropic-beta', 'x-stainless-helper', 'x-stainless-helper-method'] as const;
const credentials = ['authorization', 'x-api-key'] as const;

/** With the caller's credentials none of ours may go along: null removes what the client would send. */
export function headersFor({ headers }: IncomingMessage, withCredentials: boolean): Record<string, string | null> {
  const taken: Record<string, string | null> = {};
  const valueOf = (name: string): string | null => (typeof headers[name] === 'string' ? headers[name] : null);
  for (const name of forwarded) if (valueOf(name) !== null) taken[name] = valueOf(name);
  if (withCredentials) for (const name of credentials) taken[name] = valueOf(name);
  return taken;
}

/** Whether the caller brought a key at all. */
export function bringsCredential({ headers }: IncomingMessage): boolean {
  const key = headers['x-api-key'];
  const token = /^\s*bearer\s+(\S.*)$/i.exec(headers.authorization ?? '')?.[1];
  return (typeof key === 'string' && key.trim() !== '') || token !== undefined;
}

export function betasOf({ headers }: IncomingMessage): string[] {
  return String(headers['anthropic-beta'] ?? '')
    .split(',')
    .map((beta) => beta.trim())
    .filter((beta) => beta !== '');
}

/** The caller's SDK says in whole seconds how long it waits for an answer; later than that it is of no use. */
export function patienceOf({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers['x-stainless-timeout']);
  return Number.isInteger(seconds) && seconds > 0 && seconds <= 86_400 ? seconds * 1000 : undefined;
}
