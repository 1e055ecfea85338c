// Somewhere else to go: every kind of failure against every kind of client.

import Anthropic from '@anthropic-ai/sdk';
import { cut, referenceAnswer, type FaultLike } from '@holdfast/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { callOptions, holdfast, type HoldfastEvent, type HoldfastOptions } from '../src/index.ts';
import { platform, platformNames, secretOf, type Platform, type PlatformName } from './platforms.ts';
import { twoTargets } from './two-targets.ts';
import { request } from './world.ts';

const whole = referenceAnswer('text').content;
const running: Platform[] = [];
afterEach(() => Promise.all(running.splice(0).map((each) => each.close())));

async function pair(second: PlatformName, options: HoldfastOptions = {}) {
  const primary = await platform('anthropic');
  const other = await platform(second);
  running.push(primary, other);
  const events: HoldfastEvent[] = [];
  const hold = holdfast({
    random: () => 0,
    retry: { baseMs: 0, throttledBaseMs: 0 },
    targets: [{ name: 'second', client: other.client, geo: 'eu' }],
    on: (event) => events.push(event),
    ...options,
  });
  const { baseURL } = primary.client as unknown as Anthropic;
  const client = new Anthropic({ baseURL, apiKey: secretOf('anthropic'), middleware: [hold], maxRetries: 4 });
  return { primary, other, client, hold, events };
}

/** What fails on the first target, and where the call must end: at the second target, or nowhere. */
const failures: [FaultLike, 'second' | 'stays'][] = [
  ['overloaded', 'second'],
  ['rate-limited', 'second'],
  ['rate-limited-a-day', 'second'],
  ['spend-limit', 'second'],
  ['contract-limit', 'second'],
  ['own-spend-limit', 'second'],
  ['billing', 'second'],
  ['key-disabled', 'second'],
  ['server-error', 'second'],
  ['bad-gateway', 'second'],
  ['unavailable', 'second'],
  ['reset', 'second'],
  ['bad-request', 'stays'],
  ['too-large', 'stays'],
  ['conflict', 'stays'],
];

describe.each(platformNames)('with a second target of kind %s', (kind) => {
  it.each(failures)('%s on the first: the call %s', async (fault, where) => {
    const { primary, other, client, hold } = await pair(kind);
    primary.claude.always(fault);

    const result = await client.messages.create(request).catch((error: unknown) => error);

    expect(primary.claude.requests).toHaveLength(1);
    expect(other.claude.requests).toHaveLength(where === 'second' ? 1 : 0);
    if (where === 'second') {
      expect(result).toMatchObject({ content: whole });
      expect(hold.attempts(result)?.attempts.map(({ target, purpose }) => [target, purpose])).toEqual([
        ['primary', 'first'],
        ['second', 'failover'],
      ]);
    } else expect(result).toBeInstanceOf(Anthropic.APIError);
  });

  it('streams from the second when the first is down', async () => {
    const { primary, client } = await pair(kind);
    primary.claude.always('unavailable');

    expect((await client.messages.stream(request).finalMessage()).content).toEqual(whole);
  });

  it('finishes at the second what broke in the middle at the first', async () => {
    const { primary, other, client } = await pair(kind);
    primary.claude.always('unavailable');
    primary.claude.script('cut-mid-stream');

    expect((await client.messages.stream(request).finalMessage()).content).toEqual(whole);
    expect(other.claude.requests.map(({ continues }) => continues)).toEqual(['user-turn']);
  });

  it('mends a stream of the second that breaks', async () => {
    const { primary, other, client } = await pair(kind);
    primary.claude.always('unavailable');
    other.claude.script(cut({ afterText: 200, how: 'reset' }));

    expect((await client.messages.stream(request).finalMessage()).content).toEqual(whole);
  });

  it('is not asked, and neither are cache and answer, for a caller who brought a key', async () => {
    const { primary, other, client } = await pair(kind);
    primary.claude.always('overloaded');

    await expect(client.messages.create(request, { headers: { 'x-api-key': 'of-the-caller' } })).rejects.toMatchObject({ status: 529 });
    expect(other.claude.requests).toHaveLength(0);
  });

  it('keeps each target’s credentials at home', async () => {
    const { primary, other, client } = await pair(kind);
    primary.claude.always('overloaded');
    await client.messages.create(request, {
      ...callOptions({ credential: 'operator' }),
      headers: { 'x-api-key': secretOf('anthropic'), cookie: secretOf('anthropic'), 'x-tenant': secretOf('anthropic') },
    });
    await client.messages.stream({ ...request, metadata: { user_id: 'u1' } }).finalMessage();

    expect(other.wire.length).toBeGreaterThan(0);
    const mine = kind === 'anthropic' ? [] : other.wire;
    for (const sent of mine) expect(JSON.stringify(sent)).not.toContain(secretOf('anthropic'));
    for (const sent of primary.wire) if (kind !== 'anthropic') expect(JSON.stringify(sent)).not.toContain(secretOf(kind));
    for (const { headers } of other.wire)
      for (const name of ['cookie', 'x-tenant', 'traceparent']) expect(headers).not.toHaveProperty(name);
  });

  it('follows no redirect with a body', async () => {
    const { primary, other, client } = await pair(kind);
    const elsewhere = await platform('anthropic');
    running.push(elsewhere);
    const { baseURL } = elsewhere.client as unknown as Anthropic;
    primary.claude.always({ redirect: `${baseURL}/v1/messages` });
    other.claude.always({ redirect: `${baseURL}/v1/messages` });

    await client.messages.create(request).catch(() => {});

    expect(elsewhere.wire).toHaveLength(0);
  });
});

