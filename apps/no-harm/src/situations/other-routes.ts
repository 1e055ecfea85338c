// Routes that are not Messages: lists, token counts, files, batches. Each asked as the SDK asks it.

import type { Call, Situation, Subject, World } from '../situation.ts';
import { cut, jsonReply, reset, stall, upstream, type Reply } from '../upstream.ts';
import { request } from '../observe.ts';
import { errorBody, message } from '../wire.ts';

type Route = readonly [name: string, ask: Call, answer: unknown, repeats: boolean];

const batch = { id: 'msgbatch_1', type: 'message_batch', processing_status: 'ended', results_url: null, request_counts: {} };
const file = { id: 'file_1', type: 'file', filename: 'a.txt' };

/** What a route answers, in the form of a message: the table compares text. */
const told = async (answer: Promise<unknown>) => message(JSON.stringify(plain(await answer)));
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      ['options', 'response', 'body', '_client', 'client'].includes(key) ? undefined : inner,
    ),
  );

const routes: readonly Route[] = [
  [
    'models.list',
    ({ client, signal }) => told(client.models.list({}, { signal }).then(({ data }) => data)),
    { data: [{ id: 'm1', type: 'model' }], has_more: false, first_id: null, last_id: null },
    true,
  ],
  ['models.retrieve', ({ client, signal }) => told(client.models.retrieve('m1', {}, { signal })), { id: 'm1', type: 'model' }, true],
  [
    'countTokens',
    ({ client, signal }) => told(client.messages.countTokens({ model: request.model, messages: request.messages }, { signal })),
    { input_tokens: 12 },
    true,
  ],
  [
    'batches.create',
    ({ client, signal }) => told(client.messages.batches.create({ requests: [{ custom_id: 'a', params: request }] }, { signal })),
    batch,
    false,
  ],
  ['batches.retrieve', ({ client, signal }) => told(client.messages.batches.retrieve('msgbatch_1', {}, { signal })), batch, true],
  ['files.upload', (world) => told(upload(world)), file, false],
];

const upload = ({ client, signal }: World): Promise<unknown> =>
  client.beta.files.upload({ file: new File(['x'.repeat(1000)], 'a.txt') }, { signal });

const surfaces = ['create'] as const;
const soon = { 'retry-after-ms': '20' };

type Trouble = readonly [name: string, reply: Reply, more?: Partial<Situation>];

const troubles: readonly Trouble[] = [
  ['400', jsonReply(errorBody('invalid_request_error'), 400)],
  ['401', jsonReply(errorBody('authentication_error'), 401)],
  ['404', jsonReply(errorBody('not_found_error'), 404)],
  ['429', jsonReply(errorBody('rate_limit_error'), 429, soon)],
  ['500', jsonReply(errorBody('api_error'), 500, soon)],
  ['503 as HTML', { status: 503, headers: { 'content-type': 'text/html', ...soon }, steps: ['<html>503</html>'] }],
  ['529', jsonReply(errorBody('overloaded_error'), 529, soon)],
  ['a reset', { headless: true, steps: [reset] }],
  ['silence', { headless: true, steps: [stall] }, { speed: 1, sdk: { timeout: 300, maxRetries: 1 } }],
  ['silence, timeout 10 ms', { headless: true, steps: [stall] }, { speed: 1, sdk: { timeout: 10, maxRetries: 0 } }],
];

/** What creates something must not be sent twice where the first may have arrived. The bare SDK does; Holdfast promises not to. */
const sentOnce = new Set(['500', '503 as HTML', 'a reset', 'silence', '529']);

const line = (index: number): string =>
  `${JSON.stringify({ custom_id: `r${index}`, result: { type: 'succeeded', message: message(`answer ${index}`) } })}\n`;
const jsonl = [0, 1, 2, 3].map(line);

const results: Call = async ({ client, signal }) => {
  const ids: string[] = [];
  for await (const result of await client.messages.batches.results('msgbatch_1', {}, { signal })) ids.push(result.custom_id);
  return message(ids.join());
};

const resultsOf = (name: string, reply: Reply, more: Partial<Situation> = {}): Situation => ({
  name: `batches.results: ${name}`,
  surfaces,
  upstream: async () => {
    const server = await upstream(({ path }) =>
      path.endsWith('/results') ? reply : jsonReply({ ...batch, results_url: `${server.url}/v1/messages/batches/msgbatch_1/results` }),
    );
    return server;
  },
  call: results,
  ...more,
});

const lines: Reply = { headers: { 'content-type': 'application/x-jsonl' }, framing: 'chunked', steps: jsonl };

