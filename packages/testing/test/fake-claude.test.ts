// The fake Claude, seen from outside: the real SDK over real sockets, and the command line.

import Anthropic from '@anthropic-ai/sdk';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  fakeClaude,
  faults,
  misbehaviours,
  referenceAnswer,
  ruleBreach,
  scenarioNames,
  seededRandom,
  VirtualClock,
  type FakeClaude,
  type Fault,
  type FaultLike,
  type FaultName,
  type Only,
  type Scenario,
} from '../src/index.ts';

const body = { model: 'claude-opus-5-5', max_tokens: 8192, messages: [{ role: 'user' as const, content: 'hi' }] };
let claude: FakeClaude;
let client: Anthropic;
beforeEach(async () => {
  claude = await fakeClaude({ size: 0.3 });
  client = new Anthropic({ baseURL: claude.url, apiKey: 'sk-test', maxRetries: 0 });
});
afterEach(() => claude.close());

describe('answers', () => {
  it.each(scenarioNames)('%s: the same streamed, whole, and in process', async (scenario) => {
    claude.answer(scenario);
    const inProcess = new Anthropic({ baseURL: claude.url, fetch: claude.fetch, apiKey: 'sk-test', maxRetries: 0 });
    const reference = referenceAnswer(scenario, 1, 0.3);

    const answers = [
      await client.messages.create(body, { timeout: 1e6 }),
      await client.messages.stream(body).finalMessage(),
      await inProcess.messages.stream(body).finalMessage(),
    ];

    for (const { content, stop_reason } of answers)
      expect({ content, stop_reason }).toEqual({ content: reference.content, stop_reason: reference.stopReason });
  });

  it('are different for every seed and the same for the same one', () => {
    expect(referenceAnswer('text', 1)).toEqual(referenceAnswer('text', 1));
    expect(referenceAnswer('text', 1)).not.toEqual(referenceAnswer('text', 2));
  });

  it('stop at max_tokens', async () => {
    const message = await client.messages.create({ ...body, max_tokens: 5 });

    expect(message).toMatchObject({ stop_reason: 'max_tokens', content: [{ text: expect.stringMatching(/^.{20}$/s) as string }] });
  });

  it('count tokens and list models', async () => {
    expect((await client.messages.countTokens({ model: body.model, messages: body.messages })).input_tokens).toBeGreaterThan(0);
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('claude-opus-5-5');
  });
});

describe('faults', () => {
  const refusals = (Object.keys(faults) as FaultName[]).filter((name) => 'status' in faults[name]);
  it.each(refusals)('%s has its status, code and headers', async (name) => {
    claude.script(name);
    const { status, errorCode, headers } = faults[name] as { status?: number; errorCode?: string; headers?: Record<string, string> };

    const error = (await client.messages.create(body).catch((caught: unknown) => caught)) as InstanceType<typeof Anthropic.APIError>;

    expect(error.status).toBe(status);
    if (errorCode) expect(error.errorCode).toBe(errorCode);
    for (const [header, value] of Object.entries(headers ?? {})) expect(error.headers?.get(header)).toBe(value);
  });

  const streaming: FaultName[] = ['reset', 'reset-in-headers', 'error-first', 'overload-mid-stream', 'cut-mid-stream', 'silent-end'];
  it.each(streaming)('%s breaks a stream before its end', async (name) => {
    claude.script(name);

    await expect(client.messages.stream(body).finalMessage()).rejects.toThrow();
    expect(claude.requests[0]?.fault).toEqual(faults[name]);
  });

  it('come one per request, then never again', async () => {
    claude.script('overloaded', null);
    await client.messages.create(body).catch(() => {});
    await client.messages.create(body);
    await client.messages.create(body);

    expect(claude.requests.map(({ status }) => status)).toEqual([529, 200, 200]);
  });

  it('come at random as a seed says', async () => {
    const statuses = async (): Promise<(number | null)[]> => {
      claude.reset();
      claude.random({ seed: 5, rate: 0.5, faults: ['overloaded', 'server-error'] });
      for (let call = 0; call < 20; call += 1) await client.messages.create(body).catch(() => {});
      return claude.requests.map(({ status }) => status);
    };

    expect(await statuses()).toEqual(await statuses());
    expect(new Set(await statuses())).toEqual(new Set([200, 500, 529]));
  });

  it('of an unknown name are a mistake with the known names', () => {
    expect(() => claude.always('nonsense' as FaultName)).toThrow('known: overloaded');
    expect(() => claude.script('reset', 'nonsense' as FaultName)).toThrow('known: overloaded');
    expect(() => claude.random({ seed: 1, rate: 1, faults: ['nonsense' as FaultName] })).toThrow('known: overloaded');
    expect(() => claude.always({ stauts: 500 } as Fault)).toThrow('a fault has no "stauts"; known: status');
    expect(() => claude.answer('nonsense' as Scenario)).toThrow('known: text');
    expect(() => claude.misbehave('nonsense' as 'restart')).toThrow('known: repeat-further-back');
  });

  it('of an unknown name in a URL are answered with the known names', async () => {
    const reply = await fetch(`${claude.url}/v1/messages?fault=nonsense`, { method: 'POST', body: JSON.stringify(body) });

    expect(reply.status).toBe(400);
    expect(await reply.text()).toContain('known: overloaded');
  });
});

