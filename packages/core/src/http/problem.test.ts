import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError, AnthropicError } from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { isClaudeError } from '../wire/sdk-error.ts';
import { problem, problemOfCall, problemOfKind } from './problem.ts';
import { runInScope } from './scope.ts';

const secrets = ['org-4f1c', 'sk-ant-secret', 'req_upstream', 'claude-opus-9', '80000'];

/** An upstream's refusal as the SDK raises it, with everything in it that must not reach a client. */
function upstreamError(
  status: number,
  type: string,
  options: { code?: string; message?: string; headers?: Record<string, string> } = {},
): Error {
  const message = options.message ?? 'organization org-4f1c with key sk-ant-secret and model claude-opus-9 exceeded 80000 tokens';
  const body = {
    type: 'error',
    error: { type, message, ...(options.code ? { details: { error_code: options.code } } : {}) },
    request_id: 'req_upstream',
  };
  const headers = new Headers({
    'request-id': 'req_upstream',
    'anthropic-ratelimit-tokens-limit': '80000',
    'anthropic-organization-id': 'org-4f1c',
    ...options.headers,
  });
  return APIError.generate(status, body, undefined, headers);
}

function ownError(status: number, code: string, details: Record<string, unknown> = {}): Error {
  const body = {
    type: 'error',
    error: { type: 'api_error', message: 'ours', details: { error_code: code, call_id: 'call-1', ...details } },
    request_id: 'call-1',
  };
  return APIError.generate(status, body, undefined, new Headers({ 'request-id': 'call-1', 'x-should-retry': 'false' }));
}

function streamError(type: string, details?: Record<string, unknown>): Error {
  const body = { type: 'error', error: { type, message: 'organization org-4f1c', details } };
  return new APIError(undefined, body, undefined, new Headers(), type as never);
}

const fixed = { random: () => 0, now: 0 };

