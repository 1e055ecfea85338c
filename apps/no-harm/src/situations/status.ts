// Statuses, reason phrases, error bodies and the ways in which they come.

import type { Situation, Subject } from '../situation.ts';
import { cut, healthy, jsonReply, stall, upstream, type Reply } from '../upstream.ts';
import { errorBody, message } from '../wire.ts';

/** The SDK repeats what it may after this long; Holdfast takes it as a hint. */
const soon = { 'retry-after-ms': '20' };

const always = (name: string, reply: Reply, more: Partial<Situation> = {}): Situation => ({
  name,
  upstream: () => upstream(() => reply),
  ...more,
});

const once = (name: string, reply: Reply, more: Partial<Situation> = {}): Situation => ({
  name: `${name}, once`,
  upstream: () => upstream((request) => (request.number === 1 ? reply : healthy(request))),
  ...more,
});

const typed = (status: number, type: string, more: Reply['headers'] = {}): Reply =>
  jsonReply(errorBody(type), status, { ...soon, ...more });

const refused: readonly (readonly [status: number, type: string])[] = [
  [405, 'invalid_request_error'],
  [406, 'invalid_request_error'],
  [410, 'not_found_error'],
  [412, 'invalid_request_error'],
  [415, 'invalid_request_error'],
  [418, 'invalid_request_error'],
  [422, 'invalid_request_error'],
  [431, 'invalid_request_error'],
  [451, 'permission_error'],
];

const failing: readonly (readonly [status: number, type: string])[] = [
  [505, 'api_error'],
  [507, 'api_error'],
  [511, 'api_error'],
  [520, 'api_error'],
  [522, 'api_error'],
  [524, 'timeout_error'],
  [525, 'api_error'],
  [530, 'api_error'],
  [598, 'api_error'],
];

/** nginx says it for a client that left: here it comes from somebody in between. */
const closedByClient = typed(499, 'api_error');

const html = (status: number, title: string): Reply => ({
  status,
  headers: { 'content-type': 'text/html', ...soon },
  steps: [`<html><head><title>${title}</title></head><body>nginx</body></html>`],
});

const phrases: readonly (readonly [phrase: string, status: number, type: string])[] = [
  ['Слишком много запросов', 429, 'rate_limit_error'],
  ['Trop de requêtes', 429, 'rate_limit_error'],
  ['Dienst nicht verfügbar', 503, 'api_error'],
  ['无效请求', 400, 'invalid_request_error'],
  ['未授权', 401, 'authentication_error'],
];

const body529 = JSON.stringify(errorBody('overloaded_error'));

