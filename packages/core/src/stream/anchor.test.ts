import { describe, expect, it } from 'vitest';
import { anchorTag, chooseAnchor } from './anchor.ts';

/** `count` words of three letters, no two alike. */
const words = (count: number): string => Array.from({ length: count }, (_, i) => `w${i + 10} `).join('');

describe('the anchor of a text', () => {
  it('is everything where that is not more than 64 characters, not counting white space', () => {
    const short = ` x${words(21)}`;

    expect(chooseAnchor(short)).toBe(short);
  });

  it('is what whole words make of the last 64 characters', () => {
    expect(chooseAnchor(`Once upon a time ${words(60)}`)).toBe(words(60).slice(-21 * 4));
  });

  it('is longer where those words were said before', () => {
    const text = `${words(25)}then ${words(25)}`;

    expect(chooseAnchor(text)).toBe(text.slice(-(16 * 4 + 5 + 25 * 4)));
  });

  it('is what whole words make of the last 320 characters where all of it was said before', () => {
    expect(chooseAnchor('ha '.repeat(400))).toBe('ha '.repeat(159));
  });

  it('begins within a word that goes on for long', () => {
    expect(chooseAnchor(`See ${'0123456789'.repeat(6)} and words`)).toBe(`${'0123456789'.repeat(6).slice(-56)} and words`);
  });

  it('begins with a whole character where nothing separates words', () => {
    const letters = Array.from({ length: 80 }, (_, i) => String.fromCodePoint(0x1f300 + i)).join('');
    expect(chooseAnchor(`${letters}x`)).toBe(`${letters.slice(-62)}x`);

    // Each with two marks.
    const marked = Array.from({ length: 80 }, (_, i) => `${String.fromCodePoint(0x4e00 + i)}\u0323\u0301`).join('');
    expect(chooseAnchor(marked)).toBe(marked.slice(-63));
    expect(chooseAnchor(`${marked}x`)).toBe(`${marked.slice(-63)}x`);
    expect(chooseAnchor(`${marked}xy`)).toBe(`${marked.slice(-60)}xy`);
  });
});

describe('the tag around the anchor', () => {
  it('is none that the text opens or closes itself', () => {
    expect(anchorTag('The tide')).toBe('anchor');
    expect(anchorTag('The <anchor> of a boat')).toBe('anchor-1');
    expect(anchorTag('The </anchor> of a boat')).toBe('anchor-1');
    expect(anchorTag('<anchor> <anchor-1> </anchor-2>')).toBe('anchor-3');
  });
});