export const otherRoutes: Subject = {
  title: 'Other routes',
  situations: [
    ...routes.map(([name, call, answer]): Situation => ({
      name: `${name}: healthy`,
      surfaces,
      upstream: () => upstream(() => jsonReply(answer)),
      call,
    })),
    ...routes.flatMap(([name, call, answer, repeats]) =>
      troubles.flatMap(([trouble, reply, more]): Situation[] => [
        {
          name: `${name}: ${trouble}`,
          surfaces,
          upstream: () => upstream(() => reply),
          call,
          ...more,
          ...(sentOnce.has(trouble) && !repeats ? { rule: { asks: 3, laterMs: 3000 } } : {}),
        },
        ...(repeats && ['429', '500', '529', 'a reset'].includes(trouble)
          ? [
              {
                name: `${name}: ${trouble}, once`,
                surfaces,
                upstream: () => upstream(({ number }) => (number === 1 ? reply : jsonReply(answer))),
                call,
              },
            ]
          : []),
      ]),
    ),
    {
      name: 'a slow upload, 250 s, an hour allowed',
      surfaces,
      speed: 100,
      sdk: { timeout: 3_600_000 },
      upstream: () =>
        upstream(() => ({
          headless: true,
          framing: 'close',
          steps: [{ pause: 2500 }, `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${JSON.stringify(file)}`],
        })),
      call: (world) => told(upload(world)),
    },
    {
      name: 'a slow batch, 250 s, an hour allowed',
      surfaces,
      speed: 100,
      sdk: { timeout: 3_600_000 },
      upstream: () =>
        upstream(() => ({
          headless: true,
          framing: 'close',
          steps: [
            { pause: 2500 },
            `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${JSON.stringify(batch)}`,
          ],
        })),
      call: ({ client, signal }) => told(client.messages.batches.create({ requests: [] }, { signal })),
    },
    {
      name: 'a slow list, 250 s, an hour allowed',
      surfaces,
      speed: 100,
      sdk: { timeout: 3_600_000 },
      upstream: () =>
        upstream(() => ({
          headless: true,
          framing: 'close',
          steps: [
            { pause: 2500 },
            `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"data":[{"id":"m1"}],"has_more":false}`,
          ],
        })),
      call: ({ client, signal }) => told(client.models.list({}, { signal }).then(({ data }) => data)),
    },
    {
      name: '503: the workspace was created',
      surfaces,
      upstream: () =>
        upstream(() =>
          jsonReply(
            errorBody('api_error', 'The workspace was created, but its settings were not saved.', {
              details: { error_code: 'workspace_created_incomplete', workspace_id: 'wrkspc_1' },
            }),
            503,
          ),
        ),
      call: ({ client, signal }) => told(client.post('/v1/organizations/workspaces', { body: { name: 'x' }, signal })),
      rule: { asks: 1 },
    },
    {
      name: '503 of Envoy after a batch was sent',
      surfaces,
      upstream: () =>
        upstream(() => ({
          status: 503,
          headers: { 'content-type': 'text/plain' },
          steps: ['upstream connect error or disconnect/reset before headers. reset reason: connection termination'],
        })),
      call: ({ client, signal }) => told(client.messages.batches.create({ requests: [] }, { signal })),
      rule: { asks: 1 },
    },
    resultsOf('whole', lines),
    resultsOf('cut in a line', { ...lines, steps: [jsonl[0] as string, (jsonl[1] as string).slice(0, 30), { pause: 5 }, cut] }),
    resultsOf('cut at a border', { ...lines, steps: [jsonl[0] as string, jsonl[1] as string, { pause: 5 }, cut] }),
    resultsOf('ended at a border', { ...lines, steps: jsonl.slice(0, 2) }),
    resultsOf('an odd content type', { ...lines, headers: { 'content-type': 'application/octet-stream' } }),
    resultsOf('a line at a time, slowly', { ...lines, steps: jsonl.flatMap((one) => [one, { pause: 100 }]) }),
    {
      name: 'a download, byte by byte',
      surfaces,
      upstream: () =>
        upstream(() => ({
          headers: { 'content-type': 'application/pdf' },
          framing: 'chunked',
          steps: Array.from({ length: 50 }, (_, index) => Buffer.from([index, 255 - index])),
        })),
      call: async ({ client, signal }) =>
        message([...new Uint8Array(await (await client.beta.files.download('file_1', {}, { signal })).arrayBuffer())].join()),
    },
    {
      name: 'a download that takes 250 s',
      surfaces,
      speed: 100,
      sdk: { timeout: 3_600_000 },
      upstream: () =>
        upstream(() => ({
          headers: { 'content-type': 'application/pdf' },
          framing: 'chunked',
          steps: Array.from({ length: 25 }, () => ['x', { pause: 100 }]).flat(),
        })),
      call: async ({ client, signal }) => message(await (await client.beta.files.download('file_1', {}, { signal })).text()),
    },
    {
      name: 'a list of three pages',
      surfaces,
      upstream: () =>
        upstream(({ path }) =>
          jsonReply({
            data: [{ id: `m${path.length}` }],
            has_more: !path.includes('after_id=m33'),
            first_id: 'm',
            last_id: path.includes('after_id') ? 'm33' : 'm2',
          }),
        ),
      call: async ({ client, signal }) => {
        const ids: string[] = [];
        for await (const model of client.models.list({ limit: 1 }, { signal })) if (ids.push(model.id) > 5) break;
        return message(ids.join());
      },
    },
  ],
};
