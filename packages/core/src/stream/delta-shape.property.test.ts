import fc from 'fast-check';
import { expect } from 'vitest';
import { DeltaShape, textOfDelta } from './delta-shape.ts';
import { eventEnd, readEvent } from '../wire/sse.ts';
import { holds, wildText } from './testing/holds.ts';
import { TextLog } from './text-log.ts';

type Wire = Record<string, unknown>;

const encoder = new TextEncoder();

/** How one JSON text is written: which of its spellings each part takes. */
interface Spelling {
  readonly colon: string;
  readonly comma: string;
  readonly pad: string;
  /** One number for each character, over and over. */
  readonly escapes: readonly number[];
  readonly crlf: boolean;
  readonly name: string;
}

const spelling: fc.Arbitrary<Spelling> = fc.record({
  colon: fc.constantFrom(':', ': ', ' : '),
  comma: fc.constantFrom(',', ', '),
  pad: fc.constantFrom('', ' ', '       '),
  escapes: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 6 }),
  crlf: fc.boolean(),
  name: fc.constantFrom('event: content_block_delta', 'event:content_block_delta', ': c\nevent: content_block_delta'),
});

const short = new Map([...'"\\/\b\f\n\r\t'].map((character, at) => [character, `\\${'"\\/bfnrt'[at]}`]));

function spelled(text: string, { escapes }: Pick<Spelling, 'escapes'>): string {
  let out = '"';
  for (const [at, unit] of text.split('').entries()) {
    const code = unit.charCodeAt(0);
    const must = code < 32 || unit === '"' || unit === '\\' || (code >= 0xd800 && code <= 0xdfff);
    const how = escapes[at % escapes.length] ?? 0;
    const hex = `\\u${code.toString(16).padStart(4, '0')}`;
    if (must || how === 3) out += how % 2 === 0 ? (short.get(unit) ?? hex) : hex;
    else out += unit === '/' && how === 2 ? '\\/' : unit;
  }
  return `${out}"`;
}

function written(value: unknown, how: Spelling, isOuter = true): string {
  if (typeof value === 'string') return spelled(value, how);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const members = (value as { members?: [string, unknown][] }).members ?? Object.entries(value);
  const inner = members.map(([name, each]) => `${JSON.stringify(name)}${how.colon}${written(each, how, false)}`).join(how.comma);
  return isOuter ? `{${inner}${how.pad}}` : `{${inner}}`;
}

const framed = (json: string, { crlf, name }: Spelling): string => {
  const frame = `${name}\ndata: ${json}\n\n`;
  return crlf ? frame.replaceAll('\n', '\r\n') : frame;
};

const kind = fc.constantFrom(
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
  ['input_json_delta', 'partial_json'],
  ['__proto__', 'text'],
);
/** Members as a list, so that any order and any member twice can be written. */
const members = (
  kindOf: readonly string[],
  text: string,
  index: number,
  shuffle: readonly number[],
  extra: readonly [string, unknown][],
) => {
  const [type = '', member = ''] = kindOf;
  const delta: [string, unknown][] = [['type', type], ...extra, [member, text]];
  const event: [string, unknown][] = [['type', 'content_block_delta'], ['index', index], ...extra, ['delta', { members: delta }]];
  // Mostly as it is, sometimes with two members in each other's place.
  for (const [at, list] of [delta, event].entries()) {
    const from = shuffle[at] ?? 0;
    if (from === 0 || from >= list.length) continue;
    const [moved] = list.splice(from, 1);
    if (moved) list.unshift(moved);
  }
  return { members: event };
};

const anyJson = fc.jsonValue({ maxDepth: 2 });
const extras = fc.array(
  fc.tuple(fc.constantFrom('seq', 'type', 'text', '__proto__', 'constructor', 'delta', '0', 'new'), fc.oneof(anyJson, wildText)),
  { maxLength: 2 },
);

