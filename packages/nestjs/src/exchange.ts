// The request and the response behind a handler's context, where there are any.

import type { ArgumentsHost } from '@nestjs/common';

/** @internal The framework's objects. */
export interface Exchange {
  readonly request: object;
  readonly response: object;
}

/**
 * @internal Of a controller's handler, or of a resolver that answers over HTTP. Undefined for messages, events, gateways and
 * subscriptions, which have no response that could be closed.
 */
export function exchangeOf(host: ArgumentsHost): Exchange | undefined {
  const type = host.getType<string>();
  if (type === 'http') {
    const http = host.switchToHttp();
    return { request: http.getRequest<object>(), response: http.getResponse<object>() };
  }
  return type === 'graphql' ? fromGraphql(host.getArgByIndex<unknown>(2)) : undefined;
}

/** Apollo's context has `req` and `res`, Mercurius' has `reply`. */
function fromGraphql(context: unknown): Exchange | undefined {
  if (!isObject(context)) return undefined;
  const response = [context['res'], context['reply'], context['response']].find(isResponse);
  if (!response) return undefined;
  const request = [context['req'], context['request'], response['request'], response['req']].find(isRequest);
  return request && { request, response };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isRequest = (value: unknown): value is Record<string, unknown> => isObject(value) && isObject(value['headers']);

function isResponse(value: unknown): value is Record<string, unknown> {
  const raw = isObject(value) ? (value['raw'] ?? value) : undefined;
  return isObject(raw) && typeof raw['setHeader'] === 'function' && typeof raw['once'] === 'function';
}
