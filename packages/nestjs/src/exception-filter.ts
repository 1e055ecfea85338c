// Turns failed Claude calls into replies, and leaves every other error to Nest.

import { isClaudeError, problem, quietly, replyToNode } from '@holdfast/core/http';
import { Catch, Inject, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { HoldfastApp } from './app.ts';
import type { HoldfastFilterOptions } from './options.ts';
import { rawRequest, rawResponse, requestIdOf, takeOver } from './request-context.ts';

/** `{ provide: APP_FILTER, useExisting: HoldfastExceptionFilter }`. Works on Express and Fastify. */
@Catch()
export class HoldfastExceptionFilter extends BaseExceptionFilter {
  readonly #options: HoldfastFilterOptions;

  constructor(@Inject(HttpAdapterHost) host: HttpAdapterHost, @Inject(HoldfastApp) app: HoldfastApp) {
    super(host.httpAdapter);
    this.#options = app.options.errors ?? {};
  }

  override catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http' || !isClaudeError(error)) {
      super.catch(error, host);
      return;
    }
    const http = host.switchToHttp();
    const request = http.getRequest<object>();
    const { userInput, onError, ...options } = this.#options;
    const raw = rawRequest(request);
    const reply = problem(error, {
      ...options,
      userInput: userInput?.(request),
      requestId: requestIdOf(raw),
      instance: raw.url?.split('?', 1)[0],
    });
    quietly(() => onError?.(error, reply));
    takeOver(http.getResponse<object>());
    replyToNode(rawResponse(http.getResponse<object>()), reply);
  }
}
