import { describe, expect, it } from 'vitest';
import { eventEnd, EventScanner, EventTail, maxEventBytes, readEvent } from './sse.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytes = (text: string): Uint8Array => encoder.encode(text);

/** What a scanner makes of `chunks`: the events, and what it still keeps. */
function scan(chunks: Iterable<Uint8Array>): string[] {
  const scanner = new EventScanner();
  const events: string[] = [];
  for (const chunk of chunks) {
    scanner.push(chunk, (all, start, end) => {
      events.push(decoder.decode(all.slice(start, end)));
      return true;
    });
  }
  return events;
}

const events = ['event: a\ndata: {"x":1}\n\n', ': comment\n\n', 'data: one\ndata: two\nid: 7\n\n', 'event: é🎉\ndata: 日本\n\n'];
const withLineEnd = (lineEnd: string): string[] => events.map((event) => event.replaceAll('\n', lineEnd));

describe.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
])('with %s line ends', (_, lineEnd) => {
  const expected = withLineEnd(lineEnd);
  const whole = bytes(expected.join(''));

  it('finds the same events wherever the bytes are cut in two', () => {
    for (let at = 0; at <= whole.length; at += 1) expect(scan([whole.slice(0, at), whole.slice(at)]), `cut at ${at}`).toEqual(expected);
  });

  it('finds the same events byte by byte and in pieces of any size', () => {
    for (let size = 1; size < 40; size += 1) {
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.slice(i * size, (i + 1) * size));
      expect(scan(pieces), `pieces of ${size}`).toEqual(expected);
    }
  });
});

describe('line ends of other kinds', () => {
  it('CR alone ends lines and events; the last one waits for the line feed that may follow', () => {
    const whole = bytes('event: a\rdata: 1\r\revent: b\rdata: 2\r\r');

    expect(scan([whole])).toEqual(['event: a\rdata: 1\r\r']);
    expect(scan([whole, bytes('event: c')])).toEqual(['event: a\rdata: 1\r\r', 'event: b\rdata: 2\r\r']);
  });

  it.each(['\n\r\n', '\r\n\n', '\r\n\r\n', '\r\r\n', '\n\n'])('%j ends an event', (blank) => {
    const whole = bytes(`data: 1${blank}`);

    expect(eventEnd(whole, 0)).toBe(whole.length);
    for (let at = 0; at < whole.length; at += 1) expect(scan([whole.slice(0, at), whole.slice(at)])).toHaveLength(1);
  });

  it('never cuts a CRLF in two, even where a carriage return is all that has come', () => {
    expect(scan([bytes('data: 1\r\n\r'), bytes('\ndata: 2\r\n\r\n')])).toEqual(['data: 1\r\n\r\n', 'data: 2\r\n\r\n']);
  });
});

describe('an unfinished event', () => {
  it('waits, and is handed on in bytes of its own', () => {
    const chunk = bytes('data: 1');
    const scanner = new EventScanner();
    const found: Uint8Array[] = [];
    const collect = (all: Uint8Array, start: number, end: number): boolean => found.push(all.subarray(start, end)) > 0;
    scanner.push(chunk, collect);
    chunk.fill(0);
    scanner.push(bytes('\n\ndata: 2\n\nda'), collect);
    scanner.push(bytes('ta: 3\n\n'), collect);

    expect(found.map((event) => decoder.decode(event))).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
  });

  it('may not outgrow 16 MiB, and takes time in proportion to its length', () => {
    const scanner = new EventScanner();
    const piece = new Uint8Array(64 * 1024).fill(120);
    let fits = true;
    let pushed = 0;
    while (fits && pushed < 2 * maxEventBytes) {
      fits = scanner.push(piece, () => true);
      pushed += piece.length;
    }

    expect(fits).toBe(false);
    expect(pushed).toBe(maxEventBytes + piece.length);
  });

  it('is none of what was said to stop the search', () => {
    const scanner = new EventScanner();
    const stop = (): boolean => false;

    expect(scanner.push(bytes('data: 1\n\ndata: 2'), stop)).toBe(true);
    expect(scanner.push(bytes('da'), stop)).toBe(true);
    expect(scanner.push(bytes('ta: 3\n\ndata: 4'), stop)).toBe(true);
  });

  it('that needs only its last carriage return to be completed is complete when nothing more comes', () => {
    const tail = new EventTail();
    tail.keep(bytes('data: 1\r\r'), 0);

    expect(decoder.decode(tail.last() ?? undefined)).toBe('data: 1\r\r');
    tail.clear();
    tail.keep(bytes('data: 1\r'), 0);
    expect(tail.last()).toBeNull();
    tail.clear();
    tail.keep(bytes('data: 1\n'), 0);
    expect(tail.last()).toBeNull();
  });
});

describe('the fields of an event', () => {
  it.each<[string, { name: string; data: string }]>([
    ['event: a\ndata: {"x":1}\n\n', { name: 'a', data: '{"x":1}' }],
    ['event:a\ndata:1\n\n', { name: 'a', data: '1' }],
    ['event:  a\ndata:  1\n\n', { name: ' a', data: ' 1' }],
    ['data: one\ndata: two\n\n', { name: '', data: 'one\ntwo' }],
    ['data\ndata: x\n\n', { name: '', data: '\nx' }],
    ['event: a\nevent: b\n\n', { name: 'b', data: '' }],
    [': comment: with colon\n\n', { name: '', data: '' }],
    ['id: 1\nretry: 5\ndata: x\n\n', { name: '', data: 'x' }],
    ['\uFEFFevent: a\ndata: 1\n\n', { name: 'a', data: '1' }],
    ['event: a\n\uFEFFdata: 1\n\n', { name: 'a', data: '1' }],
    ['event: ping\ndata: 1\n\uFEFF\nevent: a\n\n', { name: '\uFEFF', data: '\uFEFF' }],
    ['\uFEFF\uFEFFevent: a\ndata: 1\n\n', { name: '', data: '1' }],
    ['event: a\r\ndata: 1\r\n\r\n', { name: 'a', data: '1' }],
    ['event: a\rdata: 1\r\r', { name: 'a', data: '1' }],
    ['\n\n', { name: '', data: '' }],
  ])('%j', (text, expected) => {
    expect(readEvent(bytes(text))).toEqual(expected);
  });
});
