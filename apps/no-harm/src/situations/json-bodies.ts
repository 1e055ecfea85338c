// Whole answers as gateways write them, and answers in a form nobody asked for.

import type { Situation, Subject } from '../situation.ts';
import { eventReply, healthy, jsonReply, upstream, type Reply } from '../upstream.ts';
import { errorBody, events, message, words } from '../wire.ts';

const create = ['create'] as const;
const streams = ['stream', 'helper'] as const;
const { type: _, ...untyped } = message();

const bodies: Readonly<Record<string, unknown>> = {
  'as Anthropic writes them': message(),
  'no type': untyped,
  'an empty content': message('', { content: [] }),
  'content null': message('', { content: null }),
  'content a string': message('', { content: words }),
  'a BOM first': `\ufeff${JSON.stringify(message())}`,
  'stop reason null': message(words, { stop_reason: null }),
  'no usage': message(words, { usage: undefined }),
  'white space around it': `\n\n  ${JSON.stringify(message())}\n\n`,
  'pretty-printed': JSON.stringify(message(), null, 2),
  'an array around it': [message()],
  'another type': message(words, { type: 'completion' }),
  'wrapped in data': { code: 0, data: message() },
  'unknown fields and blocks': message(words, {
    more: { a: [1, null] },
    content: [
      { type: 'of_2027', x: 1 },
      { type: 'text', text: words },
    ],
  }),
  'a refusal': message('', {
    content: [],
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'cyber', explanation: null },
  }),
  'every escape': JSON.stringify(message('\u0000\u001f"\\/😀')).replaceAll('/', '\\/'),
  '2 MB of text': message('word '.repeat(400_000)),
  'deeply nested input': message(words, {
    content: [{ type: 'tool_use', id: 'toolu_1', name: 'x', input: nested(500) }],
    stop_reason: 'tool_use',
  }),
  'big numbers in tool input': JSON.stringify(
    message(words, { content: [{ type: 'tool_use', id: 'toolu_1', name: 'x', input: { n: 7 } }] }),
  ).replace('"n":7', '"n":12345678901234567890'),
  '__proto__ in tool input': JSON.stringify(
    message(words, { content: [{ type: 'tool_use', id: 'toolu_1', name: 'x', input: { n: 7 } }] }),
  ).replace('"n":7', '"__proto__":{"a":1}'),
};

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at += 1) value = { p: value };
  return value;
}

const envelope = (type: string): Reply => jsonReply(errorBody(type), 200);
const refusals = ['invalid_request_error', 'authentication_error', 'permission_error', 'billing_error', 'not_found_error'];

const whole = JSON.stringify(message());
const drip: Reply = {
  headers: { 'content-type': 'application/json' },
  framing: 'chunked',
  // 25 ms of ours are 2.5 s of Holdfast's: 250 s in all, longer than anything may be silent.
  steps: [...Array.from({ length: 100 }, () => ['\n', { pause: 25 }]).flat(), whole],
};
const slowLink: Reply = {
  headers: { 'content-type': 'application/json' },
  framing: 'length',
  steps: Array.from({ length: 60 }, (_, index) => [
    whole.slice((index * whole.length) / 60, ((index + 1) * whole.length) / 60),
    { pause: 40 },
  ]).flat(),
};

/** An error envelope under 200 is no answer: what the bare SDK hands on as one has no text. */
const under200 = (type: string, surfaces: Situation['surfaces'], asks: number): Situation => ({
  name: `${type} under 200`,
  ...(surfaces ? { surfaces } : {}),
  upstream: () => upstream(() => envelope(type)),
  rule: {
    right: null,
    asks,
    also: ({ failure }) =>
      failure && failure.type !== type
        ? `told as ${failure.type}`
        : failure && !failure.words.includes('of the upstream')
          ? `says ${failure.words}`
          : null,
  },
});

export const jsonBodies: Subject = {
  title: 'Bodies',
  situations: [
    ...Object.entries(bodies).map(([name, body]): Situation => ({
      name: `a message: ${name}`,
      surfaces: create,
      upstream: () => upstream(() => jsonReply(body)),
    })),
    { name: 'a message: chunked', surfaces: create, upstream: () => upstream(() => ({ ...jsonReply(message()), framing: 'chunked' })) },
    {
      name: 'a message: until the connection closes',
      surfaces: create,
      upstream: () => upstream(() => ({ ...jsonReply(message()), framing: 'close' })),
    },
    ...[
      'application/json; charset=utf-8',
      'Application/JSON',
      'text/plain',
      'text/json',
      'application/vnd.api+json',
      'application/octet-stream',
    ].map((type): Situation => ({
      name: `a message as ${type}`,
      surfaces: create,
      upstream: () => upstream(() => jsonReply(message(), 200, { 'content-type': type })),
    })),
    { name: 'a message of no content type', surfaces: create, upstream: () => upstream(() => ({ steps: [whole] })) },
    {
      name: 'a message in drops of white space, 250 s',
      surfaces: create,
      speed: 100,
      patienceMs: 9000,
      upstream: () => upstream(() => drip),
    },
    { name: 'a message over a slow link, 240 s', surfaces: create, speed: 100, patienceMs: 9000, upstream: () => upstream(() => slowLink) },
    {
      name: 'events where a message was asked for',
      surfaces: create,
      upstream: () => upstream(() => eventReply(events())),
      rule: { asks: 4 },
    },
    {
      name: 'a message where a stream was asked for',
      surfaces: streams,
      upstream: () => upstream(() => jsonReply(message())),
      rule: { right: words, asks: 4 },
    },
    ...refusals.flatMap((type) => [under200(type, undefined, 1)]),
    under200('overloaded_error', undefined, 4),
    under200('api_error', undefined, 4),
    {
      name: 'an error of OpenAI under 200',
      upstream: () => upstream(() => jsonReply({ error: { message: 'insufficient credits', code: 402 } })),
      rule: { right: null, asks: 4 },
    },
    {
      name: 'an HTML page under 200',
      upstream: () => upstream(() => ({ headers: { 'content-type': 'text/html' }, steps: ['<html>Sign in to the network</html>'] })),
      rule: { right: null, asks: 4 },
    },
    { name: 'nothing under 200', upstream: () => upstream(() => jsonReply('')), rule: { right: null, asks: 4 } },
    {
      name: 'a message that lies about its encoding',
      surfaces: create,
      upstream: () =>
        upstream((request) => ({ ...healthy(request), headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } })),
      rule: { asks: 4 },
    },
  ],
};
