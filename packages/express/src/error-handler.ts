// Turns failed Claude calls into replies, and leaves every other error to Express.

import { isClaudeError, problem, quietly, replyToNode, type Problem, type ProblemOptions } from '@holdfast/core/http';
import type { ErrorRequestHandler, Request } from 'express';
import { findContext } from './context.ts';

export interface ErrorHandlerOptions extends Omit<ProblemOptions, 'requestId' | 'instance' | 'userInput'> {
  /** Whether the request to Claude was made of the client's own input, so that a refusal of it is 422. Default: false. */
  readonly userInput?: boolean | ((request: Request) => boolean) | undefined;
  /** Hears of every failure with what the client is told: log here. */
  readonly onError?: ((error: unknown, problem: Problem, request: Request) => void) | undefined;
}

/** Mount it last, after all routes: `app.use(errorHandler())`. */
export function errorHandler(options: ErrorHandlerOptions = {}): ErrorRequestHandler {
  const { userInput } = options;
  return (error: unknown, request, response, next) => {
    if (!isClaudeError(error)) {
      next(error);
      return;
    }
    const reply = problem(error, {
      ...options,
      userInput: typeof userInput === 'function' ? userInput(request) : userInput,
      requestId: findContext(request)?.requestId,
      instance: request.originalUrl.split('?', 1)[0],
    });
    quietly(() => options.onError?.(error, reply, request));
    replyToNode(response, reply);
  };
}
