// Sends a reply of ours through the framework.

import { replyToNode, type Reply } from '@holdfast/core/http';
import { isFastifyReply, isFresh } from './fastify-reply.ts';
import { rawResponse } from './request-context.ts';

/** @internal Keeps the headers that the framework already has for its response. */
export function sendReply(response: object, reply: Reply): void {
  if (!isFastifyReply(response) || !isFresh(response)) {
    replyToNode(rawResponse(response), reply);
    return;
  }
  response.code(reply.status);
  for (const [name, value] of Object.entries(reply.headers)) {
    // HTTP/2 has no such header; its streams are known by `stream`.
    if (name !== 'connection' || !('stream' in response.raw)) response.header(name, value);
  }
  response.send(Buffer.from(JSON.stringify(reply.body)));
}
