// Requests that make no sense, through the real SDK: the upstream's refusal reaches the caller, and never an error of our own making.

import Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { expect } from 'vitest';
import { callOptions, holdfast } from '../src/index.ts';
import { holds } from '../src/stream/testing/holds.ts';
import { request } from './world.ts';

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    null,
    [null],
    {},
    [{}],
    [{ role: 'assistant', content: [null] }],
    [{ role: 'user', content: [{ type: 'document', citations: null, source: null }] }],
    [{ type: null }],
  ),
);
const members = [
  'messages',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
  'stop_sequences',
  'context_management',
  'metadata',
  'speed',
  'max_tokens',
  'betas',
  'cache_control',
  'fallbacks',
  'inference_geo',
  'container',
  'mcp_servers',
];
const bodies = fc.dictionary(fc.constantFrom(...members), odd, { maxKeys: 3 });

const refusal = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
const unhappy: typeof globalThis.fetch = async () =>
  new Response(refusal, { status: 529, headers: { 'content-type': 'application/json' } });

/** What a call ends in; by name where the error is the SDK's. */
async function endOf(client: Anthropic, body: Record<string, unknown>, stream: boolean): Promise<string> {
  try {
    const sent = { ...request, ...body } as never;
    await (stream
      ? client.messages.stream(sent, callOptions({ tenant: 'acme' })).finalMessage()
      : client.messages.create(sent, callOptions({ tenant: 'acme' })));
    return 'answered';
  } catch (error) {
    return error instanceof Anthropic.APIError ? 'APIError' : String(error);
  }
}

holds(
  'a body of any form ends as it would without Holdfast, fallbacks, targets and cache included',
  fc.asyncProperty(bodies, fc.boolean(), async (body, stream) => {
    const common = { baseURL: 'http://fake.invalid', apiKey: 'sk-ant-api-test', fetch: unhappy, logLevel: 'off' as const, maxRetries: 0 };
    const hold = holdfast({
      random: () => 0,
      retry: { baseMs: 0, throttledBaseMs: 0, attempts: 2 },
      breaker: false,
      budget: false,
      primary: { geo: 'us' },
      targets: [{ name: 'other', client: new Anthropic(common), geo: 'us' }],
      fence: { geo: ['us'] },
      fallbacks: ['claude-haiku-4-5'],
      cache: { store: new Map() },
    });
    const bare = await endOf(new Anthropic(common), body, stream);
    const held = await endOf(new Anthropic({ ...common, middleware: [hold] }), body, stream);

    expect(held).toBe(bare);
  }),
  100,
);
