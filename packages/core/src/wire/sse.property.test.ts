import { Stream } from '@anthropic-ai/sdk/streaming';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { EventScanner, EventTail, maxEventBytes, readEvent, type RawEvent } from './sse.ts';
import { cutUp, holds, itTakesMegabytes, joined, pieceSizes } from '../stream/testing/holds.ts';

const encoder = new TextEncoder();
/** One character for each byte, so that nothing is lost. */
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const lineEnds = fc.constantFrom('\n', '\r', '\r\n');
const fields = fc.constantFrom(
  'event: message_start',
  'event:a',
  'event: ping',
  'event',
  'event:',
  'data: {"x":1}',
  'data:1',
  'data',
  'data: é🎉',
  'data:  two',
  ': comment',
  ':',
  'id: 7',
  'retry: 5',
  ' data: x',
  'unknown: y',
  '\0',
  '\uFEFF',
  '\uFEFFdata: marked',
);
const scraps: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: lineEnds.map((end) => encoder.encode(end)) },
  { weight: 4, arbitrary: fields.map((field) => encoder.encode(field)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom([0xff], [0xe2, 0x82], [0xf0, 0x9f], [0xef, 0xbb], [0x80]).map((bytes) => Uint8Array.from(bytes)),
  },
);
const anyBytes = fc.array(scraps, { maxLength: 40 }).map(joined);

/** Events and what waits behind them, found by a regular expression in all of it at once. */
function reference(whole: Uint8Array): { events: string[]; tail: string } {
  const all = text(whole);
  const events: string[] = [];
  let from = 0;
  // A carriage return that is the very last byte may still become a CRLF.
  for (const { index, 0: blank } of all.matchAll(/(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n|$))/g)) {
    events.push(all.slice(from, index + blank.length));
    from = index + blank.length;
  }
  return { events, tail: all.slice(from) };
}

describe('the scanner, for any bytes in any pieces', () => {
  holds(
    'finds what a search through all the bytes finds, and loses none',
    fc.property(anyBytes, pieceSizes, (whole, sizes) => {
      const scanner = new EventScanner();
      const events: string[] = [];
      const collect = (bytes: Uint8Array, start: number, end: number): boolean => events.push(text(bytes.subarray(start, end))) > 0;
      const expected = reference(whole);

      for (const piece of cutUp(whole, sizes)) expect(scanner.push(piece, collect)).toBe(true);

      expect(events).toEqual(expected.events);
      scanner.push(encoder.encode('z\n\nz'), collect);
      expect(events.join('')).toBe(`${text(whole)}z\n\n`);
    }),
    400,
  );

  holds(
    'stops at the event it is told to stop at',
    fc.property(anyBytes, pieceSizes, fc.nat({ max: 6 }), (whole, sizes, most) => {
      const [first] = cutUp(whole, sizes);
      const events: string[] = [];
      new EventScanner().push(first ?? new Uint8Array(0), (bytes, start, end) => {
        events.push(text(bytes.subarray(start, end)));
        return events.length <= most;
      });

      expect(events).toEqual(reference(first ?? new Uint8Array(0)).events.slice(0, most + 1));
    }),
    100,
  );
});

describe('the tail, for any bytes in any pieces', () => {
  holds(
    'completes the event that it began, and takes no more than that',
    fc.property(anyBytes, anyBytes, (begun, rest) => {
      const { tail } = reference(begun);
      const keeper = new EventTail();
      keeper.keep(Buffer.from(tail, 'latin1'), 0);

      const completed = keeper.complete(rest);

      const [first] = reference(joined([Buffer.from(tail, 'latin1'), rest])).events;
      if (first === undefined) {
        expect(completed).toBeNull();
        expect(keeper.length).toBe(tail.length + rest.length);
      } else {
        expect(text(completed?.event ?? new Uint8Array(0))).toBe(first);
        expect(completed?.taken).toBe(first.length - tail.length);
        expect(keeper.length).toBe(0);
      }
    }),
    200,
  );
});

const saysSomething = ({ data }: RawEvent): boolean => data !== '';

describe('an event', () => {
  holds(
    'means to the splice what it means to the SDK',
    fc.asyncProperty(anyBytes, pieceSizes, async (bytes, sizes) => {
      // What never ends is nobody's event.
      const whole = joined([bytes, encoder.encode('\n\n')]);
      const ours: RawEvent[] = [];
      const scanner = new EventScanner();
      for (const piece of cutUp(joined([whole, encoder.encode('z')]), sizes))
        scanner.push(piece, (all, start, end) => ours.push(readEvent(all, start, end)) > 0);

      const theirs: RawEvent[] = [];
      for await (const { event, data } of Stream.rawEvents(new Response(Buffer.from(whole)))) theirs.push({ name: event ?? '', data });

      // The SDK begins another event at a line of nothing but a byte order mark.
      const isClear = ours.every(({ name, data }) => name !== '\uFEFF' || data !== '\uFEFF');
      if (isClear) expect(ours.filter(saysSomething)).toEqual(theirs.filter(saysSomething));
      else expect(text(whole)).toMatch(/(?:^|[\r\n])\u00ef\u00bb\u00bf[\r\n]/);
    }),
    200,
  );
});

describe('a line without an end', () => {
  itTakesMegabytes('is kept up to its bound, whatever the pieces, and never much beyond', () => {
    for (const size of [1_000_003, 4 * 1024 * 1024, maxEventBytes + 1]) {
      const scanner = new EventScanner();
      const piece = new Uint8Array(size).fill(120);
      let pushed = 0;
      let fits = true;
      while (fits) {
        fits = scanner.push(piece, () => true);
        pushed += size;
      }
      expect(pushed).toBeGreaterThan(maxEventBytes);
      expect(pushed).toBeLessThanOrEqual(maxEventBytes + size);
    }
  });
});
