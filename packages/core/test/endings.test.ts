// How calls end: that everything which tells of a failure tells the same, in the upstream's words, and asks no oftener than it may.

import Anthropic, { type APIError } from '@anthropic-ai/sdk';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { faults, status, VirtualClock, type FaultName } from '@holdfast/testing';
import { describe, expect, it, vi } from 'vitest';
import { anthropicError, isClaudeError, problem } from '../src/http/index.ts';
import { holdfast, type HoldfastOptions } from '../src/index.ts';
import { problemKindOf } from '../src/policy/story.ts';
import { request, world } from './world.ts';

type Fetch = typeof globalThis.fetch;

/** What an upstream of one's own answers, and how often it was asked. */
function upstream(answer: (body: { stream?: boolean; model?: string }, asked: number) => Response): { fetch: Fetch; asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    fetch: async (_, init) => {
      asked += 1;
      return answer(JSON.parse(String(init?.body ?? '{}')) as object, asked);
    },
  };
}

const json = (value: unknown, init: ResponseInit = {}): Response =>
  new Response(JSON.stringify(value), { status: 200, ...init, headers: { 'content-type': 'application/json', ...init.headers } });
const events = (text: string, headers: Record<string, string> = {}): Response =>
  new Response(text, { headers: { 'content-type': 'text/event-stream', ...headers } });
