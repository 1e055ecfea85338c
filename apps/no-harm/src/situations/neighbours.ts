// One caller's, route's, model's or key's trouble, and then another's call: it must end as if the trouble had not been.

import type Anthropic from '@anthropic-ai/sdk';
import { ask, request } from '../observe.ts';
import type { Situation, Subject, World } from '../situation.ts';
import { cut, eventReply, healthy, jsonReply, reset, stall, upstream, type Answerer, type Reply, type Seen } from '../upstream.ts';
import { blockStart, blockStop, end, errorBody, errorEvent, events, json, start, stop } from '../wire.ts';

const soon = { 'retry-after-ms': '20' };

const keyOf = ({ headers }: Seen): string => headers['x-api-key'] ?? (headers['authorization'] ?? '').replace('Bearer ', '');

/** Answers `bad` to those whose trouble it is, and everybody else as usual. */
const troubled =
  (is: (seen: Seen) => boolean, bad: Reply | Answerer): (() => ReturnType<typeof upstream>) =>
  () =>
    upstream((seen) => (is(seen) ? (typeof bad === 'function' ? bad(seen) : bad) : healthy(seen)));

/** `times` calls, `atOnce` at a time; what becomes of them is not judged. */
async function calls(times: number, call: (index: number) => Promise<unknown>, atOnce = 5): Promise<void> {
  for (let at = 0; at < times; at += atOnce)
    await Promise.allSettled(Array.from({ length: Math.min(atOnce, times - at) }, (_, index) => call(at + index)));
}

const one = (client: Anthropic, { surface, signal }: World, more: object = {}, options: object = {}): Promise<unknown> =>
  surface === 'create'
    ? client.messages.create({ ...request, ...more }, { signal, ...options })
    : client.messages.stream({ ...request, ...more }, { signal, ...options }).finalMessage();

const keyTroubles: readonly (readonly [name: string, reply: Reply])[] = [
  ['401', jsonReply(errorBody('authentication_error'), 401)],
  ['402', jsonReply(errorBody('billing_error'), 402)],
  ['403', jsonReply(errorBody('permission_error'), 403)],
  ['429 for 55 s', jsonReply(errorBody('rate_limit_error'), 429, { 'retry-after': '55', 'x-should-retry': 'false' })],
  [
    'a spend limit',
    jsonReply(errorBody('rate_limit_error', 'spend limit', { details: { error_code: 'enforced_spend_limit_reached' } }), 429, {
      'x-should-retry': 'false',
    }),
  ],
  ['400, on hold', jsonReply(errorBody('invalid_request_error', 'x', { details: { error_code: 'organization_on_hold' } }), 400)],
  [
    '400, credit balance',
    jsonReply(errorBody('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'), 400),
  ],
];

/** How a caller's own key comes with a call. */
const ways: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'in a header': (world) => one(world.client, world, {}, { headers: { 'x-api-key': 'of-another' } }),
  'of another client': (world) => one(world.another({ apiKey: 'of-another', maxRetries: 0 }), world),
  'by withOptions': (world) => one(world.client.withOptions({ apiKey: 'of-another' }), world),
  'as a bearer token': (world) => one(world.another({ apiKey: null, authToken: 'of-another', maxRetries: 0 }), world),
};

/**
 * Another's answer; and the server is still ready for everybody. A key that came with another client may be the operator's:
 * when no other was seen and it is refused, health may say `degraded`.
 */
const andReady =
  (ready: readonly string[]) =>
  async (world: World): Promise<unknown> => {
    const status = world.hold?.health().status ?? 'ok';
    if (!ready.includes(status)) throw new Error(`health says ${status}`);
    return ask(world);
  };

const keyRows = Object.entries(ways).flatMap(([way, call]) =>
  keyTroubles.map(([name, reply]): Situation => ({
    name: `a key ${way}: ${name}`,
    upstream: troubled((seen) => keyOf(seen) === 'of-another', reply),
    before: (world) => calls(4, () => call(world), 2),
    call: andReady(way === 'in a header' ? ['ok'] : ['ok', 'degraded']),
    ...(way === 'in a header' ? {} : { surfaces: ['stream'] }),
  })),
);

