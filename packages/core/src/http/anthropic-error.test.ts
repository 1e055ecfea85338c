import { APIConnectionError, APIError } from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { anthropicError } from './anthropic-error.ts';

function upstreamError(status: number, type: string, details?: Record<string, unknown>, headers: Record<string, string> = {}): Error {
  const body = {
    type: 'error',
    error: { type, message: 'max_tokens: 1 is too few for org-4f1c', ...(details ? { details } : {}) },
    request_id: 'req_1',
  };
  return APIError.generate(status, body, undefined, new Headers({ 'request-id': 'req_1', 'x-organization': 'org-4f1c', ...headers }));
}

/** What the SDK on the other side would raise for a reply. */
function asRaised(error: unknown): APIError {
  const reply = anthropicError(error, { now: 0 });
  return APIError.generate(reply.status, reply.body, undefined, new Headers(reply.headers));
}

describe('a reply in Anthropic’s shape', () => {
  it.each([
    [400, 'invalid_request_error', 'BadRequestError'],
    [401, 'authentication_error', 'AuthenticationError'],
    [403, 'permission_error', 'PermissionDeniedError'],
    [404, 'not_found_error', 'NotFoundError'],
    [413, 'request_too_large', 'ContentTooLargeError'],
    [429, 'rate_limit_error', 'RateLimitError'],
    [500, 'api_error', 'InternalServerError'],
    [504, 'timeout_error', 'GatewayTimeoutError'],
    [529, 'overloaded_error', 'OverloadedError'],
  ])('makes the SDK on the other side raise for %i what it would have raised here', (status, type, name) => {
    const raised = asRaised(upstreamError(status, type, { error_code: 'some_code', left: 1 }));

    expect(raised).toMatchObject({ name, status, type, errorCode: 'some_code', requestID: 'req_1' });
    expect(raised.headers?.get('x-should-retry')).toBe('false');
  });

  it('passes on what the upstream says of the request, and not what it says of the account', () => {
    const about = (status: number, type: string): string =>
      JSON.stringify(anthropicError(upstreamError(status, type, { error_code: 'c', limit: 'org-4f1c' })));

    expect(about(400, 'invalid_request_error')).toContain('max_tokens: 1 is too few');
    for (const [status, type] of [
      [401, 'authentication_error'],
      [402, 'billing_error'],
      [403, 'permission_error'],
      [429, 'rate_limit_error'],
      [529, 'overloaded_error'],
    ] as const) {
      expect(about(status, type)).not.toContain('org-4f1c');
      expect(about(status, type)).toContain('"error_code":"c"');
    }
    expect(JSON.stringify(anthropicError(upstreamError(429, 'rate_limit_error'), { exposeAccount: true }))).toContain('org-4f1c');
  });

  it('keeps the wait a rate limit asks for, without inviting another layer of retries', () => {
    expect(anthropicError(upstreamError(429, 'rate_limit_error', undefined, { 'retry-after': '7' })).headers).toMatchObject({
      'retry-after': '7',
      'x-should-retry': 'false',
    });
  });

  it('invites a retry when it is known when the circuit lets one through', () => {
    const error = upstreamError(503, 'overloaded_error', { error_code: 'holdfast_circuit_open', retry_after_ms: 1_234 });

    expect(anthropicError(error).headers).toMatchObject({ 'x-should-retry': 'true', 'retry-after-ms': '1234', 'retry-after': '2' });
  });

  it.each([
    ['overloaded_error', 529, 'OverloadedError'],
    ['rate_limit_error', 429, 'RateLimitError'],
    ['api_error', 500, 'InternalServerError'],
    ['permission_error', 403, 'PermissionDeniedError'],
  ])('gives an in-stream %s its status', (type, status, name) => {
    const error = new APIError(undefined, { type: 'error', error: { type, message: 'm' } }, undefined, new Headers(), type as never);

    expect(asRaised(error)).toMatchObject({ status, name, type });
  });

  it('answers for a connection that failed', () => {
    expect(anthropicError(new APIConnectionError({}))).toMatchObject({
      status: 502,
      body: { type: 'error', error: { type: 'api_error' } },
    });
  });

  it('keeps an error of the application to itself', () => {
    const reply = anthropicError(Object.assign(new Error('password is hunter2'), { status: 418 }));

    expect(reply.status).toBe(500);
    expect(JSON.stringify(reply)).not.toContain('hunter2');
  });
});
