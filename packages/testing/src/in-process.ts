// The same replies without sockets: a `fetch` whose errors look like undici's.

import type { Handle } from './fake-claude.ts';
import type { Reply } from './reply.ts';
import type { RequestRecord } from './ledger.ts';

export function inProcessFetch(handle: Handle): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const url = new URL(typeof input === 'string' ? input : input instanceof URL ? input.href : input.url);
    const signal = init.signal ?? undefined;
    signal?.throwIfAborted();
    const headers = Object.fromEntries(new Headers(init.headers as HeadersInit).entries());
    const { reply, record } = handle({
      method: init.method ?? 'GET',
      path: url.pathname + url.search,
      headers,
      bodyText: typeof init.body === 'string' ? init.body : '',
    });
    switch (reply.instead) {
      case 'reset':
      case 'reset-in-headers':
        throw fetchFailed('ECONNRESET', 'read ECONNRESET');
      case 'stall':
        return await untilAborted(signal, record);
      case null:
    }
    record.status = reply.status;
    const nullBody = reply.status === 204 || reply.status === 304;
    return new Response(nullBody ? null : bodyOf(reply, record, signal), { status: reply.status, headers: reply.headers });
  };
}

function bodyOf({ chunks, ending }: Reply, record: RequestRecord, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        signal?.addEventListener('abort', () => {
          record.clientLeft = at < chunks.length || ending === 'stall';
          controller.error(signal.reason);
        });
      },
      pull(controller) {
        const chunk = chunks[at];
        if (chunk) {
          at += 1;
          record.bytesSent += chunk.length;
          controller.enqueue(chunk);
          return;
        }
        switch (ending) {
          case 'end':
            controller.close();
            return;
          case 'reset':
            controller.error(terminated());
            return;
          case 'stall':
            return new Promise<void>(() => {});
        }
      },
      cancel() {
        record.clientLeft = at < chunks.length || ending === 'stall';
      },
    },
    { highWaterMark: 0 },
  );
}

function untilAborted(signal: AbortSignal | undefined, record: RequestRecord): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => {
      record.clientLeft = true;
      reject(signal.reason as Error);
    });
  });
}

function fetchFailed(code: string, message: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });
}

function terminated(): TypeError {
  return new TypeError('terminated', {
    cause: Object.assign(new Error('other side closed'), { name: 'SocketError', code: 'UND_ERR_SOCKET' }),
  });
}