describe('the mapping from a failure to a reply', () => {
  const rows: [name: string, error: Error, kind: string, status: number, retryAfter: string | undefined][] = [
    ['an invalid key', upstreamError(401, 'authentication_error'), 'upstream-auth', 502, undefined],
    ['a missing permission', upstreamError(403, 'permission_error'), 'upstream-auth', 502, undefined],
    ['an unpaid bill', upstreamError(402, 'billing_error'), 'upstream-billing', 503, undefined],
    [
      'a contract’s spend limit',
      upstreamError(429, 'rate_limit_error', { code: 'contract_spend_limit_reached' }),
      'upstream-billing',
      503,
      undefined,
    ],
    [
      'a tier’s spend limit',
      upstreamError(429, 'rate_limit_error', { code: 'enforced_spend_limit_reached' }),
      'upstream-billing',
      503,
      undefined,
    ],
    [
      'an organisation’s own spend limit',
      upstreamError(400, 'invalid_request_error', { message: 'You have reached your specified API usage limits.' }),
      'upstream-billing',
      503,
      undefined,
    ],
    ['an unknown model', upstreamError(404, 'not_found_error'), 'upstream-config', 502, undefined],
    ['an invalid request', upstreamError(400, 'invalid_request_error'), 'invalid-request', 500, undefined],
    ['an unprocessable request', upstreamError(422, 'invalid_request_error'), 'invalid-request', 500, undefined],
    ['a body that is too large', upstreamError(413, 'request_too_large'), 'too-large', 413, undefined],
    [
      'a prompt that is too long',
      upstreamError(400, 'invalid_request_error', { message: 'prompt is too long: 213000 tokens > 200000 maximum' }),
      'too-large',
      413,
      undefined,
    ],
    ['a rate limit', upstreamError(429, 'rate_limit_error', { headers: { 'retry-after': '7' } }), 'rate-limited', 429, '7'],
    [
      'growth that is too fast',
      upstreamError(429, 'rate_limit_error', { code: 'ramp_limit_exceeded', headers: { 'retry-after': '3' } }),
      'rate-limited',
      429,
      '3',
    ],
    ['overload', upstreamError(529, 'overloaded_error'), 'overloaded', 503, '5'],
    ['overload inside a stream', streamError('overloaded_error'), 'overloaded', 503, '5'],
    ['overload inside a stream, in Amazon’s words', streamError('serviceUnavailableException'), 'overloaded', 503, '5'],
    ['an upstream failure', upstreamError(500, 'api_error'), 'upstream-error', 502, '2'],
    ['an upstream that is unavailable', upstreamError(503, 'api_error'), 'upstream-error', 502, '2'],
    ['a status nobody knows', upstreamError(599, 'some_error'), 'upstream-error', 502, '2'],
    ['a gateway that gave up', upstreamError(504, 'timeout_error'), 'timeout', 504, '2'],
    ['a connection that took too long', new APIConnectionTimeoutError(), 'timeout', 504, '2'],
    ['a refused connection', new APIConnectionError({ cause: new Error('connect ECONNREFUSED 10.0.0.1:443') }), 'unreachable', 502, '5'],
    ['an open circuit', ownError(503, 'holdfast_circuit_open', { retry_after_ms: 12_300 }), 'circuit-open', 503, '13'],
    ['no target', ownError(503, 'holdfast_no_target'), 'upstream-config', 502, undefined],
    [
      'a target that refuses its key',
      ownError(503, 'holdfast_no_target', { kind: 'auth', retryable: false }),
      'upstream-auth',
      502,
      undefined,
    ],
    ['credentials that cannot be had', ownError(503, 'holdfast_credentials'), 'upstream-auth', 502, undefined],
    [
      'a stream that broke by what cannot pass',
      streamError('invalid_request_error', { error_code: 'holdfast_stream_broken', kind: 'invalid-request', retryable: false }),
      'invalid-request',
      500,
      undefined,
    ],
    [
      'an account without credit',
      upstreamError(400, 'invalid_request_error', { message: 'Your credit balance is too low to access the Anthropic API.' }),
      'upstream-billing',
      503,
      undefined,
    ],
    [
      'the SDK’s refusal to send',
      new AnthropicError('Streaming is required for operations that may take longer than 10 minutes.'),
      'internal-error',
      500,
      undefined,
    ],
    ['a key function that fails', new AnthropicError('The `apiKey` function failed: vault is sealed'), 'upstream-auth', 502, undefined],
    ['a deadline', ownError(504, 'holdfast_deadline'), 'timeout', 504, '2'],
    ['an upstream out of reach', ownError(503, 'holdfast_unreachable'), 'unreachable', 502, '5'],
    ['a code of ours that this table does not name', ownError(502, 'holdfast_new_thing', { kind: 'overloaded' }), 'overloaded', 503, '5'],
    ['an answer that was no answer', ownError(502, 'holdfast_bad_answer', { kind: 'bad-answer' }), 'upstream-error', 502, '2'],
    ['a stream that could not be continued', streamError('api_error', { error_code: 'holdfast_stream_broken' }), 'stream-broken', 502, '1'],
    ['a process that is going down', ownError(503, 'holdfast_shutting_down'), 'shutting-down', 503, '1'],
    ['a caller who left, as we report it', ownError(499, 'holdfast_aborted'), 'client-closed', 499, undefined],
    ['a caller who left, as the SDK reports it', new APIUserAbortError(), 'client-closed', 499, undefined],
    ['the SDK’s own complaint about a stream', new AnthropicError('stream ended without producing a Message'), 'stream-broken', 502, '1'],
  ];

  it.each(rows)('answers %s', (_name, error, kind, status, retryAfter) => {
    const reply = problem(error, fixed);

    expect(isClaudeError(error)).toBe(true);
    expect(reply).toMatchObject({ kind, status, body: { code: kind, status, retryable: retryAfter !== undefined } });
    expect(reply.headers['retry-after']).toBe(retryAfter);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.body.type).toBe(`urn:holdfast:problem:${kind}`);
  });

  it.each(rows)('says nothing of the upstream’s when answering %s', (_name, error) => {
    const reply = JSON.stringify(problem(error, fixed));

    for (const secret of [...secrets, '10.0.0.1', 'anthropic', 'Anthropic']) expect(reply).not.toContain(secret);
  });

  it('tells a client whose input it was that the input is at fault', () => {
    expect(problem(upstreamError(400, 'invalid_request_error'), { userInput: true }).status).toBe(422);
    expect(problem(upstreamError(401, 'authentication_error'), { userInput: true }).status).toBe(502);
  });

  it('can hide that the upstream limits the rate', () => {
    const reply = problem(upstreamError(429, 'rate_limit_error', { headers: { 'retry-after': '7' } }), { rateLimitedStatus: 503 });

    expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '7' }, body: { status: 503, code: 'rate-limited' } });
  });

  it('closes the connection when the server is going down', () => {
    expect(problemOfKind('shutting-down').headers['connection']).toBe('close');
  });

  it('gives an error of the application a plain 500 without its message', () => {
    const reply = problem(new Error('password is hunter2'));

    expect(reply.status).toBe(500);
    expect(reply.body.code).toBe('internal-error');
    expect(JSON.stringify(reply)).not.toContain('hunter2');
  });

  it.each([null, undefined, 'text', 7, Object.create(null), new Proxy({}, {})])('survives %o as an error', (thrown) => {
    expect(problem(thrown).status).toBe(500);
    expect(isClaudeError(thrown)).toBe(false);
  });

  it('takes a broken body for a broken stream when told that a call threw it', () => {
    expect(problemOfCall(new TypeError('terminated')).kind).toBe('stream-broken');
  });
});