const timed = async (...options: Parameters<typeof twoTargets>) => {
  const { primary, second, ...rest } = await twoTargets(...options);
  return { ...rest, primary: primary.claude, other: second.claude };
};

describe('the way back', () => {
  it('uses the first target again once its circuit lets it, flipping at most once per open period', async () => {
    const { clock, primary, client, hold, close } = await timed();
    const targets: (string | undefined)[] = [];
    const ask = async (): Promise<void> => {
      const message = await clock.until(client.messages.create(request));
      targets.push(hold.attempts(message)?.attempts.at(-1)?.target);
      clock.advance(200);
    };
    primary.always('server-error');
    for (let call = 0; call < 60; call += 1) await ask();
    const during = primary.requests.length;
    expect(new Set(targets)).toEqual(new Set(['second']));
    expect(during).toBeLessThan(20);

    primary.always(null);
    for (let call = 0; call < 100; call += 1) await ask();

    expect(targets.slice(-20)).toEqual(Array.from({ length: 20 }, () => 'primary'));
    await close();
  });

  it('a throttled target is left alone until its hint has passed', async () => {
    const { clock, primary, client, close } = await timed();
    primary.script({ status: 429, headers: { 'retry-after': '30' } });
    await clock.until(client.messages.create(request));
    await clock.until(client.messages.create(request));
    expect(primary.requests).toHaveLength(1);

    clock.advance(30_000);
    await clock.until(client.messages.create(request));
    expect(primary.requests).toHaveLength(2);
    await close();
  });

  it('an ill second target is probed back to health without a caller’s request', async () => {
    const { clock, primary, other, hold, client, close } = await timed({
      probeEveryMs: 100,
      breaker: { openMs: 60_000, maxOpenMs: 60_000, consecutiveFailures: 2 },
      retry: false,
    });
    primary.always('server-error');
    other.always('server-error');
    for (let call = 0; call < 6; call += 1) await clock.until(client.messages.create(request).catch(() => {}));
    other.always(null);
    const sent = other.requests.length;
    await clock.advanceAsync(1_000);

    expect(new Set(other.requests.slice(sent).map(({ path }) => path))).toEqual(new Set(['/v1/models?limit=1']));
    expect(Object.values(hold.health().targets[1]?.circuits ?? {})).not.toContain('open');
    hold.close();
    expect(clock.pending).toBe(0);
    await close();
  });
});

it('what is undefined of a target’s capabilities is not given', async () => {
  const { clock, primary, second, client, close } = await twoTargets({}, { capabilities: { serverTools: undefined } as object });
  primary.claude.always('overloaded');

  await clock.until(client.messages.create({ ...request, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }));

  expect(second.claude.requests).toHaveLength(1);
  await close();
});

