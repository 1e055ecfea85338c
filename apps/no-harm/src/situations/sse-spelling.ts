// Legal server-sent events in spellings that Anthropic does not use, and gateways do.

import type { Situation, Subject } from '../situation.ts';
import { eventReply, upstream, type Reply, type Step } from '../upstream.ts';
import { blockStop, blocks, end, errorBody, events, ping, start, stop, text, textStart, words } from '../wire.ts';

const surfaces = ['stream', 'helper'] as const;
const whole = events().join('');

const spelled = (name: string, steps: string | readonly Step[], reply: Partial<Reply> = {}, more: Partial<Situation> = {}): Situation => ({
  name,
  surfaces,
  upstream: () => upstream(() => ({ ...eventReply(typeof steps === 'string' ? [steps] : steps), ...reply })),
  ...more,
});

const perEvent = (change: (event: string, index: number) => string): string => events().map(change).join('');
const mixed = perEvent((event, index) => event.replaceAll('\n', ['\n', '\r\n', '\r'][index % 3] as string));
const lines = (event: string): [name: string, data: string] => event.trimEnd().split('\n') as [string, string];
const inPieces = (bytes: Buffer, size: number): Step[] => {
  const steps: Step[] = [];
  for (let at = 0; at < bytes.length; at += size) steps.push(bytes.subarray(at, at + size), { pause: 0 });
  return steps;
};

const typed = (type: string | null): Partial<Reply> => ({ headers: type === null ? {} : { 'content-type': type } });

/** Text with everything that JSON and UTF-8 can do. */
const exotic = 'Äpfel 🍎🍏 “quoted” \\ back\\slash \u2028\u2029 tab\t zero\u0000width\u200b e\u0301 👩‍👩‍👧 end';
const error = JSON.stringify(errorBody('invalid_request_error', 'prompt is too long: 205351 tokens > 200000 maximum'));
const pretty = JSON.stringify(JSON.parse(error), null, 2)
  .split('\n')
  .map((line) => `data: ${line}\n`)
  .join('');

const errorForms: Readonly<Record<string, string>> = {
  'data, event': `data: ${error}\nevent: error\n\n`,
  'event, id, data': `event: error\nid: 7\ndata: ${error}\n\n`,
  'event, comment, data': `id:1\nevent:error\n:HTTP_STATUS/400\ndata:${error}\n\n`,
  'event, retry, data': `event: error\nretry: 3000\ndata: ${error}\n\n`,
  'data over two lines': `event: error\ndata: ${error.slice(0, 16)}\ndata: ${error.slice(16)}\n\n`,
  'pretty-printed': `event: error\n${pretty}\n`,
  'in CRLF': `event: error\r\ndata: ${error}\r\n\r\n`,
  'in bare CR': `event: error\rdata: ${error}\r\r`,
};

