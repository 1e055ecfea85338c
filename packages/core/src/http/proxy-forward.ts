// Makes a proxied call through the client, and hands its answer on.

import type { IncomingMessage } from 'node:http';
import { anthropicError, isHeaderValue } from './anthropic-error.ts';
import { decisionOn, ownRefusal } from './before-call.ts';
import type { MessagesProxyOptions, ProxyCallOptions, ProxyClient } from './proxy-options.ts';
import { betasOf, headersFor, patienceOf, type ProxyRoute } from './proxy-request.ts';
import type { ParsedRequest } from './read-json.ts';
import { relayToNode, type NodeResponse } from './relay-node.ts';
import type { RelayOptions, RelayResult } from './relay.ts';
import { replyToNode } from './reply.ts';
import { currentScope, runInScope } from './scope.ts';

export interface Exchange {
  readonly request: ParsedRequest;
  readonly response: NodeResponse;
  readonly client: ProxyClient;
  readonly options: MessagesProxyOptions;
}

export async function forwardModels(
  { path, query }: ProxyRoute & { type: 'models' },
  { request, response, client, options }: Exchange,
): Promise<void> {
  await forwardWhole(await client.get(path, { query, ...commonOptions(request, options) }).asResponse(), response);
}

function commonOptions(request: IncomingMessage, { forwardCredentials = false }: MessagesProxyOptions): Omit<ProxyCallOptions, 'query'> {
  return {
    headers: headersFor(request, forwardCredentials),
    signal: currentScope()?.signal ?? new AbortController().signal,
    holdfast: forwardCredentials ? { credential: 'caller' } : {},
  };
}

export async function forwardCall(
  { path, query }: ProxyRoute & { type: 'call' },
  asked: Readonly<Record<string, unknown>>,
  { request, response, client, options }: Exchange,
): Promise<void> {
  const credential = options.forwardCredentials ? 'caller' : 'operator';
  const decision = await decisionOn({ path, body: asked, betas: betasOf(request), credential }, request, options.beforeCall);
  const { refuse, body = asked, betas, holdfast } = decision;
  if (refuse !== undefined) return void replyToNode(response, ownRefusal(typeof refuse === 'string' ? { message: refuse } : refuse));
  const stream = body['stream'] === true && path === '/v1/messages';
  const deadlineMs = options.deadlineMs ?? (stream ? undefined : patienceOf(request));
  await runInScope({ deadlineMs }, async () => {
    const common = commonOptions(request, options);
    const answer = client
      .post(path, {
        body,
        query,
        stream,
        ...common,
        headers: betas ? { ...common.headers, 'anthropic-beta': betas.length > 0 ? betas.join(',') : null } : common.headers,
        holdfast: { ...common.holdfast, ...holdfast },
        ...(deadlineMs === undefined ? {} : { timeout: deadlineMs }),
      })
      .asResponse();
    if (stream) await forwardStream(answer, request, response, options);
    else await forwardWhole(await answer, response);
  });
}

async function forwardWhole(answer: Response, response: NodeResponse): Promise<void> {
  const body = new Uint8Array(await answer.arrayBuffer());
  response.statusCode = answer.status;
  for (const [name, value] of answerHeaders(answer)) response.setHeader(name, value);
  response.setHeader('content-type', answer.headers.get('content-type') ?? 'application/json');
  response.end(body);
}

async function forwardStream(
  answer: Promise<Response>,
  request: IncomingMessage,
  response: NodeResponse,
  options: MessagesProxyOptions,
): Promise<void> {
  const onEnd = ({ outcome, error }: RelayResult): void => {
    if (outcome === 'failed' || outcome === 'interrupted') return options.onError?.(error, request);
  };
  const { heartbeatMs, holdHeadersMs, slowReaderMs, interrupt, clock } = options;
  const requestId = currentScope()?.requestId;
  const relayOptions: RelayOptions = {
    as: 'anthropic-sse',
    errors: (error) => anthropicError(error, options).body,
    headers: isHeaderValue(requestId) ? { 'request-id': requestId } : {},
    heartbeatMs,
    holdHeadersMs,
    slowReaderMs,
    interrupt,
    clock,
    onEnd,
  };
  const labelled = answer.then((given) => {
    label(response, answerHeaders(given));
    return given;
  });
  await relayToNode(labelled, response, relayOptions);
}

/** When headers went out before the upstream answered, what they would have said is told in comments of the stream. */
function label(response: NodeResponse, headers: readonly (readonly [string, string])[]): void {
  if (!response.headersSent) for (const [name, value] of headers) response.setHeader(name, value);
  else if (!response.writableEnded && !response.destroyed && headers.length > 0)
    response.write(`${headers.map(([name, value]) => `: ${name}: ${value}`).join('\n')}\n\n`);
}

/** How Holdfast labels an answer must reach the caller, and so must an id to ask about; limits and accounts must not. */
function answerHeaders(answer: Response): [string, string][] {
  const labels = [...answer.headers].filter(([name]) => name.startsWith('holdfast-'));
  const requestId = currentScope()?.requestId ?? answer.headers.get('request-id');
  return isHeaderValue(requestId) ? [...labels, ['request-id', requestId]] : labels;
}
