// What the proxy is told, and what it needs of a client.

import type { IncomingMessage } from 'node:http';
import type { CallOptions } from '../options.ts';
import type { Clock } from '../time.ts';
import type { AnthropicErrorOptions } from './anthropic-error.ts';
import type { BeforeCall } from './before-call.ts';

/** The part of an Anthropic client that the proxy needs. Every client of the SDK has it. */
export interface ProxyClient {
  post(path: string, options: ProxyCallOptions & { readonly body: object; readonly stream: boolean }): { asResponse(): Promise<Response> };
  get(path: string, options: ProxyCallOptions): { asResponse(): Promise<Response> };
}

/** Request options of the SDK. */
export interface ProxyCallOptions {
  readonly headers: Record<string, string | null>;
  readonly query: Record<string, string>;
  readonly signal: AbortSignal;
  readonly timeout?: number;
  readonly holdfast: CallOptions;
}

export interface MessagesProxyOptions extends AnthropicErrorOptions {
  /** Decides whether the caller may use this server's account. Default: everyone who reaches it, so mount it behind your own check. */
  readonly authorize?: ((request: IncomingMessage) => boolean | Promise<boolean>) | undefined;
  /**
   * Sees each call before it is made (model, `max_tokens`, betas), and may refuse or change it. Default: as the caller wrote it.
   *
   * @example
   * beforeCall: ({ body }) => (body.model === 'claude-haiku-5-5' ? undefined : { refuse: 'Only claude-haiku-5-5 is offered here.' })
   */
  readonly beforeCall?: BeforeCall | undefined;
  /**
   * Sends the caller's own key upstream instead of the client's. A caller without one is refused here, and no call is answered
   * by a target, cache or computed answer that this server pays for. Default: false; a caller's credentials are dropped.
   */
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
