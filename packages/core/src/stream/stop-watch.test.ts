import { describe, expect, it } from 'vitest';
import { StopWatch } from './stop-watch.ts';

describe('a stop sequence across a break', () => {
  it.each<[string, string[], string, string[], { keep: number; sequence: string } | null]>([
    ['is found wherever it is cut', ['END'], 'abcE', ['N', 'D and more'], { keep: 0, sequence: 'END' }],
    ['keeps what comes before it', ['END'], 'abc', ['x END'], { keep: 2, sequence: 'END' }],
    ['may be completed by the last possible character', ['abcd'], 'xabc', ['d'], { keep: 0, sequence: 'abcd' }],
    ['is the first one, where several are complete', ['yz', 'cx'], 'abc', ['xyz'], { keep: 0, sequence: 'cx' }],
    ['is the first one, in whatever order they are named', ['cx', 'yz'], 'abc', ['xyz'], { keep: 0, sequence: 'cx' }],
    ['is the one that is complete first, even within another', ['bcde', 'cd'], 'abc', ['def'], { keep: 0, sequence: 'cd' }],
    ['is the one named first, of two that end together', ['bcd', 'cd'], 'abc', ['d'], { keep: 0, sequence: 'bcd' }],
    ['is none, if it was complete before', ['abc'], 'abc', ['d'], null],
    ['is none, if it was complete before, beside a longer one', ['bc', 'abcdef'], 'abc', ['x'], null],
    ['is none, if it never comes', ['END'], 'abcE', ['N', 'x'], null],
    ['is none, if it is empty', [''], 'abc', ['d'], null],
  ])('%s', (_, sequences, delivered, texts, expected) => {
    const watch = new StopWatch(sequences, delivered);
    const found = texts.map((text) => watch.push(text)).find((stop) => stop !== null) ?? null;

    expect(found).toEqual(expected);
  });

  it('is looked for until as much has passed as one is long, and not at all where none can straddle', () => {
    const watch = new StopWatch(['12345'], 'abc');
    expect(watch.done).toBe(false);
    watch.push('xy');
    expect(watch.done).toBe(false);
    watch.push('zz');
    expect(watch.done).toBe(true);

    expect(new StopWatch([], 'abc').done).toBe(true);
    expect(new StopWatch(['x'], 'abc').done).toBe(true);
    expect(new StopWatch(['xy'], '').done).toBe(true);
  });
});
