// Makes one call and says in a few words what became of it.

import type Anthropic from '@anthropic-ai/sdk';
import { referenceAnswer, type Scenario } from '@holdfast/testing';

/** What a caller got. */
export interface Observed {
  readonly outcome:
    | 'whole answer'
    | 'half an answer, no error'
    | 'not a message'
    | 'tool call, truncated'
    | 'still waiting'
    | 'left'
    | `degraded: ${string}`
    | `error: ${string}`;
  readonly ms: number;
}

export const request: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-opus-5-5',
  max_tokens: 8192,
  messages: [{ role: 'user', content: 'Tell me about the harbour.' }],
};

/** Nobody watches a demo for longer. */
const usualPatienceMs = 4_000;

export async function observe(
  call: (signal: AbortSignal) => Promise<Observed['outcome']>,
  patienceMs: number = usualPatienceMs,
): Promise<Observed> {
  const startedAt = performance.now();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  const outcome = await call(patience.signal).catch((error: unknown) => errorName(error));
  clearTimeout(timer);
  return { outcome: patience.signal.aborted ? 'still waiting' : outcome, ms: performance.now() - startedAt };
}

const errorName = (error: unknown): Observed['outcome'] => {
  const { constructor, errorCode, type } = error as { constructor: { name: string }; errorCode?: string; type?: string };
  const ours = errorCode?.startsWith('holdfast_') ? errorCode : undefined;
  return `error: ${ours ?? (constructor.name === 'APIError' ? (type ?? 'APIError') : constructor.name)}`;
};

/** A call without streaming. */
export async function create(client: Anthropic, signal: AbortSignal): Promise<Observed['outcome']> {
  const { data, response } = await client.messages.create(request, { signal }).withResponse();
  if (typeof data === 'string' || data.type !== 'message') return 'not a message';
  const degraded = response.headers.get('holdfast-degraded');
  return degraded ? `degraded: ${degraded}` : 'whole answer';
}

/** A stream, read event by event as most servers do. */
export async function stream(client: Anthropic, signal: AbortSignal, scenario: Scenario = 'text'): Promise<Observed['outcome']> {
  const expected = referenceAnswer(scenario);
  let text = '';
  let json = '';
  for await (const event of await client.messages.create({ ...request, stream: true }, { signal })) {
    if (event.type !== 'content_block_delta') continue;
    if (event.delta.type === 'text_delta') text += event.delta.text;
    if (event.delta.type === 'input_json_delta') json += event.delta.partial_json;
  }
  const wanted = expected.content.map((block) => String(block['text'] ?? '')).join('');
  const wantedJson = expected.content.map((block) => (block['input'] === undefined ? '' : JSON.stringify(block['input']))).join('');
  if (text === wanted && json === wantedJson) return 'whole answer';
  return json === wantedJson ? 'half an answer, no error' : 'tool call, truncated';
}