const routeTroubles: readonly (readonly [name: string, reply: Reply])[] = [
  ['500', jsonReply(errorBody('api_error'), 500, soon)],
  ['529', jsonReply(errorBody('overloaded_error'), 529, soon)],
  ['429 for 50 s', jsonReply(errorBody('rate_limit_error'), 429, { 'retry-after': '50', 'x-should-retry': 'false' })],
  ['HTML under 200', { headers: { 'content-type': 'text/html' }, steps: ['<html>no</html>'] }],
  ['503 as HTML', { status: 503, headers: { 'content-type': 'text/html', ...soon }, steps: ['<html>no</html>'] }],
  ['a reset', { headless: true, steps: [reset] }],
  ['404', jsonReply(errorBody('not_found_error'), 404)],
  ['silence', { headless: true, steps: [stall] }],
];

const otherCalls: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  count_tokens: ({ client, signal }) =>
    client.messages.countTokens({ model: request.model, messages: request.messages }, { signal, timeout: 2000, maxRetries: 0 }),
  'models.list': ({ client, signal }) => client.models.list({}, { signal, timeout: 2000, maxRetries: 0 }).then(({ data }) => data.length),
  'batches.create': ({ client, signal }) => client.messages.batches.create({ requests: [] }, { signal, timeout: 2000, maxRetries: 0 }),
};

const isMessages = ({ path }: Pick<Seen, 'path'>): boolean => /\/messages(\?|$)/.test(path);

const routeRows = Object.entries(otherCalls).flatMap(([route, call]) =>
  routeTroubles.map(([name, reply]): Situation => ({
    name: `${route} fails: ${name}`,
    surfaces: route === 'count_tokens' ? ['create', 'stream'] : ['create'],
    upstream: troubled((seen) => !isMessages(seen), reply),
    counts: isMessages,
    before: (world) => calls(12, () => call(world), 6),
  })),
);

const odd: Readonly<Record<string, Reply>> = {
  'invalid tool input': eventReply([
    start(),
    blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'grep', input: {} }),
    json('{"pattern": "\\d+"}'),
    blockStop(0),
    end('tool_use'),
    stop,
  ]),
  'no event names': eventReply([
    events()
      .join('')
      .replace(/^event: .*\n/gm, ''),
  ]),
  'HTML pages': { headers: { 'content-type': 'text/html' }, steps: ['<html>no</html>'] },
  'quiet ends': eventReply([start()]),
  'cut streams': eventReply([...events().slice(0, 5), { pause: 2 }, cut]),
  'errors in the stream': eventReply([start(), errorEvent('invalid_request_error')]),
  '400s': jsonReply(errorBody('invalid_request_error'), 400),
  '413s': jsonReply(errorBody('request_too_large'), 413),
};

const ofOddCaller = ({ body }: Pick<Seen, 'body'>): boolean => (body?.['metadata'] as { user_id?: string } | undefined)?.user_id === 'odd';
const ofModel =
  (model: string) =>
  ({ body }: Seen): boolean =>
    String(body?.['model']).startsWith(model);

