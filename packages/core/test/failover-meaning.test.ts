// What a request means stays the same elsewhere: the version it is written in, its instructions, its open tool turns.

import Anthropic from '@anthropic-ai/sdk';
import { fakeClaude, type FakeClaude } from '@holdfast/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { holdfast, type HoldfastOptions, type Target } from '../src/index.ts';
import { platform, platformNames, type Platform } from './platforms.ts';
import { request } from './world.ts';

const open: { close(): unknown }[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

async function fake(): Promise<FakeClaude> {
  const claude = await fakeClaude({ size: 0.1 });
  open.push(claude);
  return claude;
}

/** A first target that is overloaded, and whatever `options` add. */
async function overloaded(options: HoldfastOptions) {
  const first = await fake();
  first.always('overloaded');
  const hold = holdfast({ random: () => 0, retry: { baseMs: 0, throttledBaseMs: 0 }, ...options });
  open.push(hold);
  const client = new Anthropic({ baseURL: first.url, apiKey: 'a', middleware: [hold] });
  return { first, client, hold };
}

const clientOf = (claude: FakeClaude): Anthropic => new Anthropic({ baseURL: claude.url, apiKey: 'b' });

describe('the version of the API', () => {
  const old = { headers: { 'anthropic-version': '2023-06-01' } };
  const sampled = { ...request, model: 'claude-haiku-4-5', temperature: 0 };

  it.each(platformNames)('that the caller chose comes along with its fields to %s, in its own words', async (name) => {
    const other: Platform = await platform(name);
    open.push(other);
    const { client } = await overloaded({ targets: [{ name: 'other', client: other.client as Target['client'] }] });

    await client.messages.create(sampled, old);

    const sent = other.wire[0] as Platform['wire'][number];
    const body = JSON.parse(sent.body) as Record<string, unknown>;
    const words = { bedrock: 'bedrock-2023-05-31', vertex: 'vertex-2023-10-16' } as Partial<Record<typeof name, string>>;
    expect(body['temperature']).toBe(0);
    expect(sent.headers['anthropic-version'] ?? body['anthropic_version']).toBe(words[name] ?? '2023-06-01');
  });

  it('that nobody chose is the target client’s own', async () => {
    const other = await fake();
    const configured = new Anthropic({ baseURL: other.url, apiKey: 'b', defaultHeaders: { 'anthropic-version': '2023-06-01' } });
    const { client } = await overloaded({ targets: [{ name: 'other', client: configured }] });

    await client.messages.create(request);

    expect(other.requests.map(({ headers }) => headers['anthropic-version'])).toEqual(['2023-06-01']);
  });
});

describe('instructions within the conversation', () => {
  const messages: Anthropic.MessageParam[] = [
    { role: 'user', content: 'Hi' },
    { role: 'system', content: 'Answer in French from here on.' },
  ];

  it('reach a fallback model that refuses them where they stand', async () => {
    const { first, client, hold } = await overloaded({ fallbacks: ['claude-haiku-4-5'], retry: { attempts: 1 } });
    first.always(null);
    first.script('overloaded');

    const message = await client.messages.create({ ...request, system: 'Be kind.', messages });

    expect(hold.attempts(message)?.attempts.map(({ model }) => model)).toEqual([request.model, 'claude-haiku-4-5']);
    expect(first.requests.at(-1)?.body).toMatchObject({
      messages: [{ role: 'user', content: 'Hi' }],
      system: [
        { type: 'text', text: 'Be kind.' },
        { type: 'text', text: 'Answer in French from here on.' },
      ],
    });
  });

  it('stay where they stand for another account that takes them', async () => {
    const other = await fake();
    const { client } = await overloaded({ targets: [{ name: 'other', client: clientOf(other) }] });

    await client.messages.create({ ...request, messages });

    expect(other.requests.map(({ body }) => body?.['messages'])).toEqual([messages]);
  });
});

describe('an open tool turn with thinking', () => {
  const turn: Anthropic.MessageParam[] = [
    { role: 'user', content: 'List the files' },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'sig-1-AAAA' },
        { type: 'tool_use', id: 'toolu_1', name: 'bash', input: { command: 'ls' } },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'a b c' }] },
  ];

  it.each([
    ['ends with the result', turn],
    ['ends with an instruction', [...turn, { role: 'system', content: 'The tools did not change.' }]],
  ] as [string, Anthropic.MessageParam[]][])('that %s is asked of nobody else', async (_, messages) => {
    const other = await fake();
    const { first, client } = await overloaded({ targets: [{ name: 'other', client: clientOf(other) }], retry: { attempts: 2 } });

    const error = await client.messages.create({ ...request, messages }).catch((caught: unknown) => caught);

    expect(error).toBeInstanceOf(Anthropic.OverloadedError);
    expect([first.requests.length, other.requests.length]).toEqual([2, 0]);
  });
});
