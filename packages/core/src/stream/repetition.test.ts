import { describe, expect, it } from 'vitest';
import { Repetition } from './repetition.ts';

/** Where `pieces` may repeat `whole` from, and whether its end was reached. */
function repeated(whole: string, pieces: readonly string[]): [start: number, isComplete: boolean] {
  const repetition = new Repetition(whole);
  for (const piece of pieces) repetition.push(piece);
  return [repetition.start, repetition.isComplete];
}

describe('a repetition', () => {
  it.each<[string, string, string[], [number, boolean]]>([
    ['may be of everything while nothing has come', 'abc', [], [0, false]],
    ['begins where the two agree', 'one two', ['two'], [4, true]],
    ['may begin at several places, and is at the first', 'abcabc', ['ab'], [0, false]],
    ['moves on where the first place does not fit', 'abxaby', ['ab', 'y'], [3, true]],
    ['moves on within the letters it is made of', 'aaab', ['aab'], [1, true]],
    ['goes beyond the end of the whole', 'one two', ['two', ' three'], [4, true]],
    ['goes on beyond the end whatever comes then', 'one two', ['two three', ' four'], [4, true]],
    ['reaches the end within a piece', 'one two', ['tw', 'o three'], [4, true]],
    ['is complete with the last letter', 'one two', ['tw'], [4, false]],
    ['is of the longest end that still fits', 'aXaXa', ['aXa', 'Y'], [2, true]],
    ['is none where nothing fits', 'abc', ['x'], [3, true]],
    ['is none where what came later does not fit', 'abc', ['bx'], [3, true]],
  ])('%s', (_, whole, pieces, expected) => {
    expect(repeated(whole, pieces)).toEqual(expected);
    expect(repeated(whole, pieces.join('').split(''))).toEqual(expected);
  });

  it('that has ended counts only if it is complete', () => {
    const ended = (whole: string, text: string): number => {
      const repetition = new Repetition(whole);
      repetition.push(text);
      repetition.end();
      return repetition.start;
    };

    expect(ended('ab abc', 'ab')).toBe(6);
    expect(ended('aba', 'a')).toBe(2);
    expect(ended('one two', 'two')).toBe(4);
    expect(ended('one two', 'two three')).toBe(4);
  });

  it.each<[string, (length: number) => [whole: string, text: string]]>([
    ['one letter, and another at the end', (length) => ['a'.repeat(length) + 'b', 'a'.repeat(length)]],
    ['one letter, and another at the end of both', (length) => ['a'.repeat(length) + 'b', 'a'.repeat(length / 2) + 'c']],
    ['a word again and again', (length) => ['the sea '.repeat(length / 8) + 'x', 'the sea '.repeat(length / 9)]],
    ['words that are made of themselves', (length) => [fibonacci(length), fibonacci(length).slice(1)]],
  ])('costs no more than the two texts are long: %s', (_, make) => {
    for (const length of [1_000, 10_000, 100_000]) {
      const [whole, text] = make(length);
      const repetition = new Repetition(whole);
      for (let at = 0; at < text.length; at += 7) repetition.push(text.slice(at, at + 7));
      repetition.end();

      expect(repetition.comparisons).toBeLessThanOrEqual(2 * (whole.length + 2 * text.length));
    }
  });

  it('is what a search without any memory finds', () => {
    const random = seeded(1);
    for (let round = 0; round < 3_000; round += 1) {
      const word = (longest: number) => Array.from({ length: random(longest) }, () => 'ab'[random(2)]).join('');
      const whole = word(14);
      const text = word(10);
      const repetition = new Repetition(whole);
      let begun = '';
      for (const piece of [text.slice(0, 3), text.slice(3, 4), text.slice(4)]) {
        repetition.push(piece);
        begun += piece;
        const agrees = (start: number) => whole.slice(start).startsWith(begun) || begun.startsWith(whole.slice(start));
        let start = 0;
        while (start < whole.length && !agrees(start)) start += 1;
        expect([whole, begun, repetition.start]).toEqual([whole, begun, start]);
      }
    }
  });
});

function fibonacci(length: number): string {
  let [before, word] = ['a', 'ab'];
  while (word.length < length) [before, word] = [word, word + before];
  return word.slice(0, length);
}

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}
