// An Anthropic-compatible endpoint: any SDK in any language can use this server as its base URL.

import { proxyMessages, type MessagesProxyOptions, type ProxyClient } from '@holdfast/core/http';
import type { RequestHandler } from 'express';
import type { HoldfastExpress } from './middleware.ts';

/**
 * Answers `POST /v1/messages` (streams included) and `POST /v1/messages/count_tokens` below the path it is mounted on.
 * Whoever reaches it spends this server's account: pass `authorize`, or mount it behind your own check.
 *
 * @example
 * app.use('/anthropic', messagesProxy(claude, { authorize: (req) => isOurs(req.headers.authorization) }));
 * // new Anthropic({ baseURL: 'https://this.server/anthropic' })
 */
export function messagesProxy(claude: HoldfastExpress<ProxyClient>, options: MessagesProxyOptions = {}): RequestHandler {
  const interrupt = options.interrupt ?? claude.drain.deadline;
  return (request, response) => proxyMessages(request, response, claude.client, { ...options, interrupt });
}
