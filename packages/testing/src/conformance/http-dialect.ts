// Plain HTTP: JSON in, problem bodies and event streams out.

import type { Dialect, SeenStream, StreamFormat } from './adapter.ts';

interface WireEvent {
  readonly type?: string;
  readonly delta?: { readonly type?: string; readonly text?: string };
  readonly error?: { readonly details?: { readonly code?: string; readonly retryable?: boolean } };
}

/** For adapters that speak plain HTTP: one path per route, problem+json for failures. */
export const httpDialect: Dialect = {
  formats: ['anthropic-sse', 'ndjson', 'text'],
  retryAfter: 'header',

  request(route, input) {
    if (route === 'live' || route === 'ready' || route === 'status') return { method: 'GET', path: `/health/${route}`, headers: {} };
    return { method: 'POST', path: `/${route}`, headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) };
  },

  messageOf: (body) => (JSON.parse(body) as { text: string }).text,

  problemOf(body) {
    const problem = parse(body) as
      | { type?: unknown; code?: unknown; retryable?: unknown; retryAfterMs?: unknown; requestId?: unknown }
      | undefined;
    if (typeof problem?.code !== 'string' || typeof problem.type !== 'string') return null;
    return {
      code: problem.code,
      retryable: problem.retryable === true,
      retryAfterMs: typeof problem.retryAfterMs === 'number' ? problem.retryAfterMs : null,
      requestId: typeof problem.requestId === 'string' ? problem.requestId : null,
    };
  },

  streamOf(body, as): SeenStream {
    // A text cannot say that it is whole; the connection does.
    if (as === 'text') return { text: body, error: null, complete: true };
    const events = eventsIn(body, as);
    const failure = events.find(({ type }) => type === 'error')?.error?.details;
    return {
      text: events.map(({ delta }) => (delta?.type === 'text_delta' ? delta.text : '')).join(''),
      error: failure ? { code: String(failure.code), retryable: failure.retryable === true } : null,
      complete: events.at(-1)?.type === 'message_stop',
    };
  },

  heartbeatsIn(body, as) {
    const sign = as === 'ndjson' ? /^\{"type":"ping"\}$/gm : /^:/gm;
    return body.match(sign)?.length ?? 0;
  },
};

function eventsIn(body: string, as: StreamFormat): WireEvent[] {
  const documents =
    as === 'ndjson'
      ? body.split('\n')
      : body.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice('data: '.length)] : []));
  return documents.filter((text) => text !== '').map((text) => parse(text) as WireEvent);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