describe('faults of some requests only', () => {
  const countTokens = (): Promise<number | string> =>
    client.messages.countTokens({ model: body.model, messages: body.messages }).then(
      ({ input_tokens }) => input_tokens,
      (error: unknown) => (error as { status?: number }).status ?? (error as Error).constructor.name,
    );
  const ask = (model: string, key = 'sk-test'): Promise<number> =>
    client.messages.create({ ...body, model }, { headers: { authorization: `Bearer ${key}` } }).then(
      () => 200,
      (error: unknown) => (error as { status: number }).status,
    );

  it.each<[FaultLike, string | number]>([
    ['server-error', 500],
    ['rate-limited', 429],
    ['bad-gateway', 502],
    ['reset', 'APIConnectionError'],
    ['truncated', 'SyntaxError'],
    [{ cut: { how: 'reset' } }, 'TypeError'],
  ])('counting tokens meets %j, and messages do not', async (fault, outcome) => {
    claude.only({ path: '/v1/messages/count_tokens' }).always(fault);

    expect(await countTokens()).toBe(outcome);
    expect(await ask('claude-opus-5-5')).toBe(200);
  });

  it('an HTML page, nothing and an error under 200 come on every path', async () => {
    for (const fault of ['html-page', 'empty-body', 'error-in-ok'] as const) {
      claude.only({ path: '/v1/*' }).always(fault);
      const [models, count] = await Promise.all([
        fetch(`${claude.url}/v1/models`).then((reply) => reply.text()),
        fetch(`${claude.url}/v1/messages/count_tokens`, { method: 'POST', body: JSON.stringify(body) }).then((reply) => reply.text()),
      ]);

      expect(models).toBe(count);
      expect(models).not.toContain('input_tokens');
    }
  });

  it('one model fails, one key is refused, the others are well', async () => {
    claude.only({ model: 'claude-opus-5-5' }).script('overloaded');
    claude.only({ key: 'sk-wrong' }).always('bad-key');

    expect([await ask('claude-haiku-5-5'), await ask('claude-opus-5-5'), await ask('claude-opus-5-5')]).toEqual([200, 529, 200]);
    expect([await ask('claude-haiku-5-5', 'sk-wrong'), await ask('claude-haiku-5-5')]).toEqual([401, 200]);
  });

  it('come before those of all requests, may keep requests healthy, and end with null', async () => {
    claude.always('server-error');
    claude.only({ path: '/v1/messages/count_tokens' }).always({});
    expect([await ask(body.model), await countTokens()]).toEqual([500, expect.any(Number)]);

    claude.only({ path: '/v1/messages/count_tokens' }).always(null);
    expect(await countTokens()).toBe(500);
  });

  it('a selection by something unknown is a mistake', () => {
    expect(() => claude.only({ pth: '/' } as Only)).toThrow('known: path, model, key, stream');
  });
});

describe('rules', () => {
  const rows: [string, unknown, string][] = [
    ['no messages', { ...body, messages: [] }, 'at least one message'],
    ['a first turn of the assistant', { ...body, messages: [{ role: 'assistant', content: 'x' }] }, 'first message'],
    ['prefill on a new model', { ...body, messages: [...body.messages, { role: 'assistant', content: 'x' }] }, 'prefill'],
    [
      'prefill with trailing space',
      { ...body, model: 'claude-opus-4-5', messages: [...body.messages, { role: 'assistant', content: 'x ' }] },
      'trailing whitespace',
    ],
    [
      'prefill while thinking',
      {
        ...body,
        model: 'claude-opus-4-5',
        thinking: { type: 'enabled', budget_tokens: 1024 },
        messages: [...body.messages, { role: 'assistant', content: 'x' }],
      },
      'thinking',
    ],
    [
      'an unanswered tool call',
      {
        ...body,
        messages: [
          ...body.messages,
          { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'n', input: {} }] },
          { role: 'user', content: 'x' },
        ],
      },
      'tool_result',
    ],
    [
      'a stray tool result',
      { ...body, messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'x' }] }] },
      'tool_use',
    ],
    [
      'unsigned thinking',
      {
        ...body,
        messages: [
          ...body.messages,
          { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: '' }] },
          { role: 'user', content: 'x' },
        ],
      },
      'signature',
    ],
    ['sampling parameters', { ...body, temperature: 1 }, 'temperature'],
    ['no max_tokens', { ...body, max_tokens: 0 }, 'max_tokens'],
  ];
  it.each(rows)('%s is refused', (_, request, words) => {
    expect(ruleBreach(request)).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      message: expect.stringContaining(words) as string,
    });
  });

  it('sampling parameters belong to the version of the API before', () => {
    expect(ruleBreach({ ...body, temperature: 1 }, '2023-06-01')).toBeNull();
    expect(ruleBreach({ ...body, temperature: 1 }, 'bedrock-2023-05-31')).toBeNull();
  });

  it.each([
    ['claude-opus-4-8', true],
    ['claude-opus-4-7', false],
    ['claude-fable-5', true],
    ['claude-sonnet-5', false],
    ['claude-haiku-4-5-20251001', false],
    ['claude-sonnet-5-5', true],
  ])('%s takes instructions within the conversation: %s', (model, takes) => {
    const messages = [...body.messages, { role: 'system', content: 'Be brief.' }];

    expect(ruleBreach({ ...body, model, messages })).toEqual(
      takes ? null : expect.objectContaining({ message: expect.stringContaining("'system'") }),
    );
    expect(ruleBreach({ ...body, model, messages: messages.toReversed() })?.status).toBe(400);
  });

  it('prefill on an old model goes on where it ended', async () => {
    const whole = String(referenceAnswer('text', 1, 0.3).content[0]?.['text']);
    const message = await client.messages.create({
      ...body,
      model: 'claude-opus-4-5',
      messages: [...body.messages, { role: 'assistant', content: whole.slice(0, 50) }],
    });

    expect(message.content).toEqual([{ type: 'text', text: whole.slice(50) }]);
    expect(claude.requests[0]?.continues).toBe('prefill');
  });

  it('there is a way to misbehave for everything that models do', () => {
    expect(misbehaviours).toHaveLength(9);
  });
});