it('a target whose function for models fails is passed over, and the call ends as it would without it', async () => {
  const two = await twoTargets(
    {},
    {
      models: () => {
        throw new Error('no table');
      },
    },
  );
  two.primary.claude.always('overloaded');

  await expect(two.clock.until(two.client.messages.create(request, callOptions({ requestId: 'call' })))).rejects.toMatchObject({
    status: 529,
  });
  expect(two.hold.attempts('call')).toMatchObject({ result: 'failed', failure: 'overloaded' });
  await two.close();
});

it('the stream of a fallback model goes on at another target under the name the model has there', async () => {
  const { clock, primary, other, client, close } = await timed(
    { breaker: false, retry: false, fallbacks: ['claude-haiku-5-5'] },
    { models: { 'claude-haiku-5-5': 'eu.haiku' } },
  );
  primary.script('overloaded', 'overloaded');
  other.script('overloaded', 'overload-mid-stream');

  const message = await clock.until(client.messages.stream(request).finalMessage());

  expect(message.content).toEqual(whole);
  expect(other.requests.map(({ model }) => model)).toEqual([request.model, 'eu.haiku']);
  expect(primary.requests.map(({ model }) => model)).toEqual([request.model, 'claude-haiku-5-5', 'claude-haiku-5-5']);
  await close();
});

it('a stream that an overloaded target broke goes on elsewhere at once; alone it waits', async () => {
  for (const [options, waitedMs] of [
    [{ retry: {} }, 0],
    [{ retry: {}, targets: [] }, 1_000],
  ] as const) {
    const { clock, primary, client, close } = await timed(options);
    primary.script('overload-mid-stream');
    const before = clock.now();

    expect((await clock.until(client.messages.stream(request).finalMessage())).content).toEqual(whole);
    expect(clock.now() - before).toBe(waitedMs);
    await close();
  }
});

describe('a token that may be renewed', () => {
  const withTokens = async (options: HoldfastOptions = {}) => {
    const { primary, second, hold, clock, close } = await twoTargets(options);
    let tokens = 0;
    const client = new Anthropic({
      baseURL: primary.claude.url,
      fetch: primary.claude.fetch,
      middleware: [hold],
      credentials: async () => ({ token: `token-${(tokens += 1)}`, expiresAt: null }),
    } as never);
    return { primary: primary.claude, second: second.claude, client, clock, hold, close };
  };

  it('is renewed before anybody else is asked, and the target stays in use', async () => {
    const { primary, second, client, close } = await withTokens();
    primary.script('bad-key');

    expect((await client.messages.create(request)).content).toEqual(whole);
    await client.messages.create(request);

    expect(primary.requests.map(({ key }) => key)).toEqual(['token-1', 'token-2', 'token-2']);
    expect(second.requests).toHaveLength(0);
    await close();
  });

  it('and is no good renewed either sends the call elsewhere, and later ones too', async () => {
    const { primary, second, client, close } = await withTokens();
    primary.always('bad-key');

    expect((await client.messages.create(request)).content).toEqual(whole);
    await client.messages.create(request);

    expect(primary.requests).toHaveLength(2);
    expect(second.requests).toHaveLength(2);
    await close();
  });

  it('is not renewed because another target refuses its own key: the call ends in what is wrong with it', async () => {
    const { primary, second, client, close } = await withTokens();
    primary.always('overloaded');
    second.always('bad-key');

    await expect(client.messages.create(request)).rejects.toMatchObject({ status: 529 });

    expect(new Set(primary.requests.map(({ key }) => key))).toEqual(new Set(['token-1']));
    expect(second.requests).toHaveLength(1);
    await close();
  });

  it('nor where the other target is the only one that was asked', async () => {
    const { primary, second, client, hold, close } = await withTokens({ route: 'weighted', random: () => 0.9 });
    second.always('bad-key');

    const error: unknown = await client.messages.create(request, callOptions({ attempts: 1 })).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ status: 503, errorCode: 'holdfast_no_target', details: { kind: 'auth' } });
    expect(hold.explain(error).ledger?.attempts).toMatchObject([{ target: 'second', status: 401 }]);
    expect([primary.requests.length, second.requests.length]).toEqual([0, 1]);
    await close();
  });

  it('does not lead to a cached answer before it was renewed', async () => {
    const { primary, client, close } = await withTokens({ targets: [], cache: { store: new Map() } });
    await client.messages.create(request);
    primary.script('bad-key');
    const label = async () => (await client.messages.create(request).withResponse()).response.headers.get('holdfast-degraded');

    expect(await label()).toBeNull();
    primary.always('bad-key');
    expect(await label()).toBe('cache');
    await close();
  });
});

