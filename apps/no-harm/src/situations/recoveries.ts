// What Holdfast promises beyond the bare SDK: answers that heal together, from a checkpoint, or elsewhere.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import type { Observed, Situation, Subject } from '../situation.ts';
import { ask, request } from '../observe.ts';
import {
  cut,
  eventReply,
  healthy,
  jsonReply,
  reset,
  turnsOf,
  typesOf,
  upstream,
  type Answerer,
  type Reply,
  type Upstream,
} from '../upstream.ts';
import { errorBody, events, message, words } from '../wire.ts';

const soon = { 'retry-after-ms': '20' };
const surfaces = ['create', 'stream'] as const;

async function second(closes: (() => unknown)[], answer?: Answerer): Promise<Upstream> {
  const server = await upstream(answer);
  closes.push(() => server.close());
  return server;
}

const withSecond =
  (answer?: Answerer): NonNullable<Situation['hold']> =>
  async ({ closes }) => ({
    targets: [{ name: 'second', client: new Anthropic({ baseURL: (await second(closes, answer)).url, apiKey: 'k2', logLevel: 'off' }) }],
  });

/** The first target cannot; the second can. */
const elsewhere = (name: string, reply: Reply, more: Partial<Situation> = {}): Situation => ({
  name: `a second target answers: ${name}`,
  surfaces,
  upstream: () => upstream(() => reply),
  hold: withSecond(),
  ...more,
  rule: { right: words, promised: true, ...more.rule },
});

/** `count` streams at once whose connections all end at the same moment. */
function cutTogether(count: number): Situation {
  return {
    name: `${count} streams cut at the same moment`,
    surfaces: ['stream'],
    patienceMs: 15_000,
    upstream: () => {
      let first = 0;
      return upstream((seen) => {
        if (first >= count) return healthy(seen);
        first += 1;
        return eventReply([...events().slice(0, 6), { pause: 300 }, cut]);
      });
    },
    call: async (world) => {
      const answers = await Promise.allSettled(Array.from({ length: count }, () => ask(world)));
      const whole = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.text === words && answer.value.whole).length;
      const failed = answers.find((answer) => answer.status === 'rejected');
      if (whole < count && failed) throw failed.reason;
      return message(`${whole} whole`);
    },
    rule: { right: `${count} whole`, promised: true, asks: count * 3 },
  };
}

/** A process leaves `count` answers behind; another finishes them. */
const leftBehind = (count: number): Observed => ({
  name: `${count} answers finished by another process`,
  surfaces: ['stream'],
  observe: async (side, _surface, closes) => {
    if (side === 'bare') return { outcome: 'failed', failure: null };
    const store = new Map<string, string>();
    let dead = false;
    const server = await second(closes, (seen) => (dead ? healthy(seen) : eventReply([...events().slice(0, 6), { pause: 20 }, cut])));
    const clientOf = (hold: ReturnType<typeof holdfast>) =>
      new Anthropic({ baseURL: server.url, apiKey: 'k', middleware: [hold], logLevel: 'off' });
    const before = holdfast({ streams: { checkpoints: store as never, resumes: 0 } });
    await Promise.allSettled(
      Array.from({ length: count }, (_, index) =>
        clientOf(before)
          .messages.stream(request, { holdfast: { requestId: `job-${index}` } } as never)
          .finalMessage(),
      ),
    );
    dead = true;
    const after = holdfast({ streams: { checkpoints: store as never } });
    closes.push(
      () => before.close(),
      () => after.close(),
    );
    const client = clientOf(after);
    for (let index = 0; index < count; index += 1) {
      const stream = await after.resume(`job-${index}`, { client });
      const [block] = (await stream?.finalMessage())?.content ?? [];
      const text = block?.type === 'text' ? block.text : '';
      if (text !== words) throw new Error(`answer ${index}: ${text}`);
    }
    const whole = message('all');
    return {
      outcome: 'answered',
      answer: { text: 'all', tools: [], content: JSON.stringify(whole), stopReason: 'end_turn', usage: '', whole: true },
    };
  },
  rule: { promised: true, right: 'all' },
});

const open = [
  { role: 'user', content: 'list the files' },
  {
    role: 'assistant',
    content: [
      { type: 'thinking', thinking: 'hm', signature: 'sig-1-AAAA' },
      { type: 'tool_use', id: 'toolu_1', name: 'bash', input: { command: 'ls' } },
    ],
  },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'a b c' }] },
];

/** A second target that knows temperature only in the caller's version, as the API does. */
const byVersion: Answerer = (seen) =>
  seen.body && 'temperature' in seen.body && seen.headers['anthropic-version'] !== '2023-06-01'
    ? jsonReply(errorBody('invalid_request_error', 'temperature: Extra inputs are not permitted'), 400)
    : healthy(seen);

const thinkingLost: Answerer = (seen) => {
  const types = typesOf(turnsOf(seen)[1]?.content);
  return types.includes('thinking')
    ? healthy(seen)
    : jsonReply(errorBody('invalid_request_error', 'an open tool turn must bring its thinking'), 400);
};

