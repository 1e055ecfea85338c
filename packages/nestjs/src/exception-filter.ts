// Turns failed Claude calls into replies, and leaves every other error to Nest.

import { isClaudeError } from '@holdfast/core/http';
import { Catch, Inject, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { HoldfastApp } from './app.ts';
import { exchangeOf } from './exchange.ts';
import { sendReply } from './reply.ts';
import { graphqlError, replyToMessage, rpcError } from './transports.ts';

/**
 * `{ provide: APP_FILTER, useExisting: HoldfastExceptionFilter }`. Works on Express and Fastify. In microservices, gateways and
 * GraphQL a failed Claude call has the form of the transport, and every other error is treated as if this filter were not there.
 */
@Catch()
export class HoldfastExceptionFilter extends BaseExceptionFilter {
  readonly #app: HoldfastApp;

  constructor(@Inject(HttpAdapterHost) host: HttpAdapterHost, @Inject(HoldfastApp) app: HoldfastApp) {
    super(host.httpAdapter);
    this.#app = app;
  }

  /** Nest's own handling follows wherever this returns nothing, except over HTTP and in gateways. */
  override catch(error: unknown, host: ArgumentsHost): unknown {
    const isClaude = isClaudeError(error);
    const told = () => this.#app.problemOf(error, exchangeOf(host)?.request);
    switch (host.getType<string>()) {
      case 'http':
        if (isClaude) sendReply(host.switchToHttp().getResponse<object>(), told());
        else super.catch(error, host);
        return undefined;
      case 'ws':
        return replyToMessage(isClaude ? told() : undefined, error, host);
      case 'rpc':
        return isClaude ? rpcError(told()) : undefined;
      case 'graphql':
        if (isClaude) throw graphqlError(told());
    }
    return undefined;
  }
}