export const neighbours: Subject = {
  title: 'Neighbours',
  situations: [
    ...keyRows,
    ...routeRows,
    ...Object.entries(odd).map(([name, reply]): Situation => ({
      name: `one caller gets ${name}`,
      counts: (seen) => !ofOddCaller(seen),
      upstream: troubled(ofOddCaller, reply),
      before: (world) => calls(2, () => one(world.client, { ...world, surface: 'stream' }, { metadata: { user_id: 'odd' } }), 1),
    })),
    ...(
      [
        ['529', jsonReply(errorBody('overloaded_error'), 529, soon)],
        ['500', jsonReply(errorBody('api_error'), 500, soon)],
        ['429 for 30 s', jsonReply(errorBody('rate_limit_error'), 429, { 'retry-after': '30', 'x-should-retry': 'false' })],
        ['404', jsonReply(errorBody('not_found_error'), 404)],
      ] as const
    ).map(([name, reply]): Situation => ({
      name: `another model fails: ${name}`,
      upstream: troubled(ofModel('claude-haiku'), reply),
      before: (world) => calls(10, () => one(world.client, world, { model: 'claude-haiku-5-5' })),
    })),
    {
      name: 'a hundred invented models',
      upstream: troubled(ofModel('invented'), jsonReply(errorBody('not_found_error'), 404)),
      before: (world) => calls(100, (index) => one(world.client, world, { model: `invented-${index}` }), 20),
    },
    {
      name: 'a hundred invented models that answer 500',
      upstream: troubled(ofModel('invented'), jsonReply(errorBody('api_error'), 500, { 'x-should-retry': 'false' })),
      before: (world) => calls(100, (index) => one(world.client, world, { model: `invented-${index}` }), 20),
    },
    {
      name: 'a caller with a timeout of 20 ms',
      speed: 1,
      counts: (seen) => !ofOddCaller(seen),
      upstream: troubled(ofOddCaller, { headless: true, steps: [stall] }),
      before: (world) => calls(12, () => one(world.client, world, { metadata: { user_id: 'odd' } }, { timeout: 20, maxRetries: 0 }), 6),
    },
    {
      name: 'a caller whose calls take long and who leaves',
      speed: 1,
      counts: (seen) => !ofOddCaller(seen),
      upstream: troubled(ofOddCaller, { headless: true, steps: [stall] }),
      before: (world) =>
        calls(20, () => one(world.client, world, { metadata: { user_id: 'odd' } }, { signal: AbortSignal.timeout(30), maxRetries: 0 }), 20),
    },
    {
      name: 'a caller whose deadline is short',
      speed: 1,
      counts: (seen) => !ofOddCaller(seen),
      upstream: troubled(ofOddCaller, { headless: true, steps: [stall] }),
      before: (world) =>
        calls(
          12,
          () =>
            one(
              world.client,
              world,
              { metadata: { user_id: 'odd' } },
              { timeout: 60, maxRetries: 0, ...(world.hold ? { holdfast: { deadlineMs: 40 } } : {}) },
            ),
          6,
        ),
    },
    {
      name: 'another call hangs at the same time',
      speed: 1,
      counts: (seen) => !ofOddCaller(seen),
      upstream: troubled(ofOddCaller, { headless: true, steps: [stall] }),
      call: async (world) => {
        const leaves = new AbortController();
        const hanging = Array.from({ length: 5 }, () =>
          one(world.client, world, { metadata: { user_id: 'odd' } }, { signal: leaves.signal, maxRetries: 0 }),
        );
        const answer = await ask(world);
        leaves.abort();
        await Promise.allSettled(hanging);
        return answer;
      },
    },
    {
      name: 'twenty at once, one of them refused',
      counts: (seen) => !ofOddCaller(seen),
      upstream: troubled(ofOddCaller, jsonReply(errorBody('invalid_request_error'), 400)),
      call: async (world) => {
        const [refused, ...answers] = await Promise.allSettled(
          Array.from({ length: 20 }, (_, index) => (index === 0 ? ask(world, { metadata: { user_id: 'odd' } }) : ask(world))),
        );
        if (refused?.status !== 'rejected' || answers.some(({ status }) => status === 'rejected'))
          throw new Error(`${refused?.status}, ${answers.filter(({ status }) => status === 'rejected').length} lost`);
        return (answers[0] as PromiseFulfilledResult<object>).value;
      },
    },
    {
      name: 'a request that cannot be sent',
      upstream: () => upstream(),
      before: async (world) => {
        const circular: Record<string, unknown> = {};
        circular['self'] = circular;
        await calls(8, () => one(world.client, world, { metadata: circular }), 4);
      },
    },
  ],
};