export const sseSpelling: Subject = {
  title: 'Spellings of server-sent events',
  situations: [
    spelled('as Anthropic writes them', events()),
    spelled('all in one write', whole),
    spelled('a byte at a time', inPieces(Buffer.from(whole), 1)),
    spelled('seven bytes at a time', inPieces(Buffer.from(whole), 7)),
    spelled('characters of many bytes, three bytes at a time', inPieces(Buffer.from(events(exotic).join('')), 3)),
    spelled('every character', events(exotic)),
    spelled(
      'escaped Unicode',
      events(exotic).map((event) => event.replace(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)),
    ),
    spelled('CRLF', whole.replaceAll('\n', '\r\n')),
    spelled('bare CR', whole.replaceAll('\n', '\r')),
    spelled('bare CR, a byte at a time', inPieces(Buffer.from(whole.replaceAll('\n', '\r')), 1)),
    spelled('CRLF, a byte at a time', inPieces(Buffer.from(whole.replaceAll('\n', '\r\n')), 1)),
    spelled('line ends mixed event by event', mixed),
    spelled('line ends mixed event by event, a byte at a time', inPieces(Buffer.from(mixed), 1)),
    spelled('line ends mixed event by event, three bytes at a time', inPieces(Buffer.from(mixed), 3)),
    spelled('bare CR, five bytes at a time', inPieces(Buffer.from(whole.replaceAll('\n', '\r')), 5)),
    spelled(
      'bare CR, an event at a time',
      events().map((event) => event.replaceAll('\n', '\r')),
    ),
    spelled(
      'line ends mixed within an event',
      perEvent((event) => event.replace('\n', '\r').replace(/\n\n$/, '\r\n\n')),
    ),
    spelled(
      'LF after CR as an empty line',
      perEvent((event) => event.replace(/\n\n$/, '\n\r')),
    ),
    spelled(
      'data before event',
      perEvent((event) => `${lines(event)[1]}\n${lines(event)[0]}\n\n`),
    ),
    spelled(
      'an id between',
      perEvent((event, index) => `${lines(event)[0]}\nid: ${index}\n${lines(event)[1]}\n\n`),
    ),
    spelled(
      'a comment between',
      perEvent((event) => `${lines(event)[0]}\n: hi\n${lines(event)[1]}\n\n`),
    ),
    spelled(
      'comments between events',
      perEvent((event) => `: keep-alive\n\n${event}`),
    ),
    spelled(
      'retry fields',
      perEvent((event) => `retry: 3000\n${event}`),
    ),
    spelled(
      'no space after the colon',
      perEvent((event) => event.replaceAll(': ', ':')),
    ),
    spelled(
      'two spaces after the colon of data',
      perEvent((event) => event.replace('data: ', 'data:  ')),
    ),
    spelled(
      'data over two lines',
      perEvent((event) => event.replace(/data: (\{"type":"\w+",?)/, 'data: $1\ndata: ')),
    ),
    spelled(
      'pretty-printed data',
      perEvent(
        (event) =>
          `${lines(event)[0]}\n${JSON.stringify(JSON.parse(lines(event)[1].slice(6)), null, 2)
            .split('\n')
            .map((line) => `data: ${line}`)
            .join('\n')}\n\n`,
      ),
    ),
    spelled(
      'three empty lines between',
      perEvent((event) => `${event}\n\n`),
    ),
    spelled('a BOM first', `\ufeff${whole}`),
    spelled('no event names', whole.replace(/^event: .*\n/gm, '')),
    spelled('every event is called message', whole.replace(/^event: .*$/gm, 'event: message')),
    spelled(
      'unknown fields',
      perEvent((event) => `x-trace: 1\n${event}`),
    ),
    spelled(
      'unknown events',
      perEvent((event) => `event: of_2027\ndata: {"type":"of_2027"}\n\n${event}`),
    ),
    spelled(
      'unknown fields in events',
      perEvent((event) => event.replace('data: {', 'data: {"seq":1,')),
    ),
    spelled(
      'keys in another order',
      perEvent((event) => `${lines(event)[0]}\ndata: ${JSON.stringify(reversed(JSON.parse(lines(event)[1].slice(6))))}\n\n`),
    ),
    spelled('a ping before message_start', [ping, ...events()]),
    spelled('twenty pings before message_start', [...Array.from({ length: 20 }, () => ping), ...events()]),
    spelled(
      'pings everywhere',
      perEvent((event) => event + ping),
    ),
    spelled('no end of the last event', whole.slice(0, -1)),
    spelled('[DONE] at the end', `${whole}data: [DONE]\n\n`),
    spelled('deltas of no text', [start(), textStart(), text(''), text(words), text(''), blockStop(), end(), stop]),
    spelled('an empty answer', [start(), end(), stop]),
    spelled('an empty text block', blocks([[{ type: 'text', text: '' }]])),
    spelled('usage only at the end', [
      start({ usage: { input_tokens: 0, output_tokens: 0 } }),
      textStart(),
      text(words),
      blockStop(),
      end(),
      stop,
    ]),
    ...Object.entries({
      'Text/Event-Stream': 'Text/Event-Stream',
      'in capitals, with a charset': 'TEXT/EVENT-STREAM;charset=UTF-8',
      'text/plain': 'text/plain; charset=utf-8',
      'application/octet-stream': 'application/octet-stream',
      'application/x-ndjson': 'application/x-ndjson',
      none: null,
    }).map(([name, type]) => spelled(`content type ${name}`, whole, typed(type))),
    spelled('events under application/json', whole, typed('application/json')),
    spelled('a length told first', whole, { framing: 'length' }),
    spelled('until the connection closes', whole, { framing: 'close' }),
    ...Object.entries(errorForms).flatMap(([name, form]) => [
      spelled(`an error first: ${name}`, form),
      spelled(`an error after message_start: ${name}`, start() + form, {}, { rule: { asks: 1 } }),
    ]),
  ],
};

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
