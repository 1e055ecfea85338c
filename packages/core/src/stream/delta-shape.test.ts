import { describe, expect, it } from 'vitest';
import { DeltaShape, textOfDelta } from './delta-shape.ts';
import { readEvent } from '../wire/sse.ts';
import { TextLog } from './text-log.ts';

const encoder = new TextEncoder();
const bytes = (text: string): Uint8Array => encoder.encode(text);
const parse = (text: string): Record<string, unknown> => JSON.parse(readEvent(bytes(text)).data) as Record<string, unknown>;

function learn(text: string): DeltaShape | null {
  const all = bytes(text);
  return DeltaShape.learn(all, 0, all.length, parse(text));
}

/** What `shape` makes of `text`: where it stopped, and the text it found. */
function read(shape: DeltaShape | null, text: string, most = 1000): { end: number; text: string } {
  const log = new TextLog();
  const end = (shape as DeltaShape).read(bytes(text), 0, log, most);
  return { end, text: log.text() };
}

const frame = (data: string, lineEnd = '\n'): string => `event: content_block_delta${lineEnd}data: ${data}${lineEnd}${lineEnd}`;
const plain = (text: string, pad = '', index = 0): string =>
  frame(`{"type":"content_block_delta","index":${index},"delta":{"type":"text_delta","text":${JSON.stringify(text)}}${pad}}`);

describe('what is learned from the first delta', () => {
  it.each([
    ['as the API writes it', (text: string) => plain(text)],
    [
      'with spaces after colons and commas',
      (text: string) =>
        frame(`{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ${JSON.stringify(text)}}}`),
    ],
    [
      'with fields in another order',
      (text: string) => frame(`{"index":0,"type":"content_block_delta","delta":{"type":"text_delta","text":${JSON.stringify(text)}}}`),
    ],
    [
      'with fields nobody knows before the text',
      (text: string) =>
        frame(
          `{"type":"content_block_delta","index":0,"seq":1,"delta":{"type":"text_delta","new":{"a":"}"},"text":${JSON.stringify(text)}}}`,
        ),
    ],
    [
      'without spaces after field names',
      (text: string) =>
        `event:content_block_delta\ndata:{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${JSON.stringify(text)}}}\n\n`,
    ],
    ['with CRLF', (text: string) => plain(text).replaceAll('\n', '\r\n')],
    [
      'for thinking',
      (text: string) =>
        frame(`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":${JSON.stringify(text)}}}`),
    ],
    [
      'for the input of a tool',
      (text: string) =>
        frame(`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":${JSON.stringify(text)}}}`),
    ],
  ])('recognises the next ones, %s', (_, write) => {
    const shape = learn(write('first'));
    const next = write(' \\ "é" 日本 🎉 \n');

    expect(read(shape, next)).toEqual({ end: bytes(next).length, text: ' \\ "é" 日本 🎉 \n' });
    expect(read(shape, write(''))).toEqual({ end: bytes(write('')).length, text: '' });
  });

  it('is nothing where a zero byte comes before the text', () => {
    expect(learn(`: \u0000\n${plain('first')}`)).toBeNull();
    expect(learn(`: x\n${plain('first')}`)).not.toBeNull();
  });

  it.each(['say "hi"', '\\', '\\"', 'a\\\\"b', '"'])('is the same from a first text of %j', (first) => {
    expect(read(learn(plain(first)), plain(' next')).text).toBe(' next');
  });

  it.each([0, 10, 100, 1000])('is every byte before the text, however many there are: index %i', (index) => {
    const shape = learn(plain('first', '', index)) as DeltaShape;
    for (const count of [1, 30]) {
      const whole = bytes(plain('x', '', index).repeat(count));
      expect(shape.read(whole, 0, new TextLog(), 1000)).toBe(whole.length);
      for (let at = 0; at < shape.prefixLength; at += 1) {
        const changed = whole.slice();
        changed[at] = 35;
        expect(shape.read(changed, 0, new TextLog(), 1000), `byte ${at}`).toBe(0);
      }
    }
  });

  it('allows any padding before the last brace', () => {
    const shape = learn(plain('first', '   '));

    for (const pad of ['', ' ', ' '.repeat(40)]) {
      expect(read(shape, plain('x', pad)).text).toBe('x');
      expect(read(shape, plain('x', pad).replace('"x"}', `"x"${pad}}`)).text).toBe('x');
    }
  });

  it.each([
    [
      'something follows the text in the delta',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a","more":1}}',
    ],
    ['something follows the delta', '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"},"more":1}'],
    [
      'another field that is called text follows and says the same',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"},"meta":{"text":"a"}}',
    ],
    [
      'the last string is not the text but equals it',
      '{"type":"content_block_delta","index":0,"delta":{"text":"text_delta","type":"text_delta"}}',
    ],
    [
      'the delta is of a kind whose text is unknown',
      '{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}}',
    ],
    ['the text is no string', '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":7}}'],
    ['there is no delta', '{"type":"content_block_delta","index":0}'],
    ['more than ASCII comes before the text', '{"type":"content_block_delta","index":0,"né":1,"delta":{"type":"text_delta","text":"a"}}'],
    [
      'a delete character comes before the text',
      '{"type":"content_block_delta","index":0,"\u007f":1,"delta":{"type":"text_delta","text":"a"}}',
    ],
    [
      'a brace is missing that others would look for',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"},"x":{"y":"a"}}',
    ],
  ])('is nothing where %s', (_, data) => {
    expect(learn(frame(data))).toBeNull();
  });
});

describe('the text of a delta', () => {
  it('is none of a kind that nobody knows', () => {
    expect(textOfDelta({ type: 'text_delta', text: 'x' })).toBe('x');
    expect(textOfDelta({ type: 'tomorrow_delta', text: 'x', undefined: 'x' })).toBeNull();
  });
});