describe('when a client may come back', () => {
  it('is spread over twice the default when nobody upstream said', () => {
    const at = (random: number): number | null =>
      problem(upstreamError(529, 'overloaded_error'), { random: () => random }).body.retryAfterMs;

    expect([at(0), at(0.5), at(0.999)]).toEqual([5000, 7500, 9995]);
  });

  it.each([
    [{ 'retry-after-ms': '1500' }, 1500, '2'],
    [{ 'retry-after': '0' }, 10_000, '10'],
    [{ 'retry-after': 'soon 5' }, 10_000, '10'],
    [{ 'retry-after': '0x10' }, 10_000, '10'],
    [{ 'retry-after': '3, 3' }, 3_000, '3'],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:30 GMT' }, 30_000, '30'],
    [{ 'retry-after': '99999999999' }, 86_400_000, '86400'],
    [{ 'retry-after': 'soon' }, 10_000, '10'],
    [{ 'retry-after': '-4' }, 10_000, '10'],
    [{ 'retry-after': 'Infinity' }, 10_000, '10'],
  ])('is read from %o', (headers, retryAfterMs, seconds) => {
    const reply = problem(upstreamError(429, 'rate_limit_error', { headers: headers as Record<string, string> }), fixed);

    expect(reply.body.retryAfterMs).toBe(retryAfterMs);
    expect(reply.headers['retry-after']).toBe(seconds);
  });

  it('is the application’s to choose', () => {
    expect(problem(upstreamError(529, 'overloaded_error'), { ...fixed, retryAfterMs: 20_000 }).headers['retry-after']).toBe('20');
  });
});

describe('ids in a reply', () => {
  it('are this server’s', () => {
    const inScope = runInScope({ requestId: 'r-1' }, () => problem(upstreamError(529, 'overloaded_error')));

    expect(inScope.body.requestId).toBe('r-1');
    expect(problem(ownError(503, 'holdfast_circuit_open')).body.requestId).toBe('call-1');
    expect(problem(upstreamError(529, 'overloaded_error')).body.requestId).toBe(null);
    expect(problem(upstreamError(529, 'overloaded_error'), { requestId: 'r-2' }).body.requestId).toBe('r-2');
  });

  it('include the upstream’s only when asked', () => {
    expect(problem(upstreamError(529, 'overloaded_error'), { exposeUpstreamId: true }).body.upstreamRequestId).toBe('req_upstream');
    expect(problem(ownError(503, 'holdfast_circuit_open'), { exposeUpstreamId: true }).body.upstreamRequestId).toBeUndefined();
  });
});

describe('mapError', () => {
  it('overrides what it returns and keeps the rest', () => {
    const reply = problem(upstreamError(529, 'overloaded_error'), {
      ...fixed,
      mapError: (_error, mapped) =>
        mapped.kind === 'overloaded' ? { status: 500, headers: { 'x-team': 'chat' }, body: { title: 'Ours', team: 'chat' } } : undefined,
    });

    expect(reply).toMatchObject({
      status: 500,
      headers: { 'x-team': 'chat', 'retry-after': '5' },
      body: { status: 500, title: 'Ours', team: 'chat', code: 'overloaded' },
    });
  });

  it('may leave an error as it was mapped', () => {
    expect(problem(upstreamError(401, 'authentication_error'), { mapError: () => undefined }).status).toBe(502);
  });
});

describe('an error of another copy of the SDK', () => {
  it('is recognised by its structure', () => {
    const original = upstreamError(529, 'overloaded_error');
    const copy = Object.assign(new Error(original.message), { ...original, name: 'OverloadedError' });

    expect(isClaudeError(copy)).toBe(true);
    expect(problem(copy).kind).toBe('overloaded');
  });

  it('is not confused with one of another provider', () => {
    const other = Object.assign(new Error('429'), {
      status: 429,
      headers: new Headers(),
      error: {},
      requestID: null,
      type: 'x',
      code: null,
      param: null,
    });

    expect(isClaudeError(other)).toBe(false);
  });
});
