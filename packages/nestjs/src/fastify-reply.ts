// Replies and streams through Fastify's own reply, so that what plugins and hooks say (CORS, cookies, ids) goes with them.

import { clientSignal, currentScope, relay, relayToNode, type RelayOptions, type RelayResult, type RelaySource } from '@holdfast/core/http';
import type { NodeResponse } from '@holdfast/core/http';

/** @internal The part of Fastify's reply that is needed. */
export interface FastifyReply {
  readonly raw: NodeResponse;
  readonly sent: boolean;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
  hijack(): unknown;
}

/** @internal */
export const isFastifyReply = (response: object): response is FastifyReply =>
  'raw' in response && typeof (response as Partial<FastifyReply>).hijack === 'function';

/** @internal Nothing was sent past Fastify or through it. */
export const isFresh = (reply: FastifyReply): boolean => !reply.sent && !reply.raw.headersSent;

/** @internal `relayToNode`, on Fastify's reply. */
export async function relayToFastify(source: RelaySource, reply: FastifyReply, options: RelayOptions): Promise<RelayResult> {
  const { raw } = reply;
  if (!isFresh(reply)) {
    if (!reply.sent) reply.hijack();
    return relayToNode(source, raw, options);
  }
  const over = closed(raw);
  let end: RelayResult = { outcome: 'left' };
  const finished = (result: RelayResult): RelayResult => {
    options.onEnd?.(result);
    return result;
  };
  const left = clientSignal(raw);
  const given = options.signal ?? currentScope()?.signal;
  try {
    const response = await relay(source, {
      ...options,
      signal: given ? AbortSignal.any([given, left]) : left,
      onEnd: (result) => {
        end = result;
      },
    });
    reply.code(response.status);
    for (const [name, value] of response.headers) reply.header(name, value);
    reply.send(response.body && headersFirst(response.body));
  } catch (error) {
    if (left.aborted) return finished({ outcome: 'left' });
    throw error;
  }
  await over;
  return finished(end.outcome === 'completed' && !raw.writableFinished ? { outcome: 'left' } : end);
}

const closed = (raw: NodeResponse): Promise<void> => new Promise((resolve) => raw.once('close', () => resolve()));

/** Fastify sends headers with the first bytes; none at all are enough. */
function headersFirst(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let begun = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!begun) {
          begun = true;
          controller.enqueue(new Uint8Array(0));
          return;
        }
        const { value, done } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