describe('what is not recognised takes the slow way', () => {
  const shape = (): DeltaShape => learn(plain('first')) as DeltaShape;

  it.each([
    ['another index', plain('x', '', 1)],
    ['an index that only begins alike', plain('x', '', 0).replace('"index":0', '"index":00')],
    ['another kind of delta', plain('x').replace('text_delta', 'code_delta')],
    ['another event', 'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'],
    ['a field behind the text', plain('x').replace('"x"', '"x","y":1')],
    ['a field behind the delta', plain('x').replace('}}\n', '},"y":1}\n')],
    ['a second line of data', plain('x').replace('}}\n', '}}\ndata: {}\n')],
    ['a brace too many', plain('x').replace('}}', '}}}')],
    ['a bracket for the first brace', plain('x').replace('}}', ']}')],
    ['a bracket for the last brace', plain('x').replace('}}', '}]')],
    ['a letter for the first line feed', plain('x').replace('\n\n', 'x\n')],
    ['a letter for the last line feed', plain('x').replace('\n\n', '\nx')],
    ...'/:@G`g'.split('').map((letter) => [`a Unicode escape with ${letter}`, plain('x').replace('"x"', `"\\u00${letter}0"`)]),
    ['a brace too few', plain('x').replace('}}', '}')],
    ['an escape JSON does not know', plain('x').replace('"x"', '"\\x"')],
    ['a broken Unicode escape', plain('x').replace('"x"', '"\\u12g4"')],
    ['a control character in the text', plain('x').replace('"x"', '"\u0001"')],
    ['a line break in the text', plain('x').replace('"x"', '"\n"')],
    ['an escaped quote at the end', plain('x').replace('"x"', '"x\\"')],
    ['one line end only', plain('x').replace('\n\n', '\n')],
    ['CRLF where LF was learned', plain('x').replaceAll('\n', '\r\n')],
  ])('%s', (_, text) => {
    expect(read(shape(), text)).toEqual({ end: 0, text: '' });
  });

  it.each([0, 1, 2, 3])('a letter for the byte %i of the two line ends that were learned', (at) => {
    const crlf = (text: string): string => plain(text).replaceAll('\n', '\r\n');
    const broken = bytes(crlf('x'));
    broken[broken.length - 4 + at] = 120;
    const log = new TextLog();

    expect(learn(crlf('first'))?.read(broken, 0, log, 1000)).toBe(0);
  });

  it('an event of which any number of bytes is still missing, behind many that are whole', () => {
    for (const lineEnd of ['\n', '\r\n']) {
      const write = (text: string): string => plain(text, '  ').replaceAll('\n', lineEnd);
      const [before, last] = [bytes(write('word').repeat(20)), bytes(write('a \\" \u00e9 b'))];
      const whole = new Uint8Array([...before, ...last]);
      for (let missing = 1; missing <= last.length; missing += 1)
        expect(learn(write('first'))?.read(whole.slice(0, whole.length - missing), 0, new TextLog(), 1000)).toBe(before.length);
    }
  });

  it.each(['0', '9', 'A', 'F', 'a', 'f'])('but never a Unicode escape with %s', (digit) => {
    expect(read(shape(), plain('x').replace('"x"', `"\\u00${digit}0"`)).text).toBe(String.fromCharCode(Number.parseInt(`${digit}0`, 16)));
  });

  it('an event of which any number of bytes is still missing', () => {
    const whole = bytes(plain('a \\" \\u00e9 b', '  '));
    for (let length = 0; length < whole.length; length += 1) {
      const log = new TextLog();

      expect(shape().read(whole.slice(0, length), 0, log, 1000), `${length} bytes`).toBe(0);
      expect(log.length).toBe(0);
    }
  });
});

describe('deltas that follow each other', () => {
  const shape = (): DeltaShape => learn(plain('first')) as DeltaShape;

  it('are read in one go, and up to the first that differs', () => {
    const alike = Array.from({ length: 50 }, (_, i) => plain(`word ${i} `, ' '.repeat(i % 7))).join('');
    const text = Array.from({ length: 50 }, (_, i) => `word ${i} `).join('');

    expect(read(shape(), alike + plain('x', '', 1) + plain('y'))).toEqual({ end: bytes(alike).length, text });
    expect(read(shape(), alike, 3).text).toBe('word 0 word 1 word 2 ');
  });

  it('are recognised at every distance from the beginning of the chunk', () => {
    for (let shift = 0; shift < 17; shift += 1) {
      const all = bytes('x'.repeat(shift) + plain('here').repeat(30));
      const log = new TextLog();

      expect(shape().read(all, shift, log, 1000)).toBe(all.length);
      expect(log.text()).toBe('here'.repeat(30));
    }
  });

  it('are the same text for any content JSON can hold, however it is escaped', () => {
    const random = lcg(7);
    for (let round = 0; round < 300; round += 1) {
      const text = Array.from({ length: Math.floor(random() * 12) }, () =>
        String.fromCharCode(Math.floor(random() * (random() < 0.5 ? 128 : 0xd7ff))),
      ).join('');
      const escaped =
        random() < 0.5
          ? JSON.stringify(text)
          : `"${[...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
      const whole = plain('x').replace('"x"', () => escaped);

      expect(read(shape(), whole), JSON.stringify(whole)).toEqual({ end: bytes(whole).length, text });
    }
  });

  it('leave no trace of a huge chunk in those that follow', () => {
    const huge = plain('z'.repeat(600_000));

    expect(read(shape(), huge).text).toHaveLength(600_000);
    expect(read(shape(), plain('a').repeat(20)).text).toBe('a'.repeat(20));
  });
});

/** A small seeded generator, so that a failure can be repeated. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}
