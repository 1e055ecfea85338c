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
    anchor = text.slice(beginning(text, startOfLast(text, length)));
    const mark = comparable(anchor);
    if (whole.indexOf(mark) === whole.length - mark.length) break;
  }
  return anchor;
}

/** The next beginning of a word at or after `from`, or of a character where nothing separates words. */
function beginning(text: string, from: number): number {
  const space = text.slice(from, from + 40).search(/\s\S/);
  if (space !== -1) return from + space + 1;
  // Not the other half of a character, nor what belongs to the one before.
  const inner = /^[\udc00-\udfff]?(?:\p{M}|\u200d|\ufe0e|\ufe0f)*/u.exec(text.slice(from, from + 16))?.[0].length ?? 0;
  return from + inner;
}

/** The name of the tag around the anchor: `anchor`, or one with a number if the text itself has that. */
export function anchorTag(text: string): string {
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? 'anchor' : `anchor-${number}`;
    if (!text.includes(`<${name}`) && !text.includes(`</${name}`)) return name;
  }
}
