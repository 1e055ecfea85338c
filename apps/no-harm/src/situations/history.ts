// Requests as callers write them: what arrives at the upstream is what the bare SDK sends.

import type { Situation, Subject } from '../situation.ts';
import { ask } from '../observe.ts';
import { healthy, jsonReply, turnsOf, typesOf, upstream, type Seen } from '../upstream.ts';
import { errorBody, message } from '../wire.ts';

type Json = Record<string, unknown>;

const turns = (content: unknown): Json => ({
  messages: [
    { role: 'user', content: 'Weather in Oslo?' },
    { role: 'assistant', content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'rain' }] },
  ],
});

const call = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } };

const bodies: Readonly<Record<string, Json>> = {
  'thinking with an empty signature': turns([{ type: 'thinking', thinking: 'I must call the tool.', signature: '' }, call]),
  'thinking without a signature': turns([{ type: 'thinking', thinking: 'I must call the tool.' }, call]),
  'thinking with a signature of somebody else': turns([{ type: 'thinking', thinking: 'x', signature: 'made up' }, call]),
  'a turn of nothing but unsigned thinking': {
    messages: [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: '' }] },
      { role: 'user', content: 'go on' },
    ],
  },
  'redacted thinking': turns([{ type: 'redacted_thinking', data: '' }, call]),
  'a system message in the middle': {
    messages: [
      { role: 'user', content: 'x' },
      { role: 'system', content: 'Answer in French.' },
    ],
  },
  'an assistant turn last': {
    messages: [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: 'I see ' },
    ],
  },
  'an empty conversation': { messages: [] },
  'an empty text': { messages: [{ role: 'user', content: '' }] },
  'max_tokens 1': { max_tokens: 1 },
  'max_tokens 0': { max_tokens: 0 },
  'a model of 2027': { model: 'claude-of-2027' },
  'unknown fields': { some_field_of_2027: { deep: [1, null, { x: true }] }, service_tier: 'auto', container: 'c1' },
  'temperature and stop sequences': { temperature: 0, stop_sequences: ['END'], metadata: { user_id: 'u' }, top_k: 3 },
  'server tools': { tools: [{ type: 'web_search_20250305', name: 'web_search' }], tool_choice: { type: 'any' } },
  'cache marks': { system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }] },
  'lone surrogates': { messages: [{ role: 'user', content: 'a\ud83d b\udc00' }] },
  'a big prompt': { messages: [{ role: 'user', content: 'word '.repeat(200_000) }] },
  'input nested 300 deep': turns([{ ...call, input: nested(300) }]),
};

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at += 1) value = { p: value };
  return value;
}

/** Says what it was sent: body, and the headers that mean something. */
const echo = () =>
  upstream((seen) => {
    const said = JSON.stringify([seen.body, versionsOf(seen)]);
    return seen.streams ? healthy(seen, said.slice(0, 4000)) : jsonReply(message(said));
  });

const versionsOf = ({ headers, path }: Seen): Json => ({
  path,
  version: headers['anthropic-version'],
  beta: headers['anthropic-beta'],
  key: headers['x-api-key'] ?? headers['authorization'],
  own: headers['x-own'],
});

const open = (type: string, text: string) => jsonReply(errorBody(type, text), 400);

export const histories: Subject = {
  title: 'What callers wrote',
  situations: [
    ...Object.entries(bodies).map(([name, body]): Situation => ({ name, upstream: echo, body, rule: { asks: 1 } })),
    {
      name: 'a gateway that wants its unsigned thinking back',
      body: { model: 'deepseek-v4-pro', ...bodies['thinking with an empty signature'] },
      upstream: () =>
        upstream((seen) => {
          const turn = turnsOf(seen).find(({ role }) => role === 'assistant');
          return typesOf(turn?.content).includes('thinking')
            ? healthy(seen)
            : open('invalid_request_error', 'thinking must be passed back');
        }),
    },
    {
      name: 'betas, a version and headers of the caller',
      upstream: echo,
      call: (world) =>
        ask({
          ...world,
          client: world.client.withOptions({
            defaultHeaders: { 'anthropic-beta': 'a-2027,b-2027', 'anthropic-version': '2023-01-01', 'x-own': '1' },
          }),
        }),
    },
    {
      name: 'the beta surface',
      surfaces: ['create'],
      upstream: echo,
      call: ({ client, signal }) =>
        client.beta.messages.create(
          {
            model: 'claude-opus-5-5',
            max_tokens: 10,
            messages: [{ role: 'user', content: 'x' }],
            betas: ['context-management-2025-06-27'],
          },
          { signal },
        ),
    },
  ],
};
