// Keys and tokens: that cannot be had, that run out, that are the caller's own.

import type { Situation, Subject } from '../situation.ts';
import { ask } from '../observe.ts';
import { cut, eventReply, healthy, jsonReply, upstream } from '../upstream.ts';
import { errorBody, events, words } from '../wire.ts';

/** A key function or provider that fails so, and how often it was asked. */
function failing(name: string, error: () => Error, how: 'apiKey' | 'credentials'): Situation {
  let asked = { bare: 0, held: 0 };
  return {
    name: `${how} fails: ${name}`,
    upstream: () => upstream(),
    sdk: { apiKey: 'unused' },
    call: (world) => {
      asked = { ...asked, [world.side]: 0 };
      const provider = async (): Promise<never> => {
        asked[world.side] += 1;
        throw error();
      };
      const options = how === 'apiKey' ? { apiKey: provider as never } : { apiKey: null, authToken: null, credentials: provider as never };
      return ask({ ...world, client: world.another({ ...options, maxRetries: 2 }) });
    },
    rule: {
      right: null,
      also: ({ outcome }) =>
        outcome === 'failed' && asked.held > Math.max(1, asked.bare)
          ? `the provider was asked ${asked.held} times, by the bare SDK ${asked.bare}`
          : null,
    },
  };
}

/** A server for which only the token `valid` names is right; the right one changes when `expires` says so. */
const tokens = (cutsFirst: boolean) => () => {
  let valid = 'token-1';
  return upstream((seen) => {
    if (seen.headers['authorization'] !== `Bearer ${valid}`)
      return jsonReply(errorBody('authentication_error', 'OAuth token has expired'), 401);
    if (seen.number > 1) return healthy(seen);
    valid = 'token-2';
    if (!cutsFirst) return jsonReply(errorBody('authentication_error', 'OAuth token has expired'), 401);
    return eventReply([...events().slice(0, 6), { pause: 5 }, cut]);
  });
};

const issuing = () => {
  let issued = 0;
  return async () => ({ token: `token-${(issued += 1)}`, expiresAt: Math.floor(Date.now() / 1000) + 3600 });
};

export const credentials: Subject = {
  title: 'Credentials',
  situations: [
    failing('a vault that is sealed', () => new Error('vault is sealed: secret/anthropic/prod'), 'apiKey'),
    failing(
      'a login that has ended',
      () => Object.assign(new Error('The SSO session has expired'), { name: 'CredentialsProviderError' }),
      'apiKey',
    ),
    failing('a vault that is sealed', () => new Error('token exchange failed'), 'credentials'),
    failing('a login that has ended', () => Object.assign(new Error('invalid_grant'), { name: 'GaxiosError', status: 400 }), 'credentials'),
    {
      name: 'a token that has run out',
      upstream: tokens(false),
      sdk: () => ({ apiKey: null, authToken: null, credentials: issuing() as never }),
    },
    {
      name: 'a token that runs out in the middle of a stream',
      surfaces: ['stream', 'helper'],
      upstream: tokens(true),
      sdk: () => ({ apiKey: null, authToken: null, credentials: issuing() as never }),
      rule: { right: words, asks: 3 },
    },
    { name: 'no key at all', upstream: () => upstream(), sdk: { apiKey: null, authToken: null } },
    {
      name: 'a caller without a valid key, and a second target',
      upstream: () =>
        upstream((seen) => (seen.headers['x-api-key'] === 'of-nobody' ? jsonReply(errorBody('authentication_error'), 401) : healthy(seen))),
      hold: async ({ closes }) => {
        const second = await upstream();
        closes.push(() => second.close());
        const { default: Anthropic } = await import('@anthropic-ai/sdk');
        return { targets: [{ name: 'second', client: new Anthropic({ baseURL: second.url, apiKey: 'of-the-operator' }) }] };
      },
      call: (world) => ask({ ...world, options: { headers: { 'x-api-key': 'of-nobody' } } }),
      rule: { right: null, asks: 1 },
    },
    ...(
      [
        ['529', jsonReply(errorBody('overloaded_error'), 529, { 'retry-after-ms': '20' })],
        ['402', jsonReply(errorBody('billing_error'), 402)],
        ['429', jsonReply(errorBody('rate_limit_error'), 429, { 'retry-after-ms': '20' })],
      ] as const
    ).map(([name, reply]): Situation => ({
      name: `a caller's own key, ${name}, and a second target`,
      upstream: () => upstream(() => reply),
      hold: async ({ closes }) => {
        const second = await upstream();
        closes.push(() => second.close());
        const { default: Anthropic } = await import('@anthropic-ai/sdk');
        return { targets: [{ name: 'second', client: new Anthropic({ baseURL: second.url, apiKey: 'of-the-operator' }) }] };
      },
      call: (world) => ask({ ...world, options: { headers: { 'x-api-key': 'of-the-caller' } } }),
      rule: { right: null },
    })),
  ],
};
