import { describe, expect, it } from 'vitest';
import { comparable, gapAfter, gapBefore, halfAtEnd, restAfter, startOfLast } from './comparable.ts';

describe('a text as it is compared', () => {
  it.each([
    ['white space and what cannot be seen', ' a\u00ad\t\u200bb\u2060\n\ufe0fc\u00a0', 'abc'],
    ['the shape of quotation marks', '‘a’ ‚b‛', "'a''b'"],
    ['the shape of double quotation marks', '“a” „b‟', '"a""b"'],
    ['the shape of dashes', 'a‐b‑c‒d–e—f−g', 'a-b-c-d-e-f-g'],
    ['whether an accent is part of its letter', 'é \u01d5', 'e\u0301U\u0308\u0304'],
    ['the same beyond the first 65,536 characters', '\u{1109a}', '\u{11099}\u{110ba}'],
  ])('is without %s', (_, text, expected) => {
    expect(comparable(text)).toBe(expected);
  });

  it('keeps what is a character of its own', () => {
    for (const text of ['각가', '日本', '🎉', '\u0301', 'ß…']) expect(comparable(text)).toBe(text);
  });
});

describe('the rest after what was compared', () => {
  it('is as it was written', () => {
    expect(restAfter('The café – a  bar', 3)).toBe(' café – a  bar');
    expect(restAfter('The café – a  bar', 8)).toBe(' – a  bar');
    expect(restAfter('The café', 8)).toBe('');
  });

  it('is the accent that is left over of a letter cut within its accents', () => {
    expect(restAfter('The café – a  bar', 7)).toBe('\u0301 – a  bar');
  });
});

describe('the last characters of a text', () => {
  it('begin where so many are left, whatever gaps are between them', () => {
    expect(startOfLast('a b  c', 2)).toBe(2);
    expect(startOfLast('abc', 0)).toBe(3);
  });

  it('are all of it where there are no more', () => {
    expect(startOfLast('abc', 5)).toBe(0);
  });
});

describe('the gaps around a text', () => {
  it('are the white space and the invisible characters at its ends', () => {
    expect([gapBefore(' \n\u200ba b \t'), gapAfter(' \n\u200ba b \t')]).toEqual([' \n\u200b', ' \t']);
    expect([gapBefore('a b'), gapAfter('a b')]).toEqual(['', '']);
    expect([gapBefore(' \n'), gapAfter(' \n'), gapAfter('')]).toEqual([' \n', ' \n', '']);
  });
});

describe('half a character at the end', () => {
  it('is the first of two that belong together', () => {
    for (const half of ['\ud800', '\ud83c', '\udbff']) expect(halfAtEnd(`a${half}`)).toBe(half);
  });

  it.each(['', 'a', 'a\ud7ff', 'a\ud83c\udf89', 'a\udc00', 'a\uffff'])('is none in %j', (text) => {
    expect(halfAtEnd(text)).toBe('');
  });
});