export const statuses: Subject = {
  title: 'Statuses and their bodies',
  situations: [
    ...refused.map(([status, type]) => always(`${status}`, typed(status, type))),
    always('499 of somebody in between', closedByClient),
    ...failing.flatMap(([status, type]) => [always(`${status}, every time`, typed(status, type)), once(`${status}`, typed(status, type))]),
    ...phrases.map(([reason, status, type]) => always(`${status} ${reason}`, { ...typed(status, type), reason })),
    { name: '200 成功', upstream: () => upstream((request) => ({ ...healthy(request), reason: '成功' })) },
    { name: '200 with no reason phrase', upstream: () => upstream((request) => ({ ...healthy(request), reason: '' })) },
    { name: '201', upstream: () => upstream((request) => ({ ...healthy(request), status: 201, reason: 'Created' })) },
    { name: '203 of a proxy', upstream: () => upstream((request) => ({ ...healthy(request), status: 203 })) },
    always('204 with nothing', { status: 204, headers: { 'content-type': 'application/json' }, steps: [] }),
    always('304', { status: 304, steps: [] }),
    always('600, no status of a Response', typed(600, 'api_error'), { rule: { right: null } }),
    always('999, no status of a Response', typed(999, 'api_error'), { rule: { right: null } }),
    // Documented: a redirect is told, and never followed, because keys and prompts would go with it.
    ...[301, 302, 307, 308].map((status) =>
      always(
        `${status} to nowhere`,
        { status, headers: { location: 'http://127.0.0.1:1/v1/messages' }, steps: [] },
        { rule: { toldAs: ['InternalServerError'] } },
      ),
    ),
    always('401 as HTML', html(401, '401 Unauthorized')),
    always('403 as HTML', html(403, '403 Forbidden')),
    always('404 as HTML', html(404, '404 Not Found')),
    always('413 as HTML', html(413, '413 Request Entity Too Large')),
    always('429 as HTML', html(429, '429 Too Many Requests')),
    always('500 with no body', { status: 500, headers: soon, steps: [] }),
    always('400 with no body', { status: 400, steps: [] }),
    always('529 as plain text', { status: 529, headers: { 'content-type': 'text/plain', ...soon }, steps: ['Overloaded'] }),
    always('400 as plain text', { status: 400, headers: { 'content-type': 'text/plain' }, steps: ['no'] }),
    always('400 as OpenAI writes it', jsonReply({ error: { message: 'bad model', type: 'invalid_request_error', code: 'x' } }, 400)),
    always('422 as FastAPI writes it', jsonReply({ detail: [{ loc: ['body', 'model'], msg: 'field required' }] }, 422)),
    always('400, a JSON string', jsonReply('"no"', 400)),
    always('400, an array', jsonReply([errorBody('invalid_request_error')], 400)),
    always('400, null', jsonReply('null', 400)),
    always('400 whose JSON is broken', jsonReply('{"type":"error","error":{"type":"inva', 400)),
    always('400 with a BOM', jsonReply(`\ufeff${JSON.stringify(errorBody('invalid_request_error'))}`, 400)),
    always('400 in a body of 3 MB', jsonReply(errorBody('invalid_request_error', 'x'.repeat(100), { more: 'y'.repeat(3_000_000) }), 400), {
      // Documented: 64 KB of an error are read.
      rule: { toldAs: ['BadRequestError'] },
    }),
    always('400 in a body of 30 KB', jsonReply(errorBody('invalid_request_error', 'x'.repeat(100), { more: 'y'.repeat(30_000) }), 400)),
    always('529 in drops', {
      status: 529,
      headers: { 'content-type': 'application/json', ...soon },
      steps: [body529.slice(0, 9), { pause: 40 }, body529.slice(9, 30), { pause: 40 }, body529.slice(30)],
    }),
    always(
      '400 whose body never comes',
      { status: 400, headers: { 'content-type': 'application/json', 'content-length': '99' }, steps: [stall] },
      {
        patienceMs: 6000,
        rule: {
          also: ({ outcome, failure }) => (outcome === 'failed' && failure?.status !== 400 ? `status ${failure?.status}, not 400` : null),
        },
      },
    ),
    always(
      '529 whose body never comes',
      { status: 529, headers: { 'content-type': 'application/json', 'content-length': '99', ...soon }, steps: [stall] },
      {
        patienceMs: 6000,
        rule: {
          also: ({ outcome, failure }) => (outcome === 'failed' && failure?.status !== 529 ? `status ${failure?.status}, not 529` : null),
        },
      },
    ),
    always(
      '401 whose body is cut',
      { status: 401, headers: { 'content-type': 'application/json', 'content-length': '99' }, steps: ['{"type":"err', cut] },
      { rule: { toldAs: ['AuthenticationError'] } },
    ),
    always(
      '503 whose body is cut',
      { status: 503, headers: { 'content-type': 'application/json', 'content-length': '99', ...soon }, steps: ['{"type":"err', cut] },
      { rule: { toldAs: ['ServiceUnavailableError'] } },
    ),
    always('400 that says: try again', typed(400, 'invalid_request_error', { 'x-should-retry': 'true' })),
    once('400 that says: try again', typed(400, 'invalid_request_error', { 'x-should-retry': 'true' })),
    always('529 that says: do not try again', typed(529, 'overloaded_error', { 'x-should-retry': 'false' }), { rule: { asks: 1 } }),
    always('500 that says: do not try again', typed(500, 'api_error', { 'x-should-retry': 'false' }), { rule: { asks: 1 } }),
    always(
      '400: credit balance is too low',
      jsonReply(
        errorBody(
          'invalid_request_error',
          'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
        ),
        400,
      ),
    ),
    always(
      '400: prompt is too long',
      jsonReply(errorBody('invalid_request_error', 'prompt is too long: 205351 tokens > 200000 maximum'), 400),
    ),
    always(
      '400: organization on hold',
      jsonReply(errorBody('invalid_request_error', 'x', { details: { error_code: 'organization_on_hold' } }), 400),
    ),
    always(
      '429: long context needs extra usage',
      jsonReply(errorBody('rate_limit_error', 'Extra usage is required for long context requests.'), 429, soon),
    ),
    always('503 of Envoy, in plain text', {
      status: 503,
      headers: { 'content-type': 'text/plain', ...soon },
      steps: ['upstream connect error or disconnect/reset before headers. reset reason: connection termination'],
    }),
    always('an unknown error type', typed(400, 'some_error_of_2027')),
    always('529 without a request id', { ...typed(529, 'overloaded_error', { 'request-id': [] }) }),
    {
      name: 'holdfast-* headers of the upstream',
      upstream: () =>
        upstream((request) => {
          const reply = healthy(request);
          return { ...reply, headers: { ...reply.headers, 'holdfast-call-id': 'not-ours', 'holdfast-degraded': 'stale-cache' } };
        }),
      call: async ({ client, surface, signal, hold }) => {
        const body = { model: 'claude-opus-5-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'x' }] };
        const { response } = await client.messages
          .create({ ...body, stream: surface === 'stream' } as typeof body, { signal })
          .withResponse();
        await response.body?.cancel().catch(() => {});
        const label = response.headers.get('holdfast-degraded');
        return { ...message(hold && label !== null ? `labelled ${label}` : 'as it is') };
      },
      rule: { right: 'as it is' },
    },
    always(
      '529 with holdfast-* headers of the upstream',
      typed(529, 'overloaded_error', { 'holdfast-call-id': 'not-ours', 'holdfast-degraded': 'stale-cache' }),
    ),
    always(
      '400 with an error code of Holdfast',
      jsonReply(errorBody('invalid_request_error', 'x', { details: { error_code: 'holdfast_circuit_open' } }), 400),
    ),
  ],
};
