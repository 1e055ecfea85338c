// Refusals are the SDK's business: its middleware asks the next model, and Holdfast looks after every one of its requests.

import Anthropic from '@anthropic-ai/sdk';
import { betaRefusalFallbackMiddleware } from '@anthropic-ai/sdk/lib/middleware';
import { fakeClaude, referenceAnswer } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { holdfast, type HoldfastOptions } from '../src/index.ts';
import { request } from './world.ts';

const whole = referenceAnswer('text').content;
const other = 'claude-opus-4-8';

/** The model of `request` refuses; the other one answers. */
async function refusing(options: HoldfastOptions = {}) {
  const claude = await fakeClaude();
  const hold = holdfast({ random: () => 0, retry: { baseMs: 0, throttledBaseMs: 0 }, fallbacks: ['claude-haiku-5-5'], ...options });
  const fetch: typeof globalThis.fetch = async (url, init) => {
    const { model } = JSON.parse(String(init?.body)) as { model: string };
    claude.answer(model === other ? 'text' : 'refusal');
    const response = await claude.fetch(url, init);
    if (!response.ok || model === other) return response;
    const details = '"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","fallback_credit_token":"credit-1"}';
    return new Response((await response.text()).replace('"stop_reason":"refusal"', details), { headers: response.headers });
  };
  const client = new Anthropic({
    baseURL: claude.url,
    apiKey: 'sk-ant-api-test',
    fetch,
    middleware: [betaRefusalFallbackMiddleware([{ model: other }]), hold],
    logLevel: 'off',
  });
  return { claude, client, hold, models: () => claude.requests.map(({ model }) => model) };
}

const textOf = ({ content }: { content: readonly unknown[] }): unknown[] =>
  content.filter((block) => (block as { type: string }).type === 'text');

describe('a refusal', () => {
  it('is handed on by Holdfast as the answer it is', async () => {
    const { client, hold, models, claude } = await refusing();

    const { data, response } = await client.messages.create(request).withResponse();

    expect(data.stop_reason).toBe('refusal');
    expect(response.headers.get('holdfast-degraded')).toBeNull();
    expect(hold.attempts(data)?.attempts.map(({ result }) => result)).toEqual(['success']);
    expect(models()).toEqual([request.model]);
    await claude.close();
  });

  it.each(['create', 'stream'] as const)('leads to the SDK’s next model, whose request is protected too (%s)', async (mode) => {
    const { client, models, claude } = await refusing();
    claude.script(null, 'overloaded');

    const message =
      mode === 'create' ? await client.beta.messages.create(request) : await client.beta.messages.stream(request).finalMessage();

    expect(textOf(message).at(-1)).toEqual(whole[0]);
    expect(models()).toEqual([request.model, other, other]);
    await claude.close();
  });

  it('and the stream of the next model heals within the stream', async () => {
    const { client, models, claude } = await refusing();
    claude.script(null, 'cut-mid-stream');

    const message = await client.beta.messages.stream(request).finalMessage();

    expect(textOf(message).at(-1)).toEqual(whole[0]);
    expect(models()).toEqual([request.model, other, other]);
    await claude.close();
  });
});
