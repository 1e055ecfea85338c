// An endpoint that speaks Anthropic's API, answered through a client of this process: any SDK in any language can use
// this server as its base URL.

import { quietly } from '../telemetry/quietly.ts';
import { anthropicError, type AnthropicReply } from './anthropic-error.ts';
import { ownRefusal } from './before-call.ts';
import { nodeScope } from './node-scope.ts';
import { forwardCall, forwardModels, type Exchange } from './proxy-forward.ts';
import type { MessagesProxyOptions, ProxyClient } from './proxy-options.ts';
import { bringsCredential, routeOf } from './proxy-request.ts';
import { readJson, type JsonBody, type ParsedRequest } from './read-json.ts';
import type { NodeResponse } from './relay-node.ts';
import { replyToNode } from './reply.ts';
import { currentScope, runInScope } from './scope.ts';

/** https://docs.claude.com/en/api/overview, request size limits: 32 MB for Messages and Token Counting. */
const defaultMaxBodyBytes = 32 * 1024 * 1024;

/**
 * Handles `POST /v1/messages`, `POST /v1/messages/count_tokens` and `GET /v1/models` (relative to `request.url`) as
 * Anthropic's API does, by a call through `client`: with Holdfast on that client, its callers get everything Holdfast does.
 * Errors have Anthropic's shape and status, and `x-should-retry` tells the caller's SDK not to repeat what was repeated here.
 * A stream begins within a second (`holdHeadersMs`); what fails later is an `error` event in it.
 *
 * A body that middleware has parsed (`request.body`) is used as it is.
 */
export async function proxyMessages(
  request: ParsedRequest,
  response: NodeResponse,
  client: ProxyClient,
  options: MessagesProxyOptions = {},
): Promise<void> {
  const scope = currentScope();
  await runInScope(scope?.signal && scope.requestId ? {} : nodeScope(request, response), () =>
    handle({ request, response, client, options: ofCaller(options) }),
  );
}

/** What the upstream says of the caller's own account, the caller may read. */
function ofCaller(options: MessagesProxyOptions): MessagesProxyOptions {
  return { ...options, exposeAccount: options.exposeAccount ?? options.forwardCredentials === true };
}

async function handle(exchange: Exchange): Promise<void> {
  const { request, response, options } = exchange;
  const refuse = (status: number, message: string): void => void replyToNode(response, ownRefusal({ status, message }));
  try {
    const route = routeOf(request);
    if (route === null) return refuse(404, 'This server answers POST /v1/messages, POST /v1/messages/count_tokens and GET /v1/models.');
    if (route.type === 'look') return void response.end();
    if (options.authorize && !(await options.authorize(request))) return refuse(401, 'This server does not know the caller.');
    if (options.forwardCredentials && !bringsCredential(request))
      return refuse(401, 'This server needs a key of the caller: x-api-key, or authorization: Bearer.');
    if (route.type === 'models') return await forwardModels(route, exchange);
    const body = await readJson(request, options.maxBodyBytes ?? defaultMaxBodyBytes);
    switch (body.type) {
      case 'gone':
        return;
      case 'json':
        return await forwardCall(route, body.value, exchange);
      case 'too-large':
        response.setHeader('connection', 'close');
    }
    replyToNode(response, ownRefusal(badBodies[body.type]));
  } catch (error) {
    if (response.destroyed) return;
    quietly(() => options.onError?.(error, request));
    replyToNode(response, anthropicError(error, options));
  }
}

const badBodies: Readonly<Record<Exclude<JsonBody['type'], 'json' | 'gone'>, { readonly status: number; readonly message: string }>> = {
  malformed: { status: 400, message: 'The body is no JSON object.' },
  compressed: { status: 400, message: 'The body is compressed, and this server does not read compressed bodies.' },
  'too-large': { status: 413, message: 'The body is larger than this server accepts.' },
};

/**
 * The reply in Anthropic's shape for what a body parser in front of the proxy refused (malformed, too large, in an unknown
 * encoding), by the `type` and `status` such parsers put on their errors; null for every other error.
 */
export function refusedBody(error: unknown): AnthropicReply | null {
  const { type, status } = (typeof error === 'object' && error !== null ? error : {}) as { type?: unknown; status?: unknown };
  if (typeof type !== 'string' || typeof status !== 'number' || !/^(entity|encoding|charset|request)\./.test(type)) return null;
  if (status < 400 || status > 499) return null;
  if (status === 413) return ownRefusal({ status, message: 'A body parser in front of this route takes no body as large as this.' });
  if (type === 'entity.parse.failed') return ownRefusal(badBodies.malformed);
  return ownRefusal({ status: 400, message: 'The body could not be read.' });
}