/** Nothing in it is said twice, so that the model knows where it was. */
const long = Array.from({ length: 30 }, (_, index) => `word ${index} `).join('') + words;

export const recoveries: Subject = {
  title: 'What is promised beyond the SDK',
  situations: [
    cutTogether(10),
    cutTogether(40),
    cutTogether(100),
    leftBehind(10),
    elsewhere('529', jsonReply(errorBody('overloaded_error'), 529, soon)),
    elsewhere('500', jsonReply(errorBody('api_error'), 500, soon)),
    elsewhere('401', jsonReply(errorBody('authentication_error'), 401), { rule: { asks: 2 } }),
    elsewhere('402', jsonReply(errorBody('billing_error'), 402)),
    elsewhere(
      'a spend limit',
      jsonReply(errorBody('rate_limit_error', 'x', { details: { error_code: 'enforced_spend_limit_reached' } }), 429),
    ),
    elsewhere(
      '400: credit balance is too low',
      jsonReply(errorBody('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'), 400),
    ),
    elsewhere('429 for a minute', jsonReply(errorBody('rate_limit_error'), 429, { 'retry-after': '60' })),
    elsewhere('a reset', { headless: true, steps: [reset] }),
    elsewhere('404 of the model', jsonReply(errorBody('not_found_error', 'model: claude-opus-5-5'), 404)),
    elsewhere('the caller speaks an older version', jsonReply(errorBody('overloaded_error'), 529, soon), {
      hold: withSecond(byVersion),
      body: { temperature: 0 },
      sdk: { defaultHeaders: { 'anthropic-version': '2023-06-01' } },
    }),
    {
      name: 'an open tool turn does not lose its thinking on the way',
      surfaces,
      upstream: () => upstream(() => jsonReply(errorBody('overloaded_error'), 529, soon)),
      hold: withSecond(thinkingLost),
      body: { messages: open, tools: [{ name: 'bash', input_schema: { type: 'object' } }] },
    },
    {
      name: 'nor with a system message after it',
      surfaces,
      upstream: () => upstream(() => jsonReply(errorBody('overloaded_error'), 529, soon)),
      hold: withSecond(thinkingLost),
      body: {
        messages: [...open, { role: 'system', content: 'The tools did not change.' }],
        tools: [{ name: 'bash', input_schema: { type: 'object' } }],
      },
    },
    {
      name: 'a fallback model that knows no system role',
      surfaces,
      hold: { fallbacks: ['claude-haiku-4-5'], retry: { attempts: 1 } },
      body: {
        messages: [
          { role: 'user', content: 'hi' },
          { role: 'system', content: 'Answer in French from here on.' },
        ],
      },
      upstream: () =>
        upstream((seen) => {
          if (seen.body?.['model'] === 'claude-opus-5-5')
            return jsonReply(errorBody('overloaded_error'), 529, { 'x-should-retry': 'false' });
          const roles = turnsOf(seen).map(({ role }) => role);
          return roles.includes('system')
            ? jsonReply(errorBody('invalid_request_error', "role 'system' is not supported on this model"), 400)
            : healthy(seen);
        }),
    },
    {
      name: 'a continuation keeps room for thinking',
      surfaces: ['stream', 'helper'],
      body: { model: 'claude-opus-4-5', max_tokens: 1100, thinking: { type: 'enabled', budget_tokens: 1085 } },
      upstream: () =>
        upstream((seen) => {
          const { thinking, max_tokens: max } = seen.body as { thinking?: { type: string; budget_tokens: number }; max_tokens: number };
          if (thinking?.type === 'enabled' && thinking.budget_tokens >= max)
            return jsonReply(errorBody('invalid_request_error', '`max_tokens` must be greater than `thinking.budget_tokens`.'), 400);
          return seen.number === 1 ? eventReply([...events(long).slice(0, 14), { pause: 5 }, cut]) : healthy(seen, long);
        }),
      rule: { right: long, promised: true },
    },
    ...(
      [
        ['401', jsonReply(errorBody('authentication_error'), 401)],
        ['402', jsonReply(errorBody('billing_error'), 402)],
        ['403', jsonReply(errorBody('permission_error'), 403)],
        ['404', jsonReply(errorBody('not_found_error'), 404)],
        ['a spend limit', jsonReply(errorBody('rate_limit_error', 'x', { details: { error_code: 'enforced_spend_limit_reached' } }), 429)],
        ['429 for an hour', jsonReply(errorBody('rate_limit_error'), 429, { 'retry-after': '3600' })],
      ] as const
    ).map(([name, reply]): Situation => ({
      name: `a continuation refused with ${name} is refused once`,
      surfaces: ['stream', 'helper'],
      upstream: () => upstream((seen) => (seen.number === 1 ? eventReply([...events().slice(0, 6), { pause: 5 }, cut]) : reply)),
      rule: { right: words, asks: 2 },
    })),
    {
      name: 'the server is back after 100 ms',
      surfaces,
      upstream: async () => {
        const from = performance.now();
        return upstream((seen) => (performance.now() - from < 100 ? { headless: true, steps: [reset] } : healthy(seen)));
      },
      rule: { right: words, asks: 4 },
    },
  ],
};
