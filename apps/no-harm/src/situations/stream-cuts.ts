// Streams that break, at every place and in every way; and whole answers that do.

import type { Situation, Subject } from '../situation.ts';
import { cut, eventReply, healthy, reset, stall, upstream, type Step } from '../upstream.ts';
import {
  blockStart,
  blockStop,
  delta,
  end,
  errorEvent,
  events,
  json,
  message,
  pieces,
  ping,
  start,
  stop,
  text,
  textStart,
  words,
} from '../wire.ts';

const half = pieces(words.slice(0, 36)).map((piece) => text(piece));
const all = pieces(words).map((piece) => text(piece));

const places: Readonly<Record<string, readonly string[]>> = {
  'after the headers': [],
  'after message_start': [start()],
  'after a ping': [start(), ping],
  'before the first word': [start(), textStart()],
  'in the text': [start(), textStart(), ...half],
  'in an event': [start(), textStart(), ...half, text('never whole').slice(0, 40)],
  'after the text': [start(), textStart(), ...all],
  'after the block': [start(), textStart(), ...all, blockStop()],
  'after the stop reason': [start(), textStart(), ...all, blockStop(), end()],
};

const ways: Readonly<Record<string, readonly Step[]>> = {
  'connection closed': [{ pause: 5 }, cut],
  'connection reset': [{ pause: 5 }, reset],
  'a quiet end': [],
  overloaded_error: [errorEvent('overloaded_error', 'Overloaded')],
  api_error: [errorEvent('api_error', 'Internal server error')],
};

const surfaces = ['stream', 'helper'] as const;

/** The text is whole, but nobody said so: a model that is asked to go on has nothing new to say, which may be told as a break. */
const unsure = new Set(['after the text', 'after the block']);

/** Breaks once; a continuation is answered by an obedient model. */
const broken = (name: string, steps: readonly Step[], more: Partial<Situation> = {}): Situation => ({
  name,
  surfaces,
  upstream: () => upstream((request) => (request.number === 1 ? eventReply(steps) : healthy(request))),
  ...more,
  rule: { right: words, promised: true, ...more.rule },
});

const refusals = [
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'billing_error',
  'not_found_error',
  'request_too_large',
];

/** What the reader has cannot be told again: it must be told as an error, not as a whole answer, and no tool may run. */
const toolStart = blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} });
const thinking = [
  blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
  delta(0, { type: 'thinking_delta', thinking: 'I look out.' }),
];

export const streamCuts: Subject = {
  title: 'Broken streams',
  situations: [
    ...Object.entries(ways).flatMap(([way, ending]) =>
      Object.entries(places).map(([place, sent]) =>
        broken(`${way} ${place}`, [...sent, ...ending], unsure.has(place) ? { rule: { promised: false } } : {}),
      ),
    ),
    ...Object.entries(places).map(([place, sent]) =>
      broken(`silence ${place}`, [...sent, stall], {
        speed: 100,
        patienceMs: 5000,
        rule: { laterMs: 5000, promised: !unsure.has(place) },
      }),
    ),
    broken(
      'only pings after the stop reason',
      [...(places['after the stop reason'] as string[]), ...Array.from({ length: 100 }, () => [{ pause: 50 }, ping]).flat()],
      {
        speed: 100,
        patienceMs: 4000,
      },
    ),
    broken('open for ever after message_stop', [...events(), stall], { speed: 1, patienceMs: 3000 }),
    broken('pings for ever after message_stop', [...events(), ...Array.from({ length: 60 }, () => [{ pause: 50 }, ping]).flat()], {
      speed: 1,
      patienceMs: 2500,
    }),
    broken('an error after message_stop', [...events(), errorEvent('api_error')]),
    broken('rubbish after message_stop', [...events(), 'event: x\ndata: {broken\n\n']),
    broken('a reset after message_stop', [...events(), { pause: 5 }, reset]),
    ...refusals.flatMap((type): Situation[] => [
      { name: `${type} first`, surfaces, upstream: () => upstream(() => eventReply([errorEvent(type)])) },
      {
        name: `${type} after message_start`,
        surfaces,
        upstream: () => upstream(() => eventReply([start(), errorEvent(type)])),
        rule: { asks: 1 },
      },
      {
        name: `${type} in the text`,
        surfaces,
        upstream: () => upstream(() => eventReply([start(), textStart(), ...half, errorEvent(type)])),
        rule: { asks: 1 },
      },
    ]),
    {
      name: 'overloaded_error first, every time',
      surfaces,
      upstream: () => upstream(() => eventReply([errorEvent('overloaded_error', 'Overloaded')])),
    },
    {
      name: 'rate_limit_error first, every time',
      surfaces,
      upstream: () => upstream(() => eventReply([errorEvent('rate_limit_error', 'slow down')])),
    },
    {
      name: 'cut in a tool call, every time',
      surfaces,
      upstream: () => upstream(() => eventReply([start(), toolStart, json('{"at":"the wi'), { pause: 5 }, cut])),
      rule: { right: null },
    },
    {
      name: 'cut in thinking, every time',
      surfaces,
      upstream: () => upstream(() => eventReply([start(), ...thinking, { pause: 5 }, cut])),
      rule: { right: null },
    },
    {
      name: 'cut in a tool call, once',
      surfaces,
      upstream: () =>
        upstream(({ number }) =>
          number === 1
            ? eventReply([start(), toolStart, json('{"at":"the wi'), { pause: 5 }, cut])
            : eventReply([start(), toolStart, json('{"at":"the '), json('window"}'), blockStop(), end('tool_use'), stop]),
        ),
      rule: {
        promised: true,
        also: ({ answer }) => (answer?.tools.join() === '{"at":"the window"}' ? null : `tool input ${answer?.tools.join()}`),
      },
    },
    { name: 'a whole answer cut at once', surfaces: ['create'], upstream: cutMessage(0), rule: { promised: true, right: words } },
    { name: 'a whole answer cut in the middle', surfaces: ['create'], upstream: cutMessage(0.5), rule: { promised: true, right: words } },
    {
      name: 'a whole answer that lacks its last byte',
      surfaces: ['create'],
      upstream: cutMessage(0.999),
      rule: { promised: true, right: words },
    },
    {
      name: 'half a whole answer, ended properly',
      surfaces: ['create'],
      upstream: cutMessage(0.5, true),
      rule: { promised: true, right: words },
    },
  ],
};

function cutMessage(share: number, politely = false) {
  const body = JSON.stringify(message());
  const part = body.slice(0, Math.floor(body.length * share));
  return () =>
    upstream((request) =>
      request.number === 1
        ? {
            headers: { 'content-type': 'application/json' },
            framing: politely ? 'length' : 'chunked',
            steps: politely ? [part] : [part, { pause: 5 }, cut],
          }
        : healthy(request),
    );
}
