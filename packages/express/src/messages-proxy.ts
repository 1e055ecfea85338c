// An Anthropic-compatible endpoint: any SDK in any language can use this server as its base URL.

import { proxyMessages, quietly, refusedBody, replyToNode, type MessagesProxyOptions, type ProxyClient } from '@holdfast/core/http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { HoldfastExpress } from './middleware.ts';

/**
 * Answers `POST /v1/messages` (streams included), `POST /v1/messages/count_tokens` and `GET /v1/models` below the path it
 * is mounted on, and tells in Anthropic's shape what a body parser before it refused.
 * Whoever reaches it spends this server's account: pass `authorize`, or mount it behind your own check.
 *
 * @returns two handlers for one `app.use`
 *
 * @example
 * app.use('/anthropic', messagesProxy(claude, { authorize: (req) => isOurs(req.headers.authorization) }));
 * // new Anthropic({ baseURL: 'https://this.server/anthropic' })
 */
export function messagesProxy(
  claude: HoldfastExpress<ProxyClient>,
  options: MessagesProxyOptions = {},
): [RequestHandler, ErrorRequestHandler] {
  const interrupt = options.interrupt ?? claude.drain.deadline;
  const handler: RequestHandler = (request, response) => proxyMessages(request, response, claude.client, { ...options, interrupt });
  const onParserError: ErrorRequestHandler = (error: unknown, request, response, next) => {
    const reply = refusedBody(error);
    if (!reply) {
      next(error);
      return;
    }
    quietly(() => options.onError?.(error, request));
    replyToNode(response, reply);
  };
  return [handler, onParserError];
}