/** A block's deltas in one spelling each, mostly the first one's. */
const deltas = fc
  .record({
    kindOf: kind,
    index: fc.nat({ max: 12 }),
    first: wildText,
    shuffle: fc.tuple(fc.constantFrom(0, 0, 0, 1, 2), fc.constantFrom(0, 0, 0, 1, 2, 3)),
    extra: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: extras }),
    how: spelling,
    more: fc.array(
      fc.record({
        text: wildText,
        escapes: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 6 }),
        pad: fc.constantFrom('', '', '   '),
        other: fc.option(spelling, { freq: 6 }),
        index: fc.option(fc.nat({ max: 12 }), { freq: 8 }),
      }),
      { maxLength: 30 },
    ),
  })
  .map(({ kindOf, index, first, shuffle, extra, how, more }) => [
    framed(written(members(kindOf, first, index, shuffle, extra), how), how),
    ...more.map(({ text, escapes, pad, other, index: at }) => {
      const form = other ?? { ...how, escapes, pad };
      return framed(written(members(kindOf, text, at ?? index, shuffle, extra), form), form);
    }),
  ]);

function parsed(bytes: Uint8Array, start: number, end: number): Wire {
  return JSON.parse(readEvent(bytes, start, end).data) as Wire;
}

/** What is read must be whole events that differ from the first in nothing but their text, and their text must be what JSON says. */
function expectTruth(bytes: Uint8Array, first: string, from: number): number {
  const event = parsed(encoder.encode(first), 0, encoder.encode(first).length);
  const shape = DeltaShape.learn(encoder.encode(first), 0, encoder.encode(first).length, event);
  if (shape === null) return 0;
  const log = new TextLog();
  const end = shape.read(bytes, from, log, Number.MAX_SAFE_INTEGER);

  let said = '';
  let at = from;
  let count = 0;
  while (at < end) {
    const next = eventEnd(bytes, at);
    expect(next).toBeGreaterThan(at);
    const found = parsed(bytes, at, next);
    const text = textOfDelta(found['delta'] as Wire);
    expect(text).not.toBeNull();
    const delta = event['delta'] as Wire;
    const member = Object.keys(delta).find((name) => textOfDelta({ ...delta, [name]: 5 }) === null && name !== 'type') ?? '';
    expect(JSON.stringify(found)).toBe(JSON.stringify({ ...event, delta: { ...delta, [member]: text } }));
    said += text;
    at = next;
    count += 1;
  }
  expect(at).toBe(end);
  expect(log.text()).toBe(said);
  return count;
}

let taken = 0;

holds(
  'deltas read by their shape say what JSON says, in whatever spelling',
  fc.property(deltas, (frames) => {
    const bytes = encoder.encode(frames.join(''));
    taken += expectTruth(bytes, frames[0] ?? '', 0);
  }),
  300,
);

holds(
  'nothing that was damaged or cut passes for a delta of the shape',
  fc.property(
    deltas,
    fc.array(fc.record({ at: fc.nat(), byte: fc.oneof(fc.nat({ max: 127 }), fc.constantFrom(...Buffer.from('"\\{}: \n\r,0u'))) }), {
      maxLength: 3,
    }),
    fc.nat(),
    (frames, damages, cut) => {
      const bytes = encoder.encode(frames.join(''));
      const start = encoder.encode(frames[0]).length;
      const rest = bytes.slice(start, start + (cut % (bytes.length - start + 1)));
      for (const { at, byte } of damages) if (rest.length > 0) rest[at % rest.length] = byte;
      expectTruth(rest, frames[0] ?? '', 0);
    },
  ),
  300,
);

holds(
  'one delta at a time, and from anywhere in the bytes, says the same as all at once',
  fc.property(deltas, fc.nat({ max: 9 }), (frames, gap) => {
    const first = encoder.encode(frames[0]);
    const shape = DeltaShape.learn(first, 0, first.length, parsed(first, 0, first.length));
    if (shape === null) return;
    const bytes = encoder.encode(`${'x'.repeat(gap)}${frames.join('')}`);
    const whole = new TextLog();
    const single = new TextLog();
    const end = shape.read(bytes, gap, whole, Number.MAX_SAFE_INTEGER);
    let at = gap;
    for (let next = shape.read(bytes, at, single, 1); next !== at; next = shape.read(bytes, at, single, 1)) at = next;

    expect(at).toBe(end);
    expect(single.text()).toBe(whole.text());
    // Without this the test would pass if no shape were ever learned.
    expect(taken).toBeGreaterThan(0);
  }),
  150,
);