describe('the command', () => {
  it('serves, and is switched over HTTP', async () => {
    // Node.js before 22.18 takes types away only when it is told to.
    const stripTypes = process.features.typescript ? [] : ['--experimental-strip-types'];
    const command = join(import.meta.dirname, '../src/cli.ts');
    const child = spawn(process.execPath, [...stripTypes, command, '--port', '0', '--fault', 'overloaded']);
    const [hello] = (await once(child.stdout, 'data')) as [Buffer];
    const url = /http:\/\/[\d.:]+/.exec(String(hello))?.[0] ?? '';
    const order = (orders: object): Promise<Response> => fetch(`${url}/_fake/control`, { method: 'POST', body: JSON.stringify(orders) });
    const ask = async (): Promise<number> => (await fetch(`${url}/v1/messages`, { method: 'POST', body: JSON.stringify(body) })).status;

    expect(await ask()).toBe(529);
    await order({ always: null, script: ['server-error'] });
    expect([await ask(), await ask()]).toEqual([500, 200]);
    await order({ only: { model: 'other' }, always: 'server-error' });
    expect(await ask()).toBe(200);
    expect((await order({ always: 'nonsense' })).status).toBe(400);
    expect(await (await order({ alwas: 'overloaded' })).text()).toContain('known: only, always');
    expect(((await (await fetch(`${url}/_fake/requests`)).json()) as unknown[]).length).toBe(4);
    const { port } = new URL(url);
    expect(await failure('--port', port)).toBe(`fake-claude: port ${port} is in use; choose another with --port\n`);
    expect(await failure('--fault', 'nonsense')).toMatch(/^fake-claude: no fault is called "nonsense"; known: .*\n$/);
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);

    async function failure(...options: string[]): Promise<string> {
      const failing = spawn(process.execPath, [...stripTypes, command, ...options]);
      let text = '';
      failing.stderr.on('data', (data) => (text += String(data)));
      await once(failing, 'close');
      return text;
    }
  });
});

describe('time and chance', () => {
  it('a virtual clock runs timers in order, each at its time, and cancels', async () => {
    const clock = new VirtualClock(0);
    const seen: string[] = [];
    clock.after(20, () => seen.push(`b${clock.now()}`));
    clock.after(10, () => clock.after(5, () => seen.push(`a${clock.now()}`)));
    clock.after(15, () => seen.push('never'))();
    await clock.advanceAsync(30);

    expect([seen, clock.now(), clock.pending]).toEqual([['a15', 'b20'], 30, 0]);
    await expect(clock.until(new Promise(() => {}))).rejects.toThrow('nothing left to wait for');
  });

  it('seeded randomness repeats itself and is spread', () => {
    const [a, b] = [seededRandom(9), seededRandom(9)];
    const numbers = Array.from({ length: 1000 }, a);
    expect(numbers).toEqual(Array.from({ length: 1000 }, b));
    expect(numbers.reduce((sum, number) => sum + number, 0) / 1000).toBeCloseTo(0.5, 1);
  });
});

it('refuses bodies of more than 32 MB, as the edge of the API does', async () => {
  const claude = await fakeClaude();
  const ask = (characters: number) =>
    claude.fetch(`${claude.url}/v1/messages`, {
      method: 'POST',
      body: JSON.stringify({ model: 'claude-opus-5-5', max_tokens: 1, messages: [{ role: 'user', content: 'x'.repeat(characters) }] }),
    });
  const refused = await ask(32 * 1024 * 1024);

  expect(refused.status).toBe(413);
  expect(await refused.json()).toMatchObject({ error: { type: 'request_too_large' } });
  expect((await ask(32 * 1024 * 1024 - 200)).status).toBe(200);
  await claude.close();
});
