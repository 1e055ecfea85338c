// Events as proxies spell them, legally but unusually: through Holdfast the reader gets what the bare SDK, or any reader of
// server-sent events, makes of them.

import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { holdfast, type HoldfastOptions } from '../src/index.ts';
import {
  blockStart,
  blockStop,
  bytesOf,
  ending,
  messageStart,
  ping,
  text,
  thinkingStart,
  thought,
  signature,
} from '../src/stream/testing/wire.ts';
import { request } from './world.ts';

const words = 'The harbour lies still: "fog" \\ and\nlight. {"a": "}}"}';
const parts = words.match(/.{1,7}/gs) as string[];
const answer = [
  messageStart(),
  thinkingStart(0),
  thought(0, 'Hm.'),
  signature(0),
  blockStop(0),
  blockStart(1),
  ping,
  ...parts.map((part) => text(1, part, ' ')),
  blockStop(1),
  ending,
].join('');

/** Each rewrites the whole text of a stream. */
const spellings: Record<string, (stream: string) => string> = {
  'as the API': (s) => s,
  CRLF: (s) => s.replaceAll('\n', '\r\n'),
  'bare CR': (s) => s.replaceAll('\n', '\r'),
  'CR, then LF': (s) => s.replaceAll('\n\n', '\r\r\n'),
  'LF, then CRLF': (s) => s.replaceAll('\n\n', '\n\r\n'),
  'CRLF, then LF': (s) => s.replaceAll('\n\n', '\r\n\n'),
  'LF, then CR': (s) => s.replaceAll('\n\n', '\n\r'),
  'CRLF, then CR': (s) => s.replaceAll('\n\n', '\r\n\r'),
  'every line end another': (s) => {
    const ends = [
      ['\n', '\r\r'],
      ['\r', '\n\n'],
      ['\r\n', '\r\n\r'],
      ['\r', '\r\r\n'],
      ['\n', '\n\r\n'],
    ] as const;
    const events = s.split(/(?<=\n\n)/).map((event, i) => {
      const [first, last] = ends[i % ends.length] as (typeof ends)[number];
      return event.replace(/\n\n$/, last).replaceAll(/(?<!\n)\n(?!\n)/g, (end) => (event.endsWith('\n\n') ? first : end));
    });
    return events.join('');
  },
  'every other event with CR': (s) =>
    s
      .split(/(?<=\n\n)/)
      .map((e, i) => (i % 2 ? e.replaceAll('\n', '\r') : e))
      .join(''),
  'data before event': (s) => s.replace(/^(event: .*)\n(data: .*)$/gm, '$2\n$1'),
  'comments and ids between': (s) => s.replace(/^(event: .*)\n/gm, ': hello\nid: 7\n$1\n:HTTP_STATUS/200\nretry: 3000\n'),
  'no space behind colons': (s) => s.replace(/^(event|data): /gm, '$1:'),
  'several data lines': (s) => s.replace(/^data: \{"type":("\w+"),/gm, 'data: {\ndata: "type":$1,\ndata: '),
  'byte order mark': (s) => `\uFEFF${s}`,
  'blank lines before': (s) => `\n\n${s}`,
  'blank lines between': (s) => s.replaceAll('\n\n', '\n\n\n'),
  'no names': (s) => s.replace(/^event: .*\n/gm, ''),
  'the name message': (s) => s.replace(/^event: .*\n/gm, 'event: message\n'),
  'no names, CRLF': (s) => s.replace(/^event: .*\n/gm, '').replaceAll('\n', '\r\n'),
  'no names, several data lines': (s) => s.replace(/^event: .*\n/gm, '').replace(/^data: \{/gm, 'data: {\ndata: '),
  'no blank line at the end': (s) => s.replace(/\n+$/, ''),
};

/** A client whose upstream sends `chunks`. */
function clientOf(chunks: readonly Uint8Array[], init: ResponseInit, options: HoldfastOptions = {}) {
  let requests = 0;
  const fetch = async (): Promise<Response> => {
    requests += 1;
    let at = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      const chunk = chunks[at++];
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    };
    return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), init);
  };
  const hold = holdfast({ breaker: false, budget: false, random: () => 0, retry: { baseMs: 0, throttledBaseMs: 0 }, ...options });
  const client = new Anthropic({ baseURL: 'http://claude.test', apiKey: 'sk-ant-api-test', fetch, middleware: [hold], maxRetries: 0 });
  return { client, hold, requests: () => requests };
}

const sse = { headers: { 'content-type': 'text/event-stream' } };
const textOf = (message: Anthropic.Message): string => message.content.flatMap((b) => (b.type === 'text' ? b.text : [])).join('');

describe.each(Object.entries(spellings))('a stream spelled with %s', (_, spell) => {
  const bytes = bytesOf(spell(answer));

  it('is read whole at every cut', async () => {
    for (let at = 1; at < bytes.length; at += 1) {
      const { client, requests } = clientOf([bytes.subarray(0, at), bytes.subarray(at)], sse);
      const message = await client.messages.stream(request).finalMessage();
      expect([textOf(message), message.stop_reason, requests()], `cut after ${at}`).toEqual([words, 'end_turn', 1]);
    }
  });

  it('is read whole byte by byte', async () => {
    const { client } = clientOf(
      [...bytes].map((_, i) => bytes.subarray(i, i + 1)),
      sse,
    );
    expect(textOf(await client.messages.stream(request).finalMessage())).toBe(words);
  });
});