const message = (text: string) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: request.model,
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
});
const envelope = (type: string, words: string): object => ({ type: 'error', error: { type, message: words }, request_id: 'req_1' });
const refusal = (code: number, type: string, words: string): Response => json(envelope(type, words), { status: code });
const frame = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const begun =
  frame('message_start', { type: 'message_start', message: { ...message(''), content: [], stop_reason: null } }) +
  frame('content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
  frame('content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'The harbour lies still' } });

const quick: HoldfastOptions = { random: () => 0, retry: { baseMs: 0, throttledBaseMs: 0 }, budget: false, breaker: false };

function clientOn(fetch: Fetch, options: HoldfastOptions = {}, more: ConstructorParameters<typeof Anthropic>[0] = {}) {
  const hold = holdfast({ ...quick, ...options });
  const client = new Anthropic({ baseURL: 'http://upstream.test', apiKey: 'sk-ant-api-test', fetch, middleware: [hold], ...more });
  return { hold, client };
}

const second = (fetch: Fetch, name = 'second') => ({
  name,
  client: new Anthropic({ baseURL: `http://${name}.test`, apiKey: 'b', fetch }),
});

/** What a call ends in, read to its end. */
async function failureOf(client: Anthropic, stream = false): Promise<APIError & { cause?: unknown }> {
  try {
    const answer = await client.messages.create({ ...request, stream });
    if (stream) for await (const _ of answer as AsyncIterable<unknown>);
  } catch (error) {
    return error as APIError;
  }
  throw new Error('it was answered');
}

describe('a failure is told alike by everything', () => {
  const named = Object.keys(faults) as FaultName[];
  const harmless: FaultName[] = ['slow', 'pings-only'];

  it.each(named.filter((name) => !harmless.includes(name)).flatMap((name) => [false, true].map((stream) => [name, stream] as const)))(
    '%s, stream: %s',
    async (name, stream) => {
      const { claude, client, hold, close } = await world({
        holdfast: { ...quick, retry: false, streams: { heal: false }, limits: { idleMs: 50, firstByteMs: 60 } },
      });
      claude.always(name);
      let error: unknown = null;
      try {
        const answer = await client.messages.create({ ...request, stream });
        if (stream) for await (const _ of answer as AsyncIterable<unknown>);
      } catch (caught) {
        error = caught;
      }
      await close();
      // Some faults are of streams only.
      if (error === null) return;

      const { kind, retryable, ledger } = hold.explain(error);
      expect(isClaudeError(error)).toBe(true);
      expect(ledger?.failure).toBe(kind);
      if (kind === 'unknown') throw new Error('nothing is told');
      expect(problem(error).kind).toBe(problemKindOf(kind));
      expect(anthropicError(error).kind).toBe(problemKindOf(kind));
      if (problem(error).body.retryable) expect(retryable).toBe(true);
    },
  );

  it.each([
    [429, 'rate_limit_error', 'rate-limited', true],
    [529, 'overloaded_error', 'overloaded', true],
    [500, 'api_error', 'upstream-error', true],
    [503, 'api_error', 'upstream-error', true],
    [504, 'timeout_error', 'timeout', true],
    [400, 'invalid_request_error', 'invalid-request', false],
    [401, 'authentication_error', 'auth', false],
  ] as const)('%i %s: %s, retryable: %s, as of the bare SDK', async (code, type, kind, retryable) => {
    const { fetch } = upstream(() => refusal(code, type, 'words'));
    const { client, hold } = clientOn(fetch, { retry: false });
    const bare = await failureOf(new Anthropic({ baseURL: 'http://upstream.test', apiKey: 'k', maxRetries: 0, fetch }));
    const error = await failureOf(client);

    expect(hold.explain(error)).toMatchObject({ kind, retryable });
    expect(hold.explain(bare)).toMatchObject({ kind, retryable });
    // Whoever has forgotten the call knows it from the error alone.
    expect(holdfast().explain(error)).toMatchObject({ kind, retryable, ledger: null });
    expect(problem(error).body.retryable).toBe(retryable);
  });

  it('says when to come back, by the hint that the upstream gave', async () => {
    const { fetch } = upstream(() => json(envelope('rate_limit_error', 'x'), { status: 429, headers: { 'retry-after': '3600' } }));
    const { client, hold } = clientOn(fetch);
    const error = await failureOf(client);

    expect(hold.explain(error)).toMatchObject({ kind: 'rate-limited', retryable: true, retryAfterMs: 3_600_000 });
    expect(problem(error).headers['retry-after']).toBe('3600');
  });

  it('knows an own spend limit in every reply', async () => {
    const { fetch } = upstream(() => refusal(400, 'invalid_request_error', 'You have reached your specified API usage limits.'));
    const { client, hold } = clientOn(fetch);
    const error = await failureOf(client);

    expect(hold.explain(error)).toMatchObject({ kind: 'billing', reason: 'own_spend_limit', retryable: false });
    expect(problem(error).kind).toBe('upstream-billing');
    expect(JSON.stringify(anthropicError(error).body)).not.toContain('usage limits');
  });
});

describe('labels of ours', () => {
  const foreign = { 'holdfast-kind': 'aborted', 'holdfast-retryable': 'true', 'holdfast-degraded': 'cache', 'holdfast-target': 'evil' };
  const labelsIn = ({ headers }: { headers: Headers }): string[] => [...headers.keys()].filter((name) => name.startsWith('holdfast-'));

  it('are never an upstream’s: on a message', async () => {
    const { client } = clientOn(upstream(() => json(message('hi'), { headers: foreign })).fetch);
    const { response } = await client.messages.create(request).withResponse();

    expect(labelsIn(response).sort()).toEqual(['holdfast-attempts', 'holdfast-call-id', 'holdfast-target']);
    expect(response.headers.get('holdfast-target')).toBe('primary');
  });

  it('are never an upstream’s: on a stream', async () => {
    const end = frame('message_stop', { type: 'message_stop' });
    const { client } = clientOn(upstream(() => events(begun + end, foreign)).fetch);
    const { response } = await client.messages.create({ ...request, stream: true }).withResponse();

    expect(labelsIn(response).sort()).toEqual(['holdfast-attempts', 'holdfast-call-id', 'holdfast-target']);
    await response.body?.cancel();
  });

  it('are never an upstream’s: on what is handed on unread', async () => {
    const { client } = clientOn(upstream(() => json({ data: [] }, { headers: { ...foreign, 'x-kept': 'yes' } })).fetch);
    const { response } = await client.models.list().withResponse();

    expect(labelsIn(response)).toEqual([]);
    expect(response.headers.get('x-kept')).toBe('yes');
  });

  it('are never an upstream’s: on a refusal', async () => {
    const { fetch } = upstream(() => json(envelope('overloaded_error', 'Overloaded'), { status: 529, headers: foreign }));
    const { client, hold } = clientOn(fetch);
    const error = await failureOf(client);

    expect(error.headers?.get('holdfast-kind')).toBe('overloaded');
    expect(error.headers?.get('holdfast-degraded')).toBeNull();
    expect(hold.explain(error).kind).toBe('overloaded');
  });
});

describe('an error under a status that promised an answer', () => {
  const cases = [
    ['invalid_request_error', 400, 'BadRequestError', 'invalid-request'],
    ['authentication_error', 401, 'AuthenticationError', 'auth'],
    ['permission_error', 403, 'PermissionDeniedError', 'permission'],
    ['billing_error', 402, 'PaymentRequiredError', 'billing'],
    ['not_found_error', 404, 'NotFoundError', 'not-found'],
  ] as const;
  const forms: Readonly<Record<string, (type: string) => Response>> = {
    'as the first event': (type) => events(frame('error', envelope(type, 'words of the upstream')), { 'request-id': 'req_1' }),
    'as an event after message_start': (type) =>
      events(begun.slice(0, begun.indexOf('event: content_block_start')) + frame('error', envelope(type, 'words of the upstream')), {
        'request-id': 'req_1',
      }),
    'as JSON': (type) => json(envelope(type, 'words of the upstream'), { headers: { 'request-id': 'req_1' } }),
  };

  it.each(
    cases.flatMap((row) =>
      Object.keys(forms).flatMap((form) => (form === 'as JSON' ? [true, false] : [true]).map((stream) => [...row, form, stream] as const)),
    ),
  )('%s is %i, %s, %s, %s, stream: %s', async (type, code, name, kind, form, stream) => {
    const { fetch, asked } = upstream(() => (forms[form] as (type: string) => Response)(type));
    const { client, hold } = clientOn(fetch, {}, { maxRetries: 2 });
    const error = await failureOf(client, stream);

    expect(error).toMatchObject({ name, status: code, type, requestID: 'req_1' });
    expect(error.message).toContain('words of the upstream');
    expect(asked()).toBe(1);
    expect(hold.explain(error)).toMatchObject({ kind, retryable: false, ledger: { failure: kind } });
  });

  it('overload for good keeps its words and its status', async () => {
    const { fetch, asked } = upstream(() => events(frame('error', envelope('overloaded_error', 'Overloaded'))));
    const { client, hold } = clientOn(fetch);
    const error = await failureOf(client, true);

    expect(error).toMatchObject({ status: 529, type: 'overloaded_error' });
    expect(asked()).toBe(4);
    expect(hold.explain(error)).toMatchObject({ kind: 'overloaded', retryable: true });
    expect(problem(error)).toMatchObject({ kind: 'overloaded', status: 503 });
  });

  it('a status in the body counts where the real one was lost', async () => {
    const { fetch, asked } = upstream(() => json({ error: { message: 'insufficient credits', code: 402 } }));
    const { client, hold } = clientOn(fetch);
    const error = await failureOf(client, true);

    expect(error).toMatchObject({ status: 402 });
    expect(error.message).toContain('insufficient credits');
    expect(asked()).toBe(1);
    expect(hold.explain(error).kind).toBe('billing');
  });

  it('the key of another target is no matter of the SDK’s, wherever its refusal stands', async () => {
    const one = upstream(() => refusal(529, 'overloaded_error', 'Overloaded'));
    const other = upstream(() => json(envelope('authentication_error', 'no such key')));
    const { client, hold } = clientOn(one.fetch, { targets: [second(other.fetch)], retry: false });
    const error = await failureOf(client);

    expect(error).toMatchObject({ status: 529, type: 'overloaded_error' });
    expect(hold.explain(error)).toMatchObject({ kind: 'overloaded', ledger: { failure: 'overloaded' } });
  });
});

describe('a permanent error in the middle of a stream', () => {
  it.each(['invalid_request_error', 'authentication_error', 'permission_error', 'billing_error'])('%s is asked once', async (type) => {
    const { fetch, asked } = upstream(() => events(begun + frame('error', envelope(type, 'words of the upstream'))));
    const { client, hold } = clientOn(fetch);
    const error = await failureOf(client, true);

    expect(asked()).toBe(1);
    expect(error).toMatchObject({ type });
    expect(error.message).toContain('words of the upstream');
    const { kind, partial } = hold.explain(error);
    expect(problem(error).kind).toBe(problemKindOf(kind as 'auth'));
    expect(kind).not.toBe('stream-broken');
    expect(partial?.text).toBe('The harbour lies still');
    // What concerns this server's account stays here.
    if (type !== 'invalid_request_error') expect(JSON.stringify(anthropicError(error).body)).not.toContain('words of the upstream');
  });

  it('keeps what the upstream said when it says no more', async () => {
    const { fetch } = upstream(() => events(begun + frame('error', envelope('overloaded_error', 'Overloaded'))));
    const { client, hold } = clientOn(fetch);
    const error = await failureOf(client, true);

    expect(error).toMatchObject({ type: 'overloaded_error' });
    expect(hold.explain(error)).toMatchObject({ kind: 'overloaded', retryable: true });
  });
});

describe('credentials that cannot be had', () => {
  class CredentialsProviderError extends Error {
    override name = 'CredentialsProviderError';
  }
  const answers = () => upstream(() => json(message('from the second')));

  function bedrock(options: HoldfastOptions): { client: Anthropic; hold: ReturnType<typeof holdfast>; tries: () => number } {
    let tries = 0;
    const hold = holdfast({ ...quick, breaker: 'default', ...options });
    const client = new AnthropicBedrock({
      awsRegion: 'us-east-1',
      baseURL: 'http://bedrock.test',
      fetch: upstream(() => json(message('never'))).fetch,
      middleware: [hold as never],
      providerChainResolver: () =>
        Promise.resolve(() => {
          tries += 1;
          return Promise.reject(new CredentialsProviderError('The SSO session of account 123456789012 has expired.'));
        }),
    } as never);
    return { client: client as unknown as Anthropic, hold, tries: () => tries };
  }

  it('are asked for once, open no circuit, and say what to do', async () => {
    const { client, hold, tries } = bedrock({});
    for (let call = 1; call <= 6; call += 1) {
      const error = await failureOf(client);

      expect(tries()).toBe(call);
      expect(error).toMatchObject({ status: 503, errorCode: 'holdfast_credentials' });
      expect(error.message).toContain('The SSO session of account 123456789012 has expired.');
      const story = hold.explain(error);
      expect(story).toMatchObject({ kind: 'credentials', retryable: false, ledger: { failure: 'credentials' } });
      expect(story.action).toContain('Log in again');
      expect(innermost(story.cause)).toBeInstanceOf(CredentialsProviderError);
      expect(problem(error)).toMatchObject({ kind: 'upstream-auth', status: 502, body: { retryable: false } });
      expect(JSON.stringify([problem(error), anthropicError(error)])).not.toContain('123456789012');
    }
    expect(Object.values(hold.health().targets[0]?.circuits ?? {})).not.toContain('open');
  });

  it('let another target answer', async () => {
    const { client, tries } = bedrock({ targets: [second(answers().fetch)] });

    expect((await client.messages.create(request)).content[0]).toMatchObject({ text: 'from the second' });
    expect(tries()).toBe(1);
  });

  it('of another target are no failure of this call', async () => {
    let tries = 0;
    const keyless = new Anthropic({
      baseURL: 'http://second.test',
      fetch: answers().fetch,
      apiKey: async () => {
        tries += 1;
        throw new Error('vault is sealed');
      },
    });
    const one = upstream(() => refusal(529, 'overloaded_error', 'Overloaded'));
    const { client, hold } = clientOn(one.fetch, { targets: [{ name: 'keyless', client: keyless }], retry: false });
    const error = await failureOf(client);

    expect(error).toMatchObject({ status: 529, type: 'overloaded_error' });
    expect(tries).toBe(1);
    expect(hold.attempts(error)?.attempts.find(({ target }) => target === 'keyless')).toMatchObject({ result: 'credentials' });
  });

  it('are told of the SDK’s own error too', async () => {
    const client = new Anthropic({
      baseURL: 'http://x.test',
      apiKey: () => Promise.reject(new Error('vault is sealed')),
      middleware: [holdfast()],
    });
    const error = await failureOf(client);

    expect(holdfast().explain(error)).toMatchObject({ kind: 'credentials', retryable: false });
    expect(problem(error).kind).toBe('upstream-auth');
  });
});

const innermost = (error: unknown): unknown => {
  let link = error;
  while (link instanceof Error && link.cause !== undefined) link = link.cause;
  return link;
};

describe('what the program itself throws', () => {
  class BlockedByPolicy extends Error {
    override name = 'BlockedByPolicy';
  }

  it('reaches the caller as it is, asks nobody, and opens no circuit', async () => {
    const { fetch, asked } = upstream(() => json(message('never')));
    const other = upstream(() => json(message('never')));
    const thrown = new BlockedByPolicy('not with this prompt');
    const hold = holdfast({ ...quick, breaker: 'default', targets: [second(other.fetch)] });
    const guard = vi.fn(() => Promise.reject(thrown));
    const client = new Anthropic({ baseURL: 'http://upstream.test', apiKey: 'k', fetch, middleware: [hold, guard as never] });
    for (let call = 1; call <= 6; call += 1) {
      const error = await failureOf(client);

      expect(error).toBe(thrown);
      expect(guard).toHaveBeenCalledTimes(call);
    }
    expect([asked(), other.asked()]).toEqual([0, 0]);
    expect(Object.values(hold.health().targets[0]?.circuits ?? {})).not.toContain('open');
  });

  it('is a mistake of this server’s, and not of Claude’s', async () => {
    const { client, hold } = clientOn(upstream(() => json(message('never'))).fetch);
    const error: unknown = await (async () => client.messages.create({ ...request, max_tokens: 64_000 }))().catch(
      (reason: unknown) => reason,
    );

    expect(error).toBeInstanceOf(Anthropic.AnthropicError);
    expect(hold.explain(error)).toMatchObject({ kind: 'local-error', retryable: false });
    expect(problem(error)).toMatchObject({ kind: 'internal-error', status: 500 });
  });
});

describe('a hint', () => {
  it('of a day is forgotten when the upstream names a moment', async () => {
    const hints = ['86400000', '1'];
    const { fetch } = upstream((_, n) =>
      n > hints.length
        ? json(message('hi'))
        : json(envelope('rate_limit_error', 'x'), { status: 429, headers: { 'retry-after-ms': hints[n - 1] as string } }),
    );
    const { client } = clientOn(fetch);

    expect(await failureOf(client)).toMatchObject({ status: 429 });
    expect((await client.messages.create(request)).content[0]).toMatchObject({ text: 'hi' });
  });
});

describe('what must not be sent twice', () => {
  const batch = (client: Anthropic): Promise<unknown> => client.messages.batches.create({ requests: [] });

  it.each<[string, () => Response]>([
    [
      'a 503 that says so by its code',
      () =>
        json(
          { type: 'error', error: { type: 'api_error', message: 'x', details: { error_code: 'workspace_created_incomplete' } } },
          { status: 503 },
        ),
    ],
    ['a 503 that says so in words', () => refusal(503, 'api_error', 'It was created. Do not send the create again.')],
    ['a 503 of a proxy', () => new Response('upstream connect error or disconnect/reset before headers', { status: 503 })],
    ['a 503 that hints', () => new Response('', { status: 503, headers: { 'retry-after': '1' } })],
  ])('%s is not', async (_, reply) => {
    const { fetch, asked } = upstream(reply);
    const { client } = clientOn(fetch, {}, { maxRetries: 2 });

    await expect(batch(client)).rejects.toMatchObject({ status: 503 });
    expect(asked()).toBe(1);
  });

  it('a 429 was not done', async () => {
    const { fetch, asked } = upstream((_, n) => (n === 1 ? refusal(429, 'rate_limit_error', 'x') : json({ id: 'batch_1' })));
    const { client } = clientOn(fetch);

    expect(await batch(client)).toMatchObject({ id: 'batch_1' });
    expect(asked()).toBe(2);
  });
});

describe('an account without credit', () => {
  const words = 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.';

  it('is another target’s to answer for', async () => {
    const { client } = clientOn(upstream(() => refusal(400, 'invalid_request_error', words)).fetch, {
      targets: [second(upstream(() => json(message('from the second'))).fetch)],
    });

    expect((await client.messages.create(request)).content[0]).toMatchObject({ text: 'from the second' });
  });

  it('is no matter of a client’s', async () => {
    const { client, hold } = clientOn(upstream(() => refusal(400, 'invalid_request_error', words)).fetch);
    const error = await failureOf(client);

    expect(hold.explain(error)).toMatchObject({ kind: 'billing', retryable: false });
    expect(problem(error)).toMatchObject({ kind: 'upstream-billing', status: 503 });
    expect(JSON.stringify(anthropicError(error).body)).not.toContain('credit balance');
  });
});

describe('a fence that leaves nobody', () => {
  it('is a mistake in the configuration, which no wait mends', async () => {
    const { fetch, asked } = upstream(() => json(message('never')));
    const { client, hold } = clientOn(fetch, { fence: { geo: ['eu'] }, primary: { geo: 'us' } });
    const error = await failureOf(client);

    expect(error).toMatchObject({ errorCode: 'holdfast_no_target' });
    expect(hold.explain(error)).toMatchObject({ kind: 'no-target', retryable: false, retryAfterMs: null });
    expect(problem(error)).toMatchObject({ kind: 'upstream-config', status: 502, body: { retryable: false } });
    expect(problem(error).headers).not.toHaveProperty('retry-after');
    expect(asked()).toBe(0);
  });
});

describe('callbacks of the ladder', () => {
  const poor = upstream(({ model }) => (model === request.model ? refusal(503, 'api_error', 'down') : json(message('poor answer'))));
  const never = (): Promise<boolean> => new Promise(() => {});

  it.each<[string, () => unknown, 'given' | 'refused']>([
    ['says yes', () => true, 'given'],
    ['says yes later', () => Promise.resolve(true), 'given'],
    ['says no', () => false, 'refused'],
    ['says no later', () => Promise.resolve(false), 'refused'],
    ['rejects', () => Promise.reject(new Error('judge is down')), 'refused'],
    ['says something else', () => Promise.resolve('yes'), 'refused'],
  ])('an accept that %s: the answer is %s', async (_, accept, expected) => {
    const { client } = clientOn(poor.fetch, { retry: false, fallbacks: [{ model: 'claude-haiku-5-5', accept: accept as () => boolean }] });
    const outcome = await client.messages.create(request).then(
      ({ content }) => (content[0] as { text: string }).text,
      (error: APIError) => error.status,
    );

    expect(outcome).toBe(expected === 'given' ? 'poor answer' : 503);
  });

  it('an accept that is never done is a no after its time, and ends with the caller', async () => {
    const clock = new VirtualClock();
    const options: HoldfastOptions = { retry: false, clock, fallbacks: [{ model: 'claude-haiku-5-5', accept: never }] };
    const late = clientOn(poor.fetch, options)
      .client.messages.create(request)
      .catch((error: APIError) => error.status);
    const leaving = new AbortController();
    const left = clientOn(poor.fetch, options)
      .client.messages.create(request, { signal: leaving.signal })
      .catch((error: Error) => error.name);
    await clock.advanceAsync(1_000);
    leaving.abort();

    expect(await left).toBe('APIUserAbortError');
    await clock.advanceAsync(30_000);
    expect(await late).toBe(503);
  });

  const circular: Record<string, unknown> = { type: 'message', content: [] };
  circular['self'] = circular;
  it.each<[string, unknown]>([
    ['a string', 'sorry'],
    ['content that is none', { type: 'message', content: null }],
    ['a block that is none', { type: 'message', content: ['sorry'] }],
    ['something circular', circular],
    ['a number that JSON does not know', { type: 'message', role: 'assistant', content: [], n: 1n }],
    ['no message', { content: [] }],
  ])('an answer that is %s lets the call fail as it failed', async (_, given) => {
    const { client } = clientOn(upstream(() => refusal(503, 'api_error', 'down')).fetch, { retry: false, answer: () => given as never });

    for (const stream of [false, true]) expect(await failureOf(client, stream)).toMatchObject({ status: 503, type: 'api_error' });
  });
});

describe('a status of the fake', () => {
  it('is repeated as the reset of its limit lets it', async () => {
    const clock = new VirtualClock();
    const { claude, client, hold, close } = await world({ holdfast: { clock, retry: { throttledBaseMs: 0, baseMs: 0 } } });
    const reset = new Date(clock.now() + 20_000).toISOString();
    claude.script(
      status(429, {
        headers: {
          'anthropic-ratelimit-requests-limit': '50',
          'anthropic-ratelimit-requests-remaining': '0',
          'anthropic-ratelimit-requests-reset': reset,
        },
      }),
    );
    const answer = client.messages.create(request);
    await clock.advanceAsync(2_000);

    const [, again] = hold.attempts(await answer)?.attempts ?? [];
    expect(again?.waitedMs).toBeGreaterThanOrEqual(400);
    expect(again?.waitedMs).toBeLessThan(2_000);
    await close();
  });
});
