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
});
