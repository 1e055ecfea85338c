// An endpoint that speaks Anthropic's API, answered through a client of this process: any SDK in any language can use
// this server as its base URL.

import type { IncomingMessage } from 'node:http';
import { quietly } from '../telemetry/quietly.ts';
import type { Clock } from '../time.ts';
import { anthropicError, isHeaderValue, type AnthropicErrorOptions } from './anthropic-error.ts';
import { nodeScope } from './node-scope.ts';
import { readJson, type ParsedRequest } from './read-json.ts';
import { wireError } from './relay-error.ts';
import { relayToNode, type NodeResponse } from './relay-node.ts';
import type { RelayOptions, RelayResult } from './relay.ts';
import { replyToNode } from './reply.ts';
import { currentScope, runInScope } from './scope.ts';

/** The part of an Anthropic client that the proxy needs. Every client of the SDK has it. */
export interface ProxyClient {
  post(
    path: string,
    options: {
      readonly body: object;
      readonly headers: Record<string, string | null>;
      readonly stream: boolean;
      readonly signal: AbortSignal;
      readonly timeout?: number;
    },
  ): { asResponse(): Promise<Response> };
}

export interface MessagesProxyOptions extends AnthropicErrorOptions {
  /** Decides whether the caller may use this server's account. Default: everyone who reaches it, so mount it behind your own check. */
  readonly authorize?: ((request: IncomingMessage) => boolean | Promise<boolean>) | undefined;
  /** Sends the caller's own key upstream instead of the client's. Default: false; a caller's credentials are dropped. */
  readonly forwardCredentials?: boolean | undefined;
  /** Larger bodies are refused. Bytes. Default: 32 MB, the API's own limit. */
  readonly maxBodyBytes?: number | undefined;
  /** Milliseconds an answer that is not a stream may take. Default: what the caller's SDK says it waits, else none. */
  readonly deadlineMs?: number | undefined;
  /** Ends running streams; a drain's `deadline`. */
  readonly interrupt?: AbortSignal | undefined;
  readonly heartbeatMs?: number | undefined;
  readonly holdHeadersMs?: number | undefined;
  readonly slowReaderMs?: number | undefined;
  /** Hears of every failure, with what the caller was not told. */
  readonly onError?: ((error: unknown, request: IncomingMessage) => void) | undefined;
  readonly clock?: Clock | undefined;
}

const routes: ReadonlySet<string> = new Set(['/v1/messages', '/v1/messages/count_tokens']);

/** https://docs.claude.com/en/api/overview, request size limits: 32 MB for Messages and Token Counting. */
const defaultMaxBodyBytes = 32 * 1024 * 1024;

/**
 * Handles `POST /v1/messages` and `POST /v1/messages/count_tokens` (relative to `request.url`) as Anthropic's API does, by
 * a call through `client`: with Holdfast on that client, its callers get everything Holdfast does. Errors have Anthropic's
 * shape and status, and `x-should-retry` tells the caller's SDK not to repeat what was repeated here.
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
  await runInScope(scope?.signal && scope.requestId ? {} : nodeScope(request, response), () => handle(request, response, client, options));
}

async function handle(request: ParsedRequest, response: NodeResponse, client: ProxyClient, options: MessagesProxyOptions): Promise<void> {
  const refuse = (status: number, type: string, message: string): void => {
    // These are this server's own words.
    replyToNode(
      response,
      anthropicError(wireError(status, { type: 'error', error: { type, message } }, new Headers()), { ...options, exposeAccount: true }),
    );
  };
  try {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    if (request.method !== 'POST' || !routes.has(path))
      return refuse(404, 'not_found_error', 'This server answers POST /v1/messages and POST /v1/messages/count_tokens.');
    if (options.authorize && !(await options.authorize(request)))
      return refuse(401, 'authentication_error', 'This server does not know the caller.');
    const body = await readJson(request, options.maxBodyBytes ?? defaultMaxBodyBytes);
    switch (body.type) {
      case 'gone':
        return;
      case 'malformed':
        return refuse(400, 'invalid_request_error', 'The body is no JSON object.');
      case 'too-large':
        response.setHeader('connection', 'close');
        return refuse(413, 'request_too_large', 'The body is larger than this server accepts.');
      case 'json':
        await forward(path, body.value, request, response, client, options);
    }
  } catch (error) {
    if (response.destroyed) return;
    quietly(() => options.onError?.(error, request));
    replyToNode(response, anthropicError(error, options));
  }
}

async function forward(
  path: string,
  body: object,
  request: IncomingMessage,
  response: NodeResponse,
  client: ProxyClient,
  options: MessagesProxyOptions,
): Promise<void> {
  const stream = (body as { stream?: unknown }).stream === true && path === '/v1/messages';
  const deadlineMs = options.deadlineMs ?? (stream ? undefined : patienceOf(request));
  await runInScope({ deadlineMs }, async () => {
    const signal = currentScope()?.signal ?? new AbortController().signal;
    const answer = client
      .post(path, {
        body,
        headers: headersFor(request, options.forwardCredentials === true),
        stream,
        signal,
        ...(deadlineMs === undefined ? {} : { timeout: deadlineMs }),
      })
      .asResponse();
    if (stream) await forwardStream(await answer, request, response, options);
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
  answer: Response,
  request: IncomingMessage,
  response: NodeResponse,
  options: MessagesProxyOptions,
): Promise<void> {
  const onEnd = ({ outcome, error }: RelayResult): void => {
    if (outcome === 'failed' || outcome === 'interrupted') return options.onError?.(error, request);
  };
  const { heartbeatMs, holdHeadersMs, slowReaderMs, interrupt, clock } = options;
  const relayOptions: RelayOptions = {
    as: 'anthropic-sse',
    errors: 'anthropic',
    headers: Object.fromEntries(answerHeaders(answer)),
    heartbeatMs,
    holdHeadersMs,
    slowReaderMs,
    interrupt,
    clock,
    onEnd,
  };
  await relayToNode(answer, response, relayOptions);
}

/** How Holdfast labels an answer must reach the caller, and so must an id to ask about; limits and accounts must not. */
function answerHeaders(answer: Response): [string, string][] {
  const labels = [...answer.headers].filter(([name]) => name.startsWith('holdfast-'));
  const requestId = currentScope()?.requestId ?? answer.headers.get('request-id');
  return isHeaderValue(requestId) ? [...labels, ['request-id', requestId]] : labels;
}

/** What decides how the request is read upstream. Everything else about the caller stays here. */
const forwarded = ['anthropic-version', 'anthropic-beta', 'x-stainless-helper', 'x-stainless-helper-method'] as const;
const credentials = ['authorization', 'x-api-key'] as const;

/** With the caller's credentials none of ours may go along: null removes what the client would send. */
function headersFor({ headers }: IncomingMessage, withCredentials: boolean): Record<string, string | null> {
  const taken: Record<string, string | null> = {};
  const valueOf = (name: string): string | null => (typeof headers[name] === 'string' ? headers[name] : null);
  for (const name of forwarded) if (valueOf(name) !== null) taken[name] = valueOf(name);
  if (withCredentials) for (const name of credentials) taken[name] = valueOf(name);
  return taken;
}

/** The caller's SDK says in whole seconds how long it waits for an answer; later than that it is of no use. */
function patienceOf({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers['x-stainless-timeout']);
  return Number.isInteger(seconds) && seconds > 0 && seconds <= 86_400 ? seconds * 1000 : undefined;
}
