// Sends a reply that core decided on: a problem, a health report, an error in Anthropic's shape.

import type { Problem } from './problem.ts';
import { streamErrorBody } from './relay-format.ts';
import { isGone, isHttp2, type NodeResponse } from './relay-node.ts';

/** What `problem`, `anthropicError` and `healthReply` return. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** `reply` as a web Response. */
export function toResponse({ status, headers, body }: Reply): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

/**
 * Sends `reply` on a Node.js response, as far as it still can. When headers are out already, an event stream (known by
 * `setHeader`) ends with an `error` event, and anything else is broken off, so that no half answer looks whole.
 *
 * @returns whether the reply was sent as such
 */
export function replyToNode(response: NodeResponse, reply: Reply): boolean {
  if (isGone(response) || response.writableEnded) return false;
  if (response.headersSent) {
    if (isEventStream(response))
      response.end(`event: error\ndata: ${JSON.stringify(isProblem(reply) ? streamErrorBody(reply) : reply.body)}\n\n`);
    else response.destroy();
    return false;
  }
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers))
    if (name !== 'connection' || !isHttp2(response)) response.setHeader(name, value);
  response.end(JSON.stringify(reply.body));
  return true;
}

function isProblem(reply: Reply): reply is Problem {
  return 'kind' in reply && (reply as Problem).body.code === reply.kind;
}

function isEventStream(response: NodeResponse): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream');
}
