// The words a continuation is asked to begin with.

import { comparable, startOfLast } from './comparable.ts';

/** Lengths that are tried, in characters that are no white space: about ten, twenty and fifty words. */
const lengths = [64, 128, 320];

/**
 * The last words of `text`: whole words, as many as it takes to occur only once in it, if that is possible with 320 characters.
 * Everything, if there is not more than a few words. White space does not count: a long run of it is no anchor.
 */
export function chooseAnchor(text: string): string {
  const whole = comparable(text);
  let anchor = text;
  for (const length of lengths) {
    if (whole.length <= length) return text;
    anchor = fromNextWord(text.slice(startOfLast(text, length)));
    const mark = comparable(anchor);
    if (whole.indexOf(mark) === whole.length - mark.length) break;
  }
  return anchor;
}

/** `text` from the next beginning of a word, or of a character where nothing separates words. */
function fromNextWord(text: string): string {
  const space = text.slice(0, 40).search(/\s\S/);
  if (space !== -1) return text.slice(space + 1);
  // Not the other half of a character, nor what belongs to the one before.
  return text.slice(0, 16).replace(/^[\udc00-\udfff\p{M}\u200d]+/u, '') + text.slice(16);
}

/** The name of the tag around the anchor: `anchor`, or one with a number if the text itself has that. */
export function anchorTag(text: string): string {
  if (!text.includes('<anchor') && !text.includes('</anchor')) return 'anchor';
  // One look, however many there are: a text that had them all would cost the square of its length.
  const taken = new Set<string>();
  for (const [, digits = ''] of text.matchAll(/<\/?anchor-(\d{1,9})/g))
    for (let end = 1; end <= digits.length; end += 1) taken.add(digits.slice(0, end));
  let number = 1;
  while (taken.has(String(number))) number += 1;
  return `anchor-${number}`;
}