describe('a target that is coming back', () => {
  it('is spared by calls that have somewhere else to go, and by no others', async () => {
    const { clock, primary, client, hold, close } = await twoTargets({
      random: () => 0.9,
      primary: { geo: 'us' },
      retry: false,
      breaker: { consecutiveFailures: 1, openMs: 1_000, successes: 1, rampMs: 60_000 },
    });
    primary.claude.script('overloaded');
    await clock.until(client.messages.create(request));
    await clock.advanceAsync(1_000);
    await clock.until(client.messages.create(request));
    const targets = async (options: Anthropic.RequestOptions): Promise<Set<string | undefined>> => {
      const seen = new Set<string | undefined>();
      for (let talk = 0; talk < 20; talk += 1) {
        const messages = [{ role: 'user' as const, content: `Conversation ${talk}` }];
        const message = await clock.until(client.messages.create({ ...request, messages }, options));
        seen.add(hold.attempts(message)?.attempts.at(-1)?.target);
      }
      return seen;
    };

    expect(await targets({})).toEqual(new Set(['second']));
    expect(await targets(callOptions({ fence: { geo: ['us'] } }))).toEqual(new Set(['primary']));
    await close();
  });
});

describe('the fence', () => {
  it('sends nothing outside, from options, from the call or from the request, in the middle of an answer either', async () => {
    for (const [options, more, body] of [
      [{ fence: { geo: ['us'] }, primary: { geo: 'us' } }, {}, {}],
      [{ primary: { geo: 'us' } }, callOptions({ fence: { geo: ['us'] } }), {}],
      [{ fence: { processor: ['google'] }, primary: { processor: 'google' } }, {}, {}],
      [{}, {}, { inference_geo: 'us' }],
    ] as const) {
      const { primary, other, client, events } = await pair('anthropic', options);
      primary.claude.always('server-error');
      primary.claude.script('cut-mid-stream');

      await client.messages
        .stream({ ...request, ...body } as typeof request, more)
        .finalMessage()
        .catch(() => {});
      await client.messages.create({ ...request, ...body } as typeof request, more).catch(() => {});

      expect(other.wire).toHaveLength(0);
      expect(events.some(({ type }) => type === 'fence-denied')).toBe(true);
    }
  });
});

describe('requests that cannot move', () => {
  it('stay, and the ledger’s events say why', async () => {
    for (const [body, why] of [
      [{ container: 'c1' }, 'containers'],
      [{ messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'f' } }] }] }, 'files'],
      [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'server tools'],
    ] as const) {
      const { primary, other, client, events } = await pair('foundry');
      primary.claude.always('server-error');

      await client.messages.create({ ...request, ...body } as never).catch(() => {});

      expect(other.wire).toHaveLength(0);
      expect(events).toContainEqual(expect.objectContaining({ type: 'target-ineligible', why: expect.stringContaining(why) }));
    }
  });

  it('a 404 for a model that only our mapping named is reported as a mistake in the configuration, with the first failure kept', async () => {
    const { primary, other, client, events } = await pair('anthropic', {});
    primary.claude.always('overloaded');
    other.claude.always('unknown-model');

    const error = await client.messages.create(request).catch((caught: unknown) => caught);

    expect(events).toContainEqual(expect.objectContaining({ type: 'target-misconfigured', target: 'second', status: 404 }));
    expect(error).toBeInstanceOf(Anthropic.OverloadedError);
  });
});
