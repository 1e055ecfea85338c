// Texts are compared without what models change when they repeat words: white space, invisible characters, the shape of
// quotation marks and dashes, and whether an accent is part of its letter.

/** White space, and what shows only by what it does to its neighbours: soft hyphens, joiners, variation selectors. */
const gap = '[\\s\\u00ad\\u200b-\\u200d\\u2060\\ufe0e\\ufe0f]';
const gaps = new RegExp(`${gap}+`, 'g');
const leadingGap = new RegExp(`^${gap}+`);
const gapCharacter = new RegExp(gap);
// Pairs are written out: the search is faster without the `u` flag.
const beyondAscii = /[\ud800-\udbff][\udc00-\udfff]|[\u0080-\uffff]/g;
/** What letters with accents come apart into, and nothing else does. */
const letterWithMarks = /.\p{M}/u;

const plainForms = new Map<string, string>([
  ...[...'‘’‚‛'].map((quote) => [quote, "'"] as const),
  ...[...'“”„‟'].map((quote) => [quote, '"'] as const),
  ...[...'‐‑‒–—−'].map((dash) => [dash, '-'] as const),
]);

/** `text` as it is compared. What two texts have in common here they have in common for a reader. */
export const comparable = (text: string): string => text.replace(gaps, '').replace(beyondAscii, plainForm);

function plainForm(character: string): string {
  const plain = plainForms.get(character);
  if (plain !== undefined) return plain;
  // Only letters with accents: the parts of a Korean syllable are no letters that could have been cut apart.
  const parts = character.normalize('NFD');
  return letterWithMarks.test(parts) ? parts : character;
}

/** What follows the first `count` units of `comparable(text)` in `text`; of a letter cut within its accents, those left over. */
export function restAfter(text: string, count: number): string {
  let seen = 0;
  for (let at = 0; at < text.length;) {
    if (seen >= count) return text.slice(at);
    const code = text.charCodeAt(at);
    if (code > 0x20 && code < 0x7f) {
      // Almost all there is.
      seen += 1;
      at += 1;
      continue;
    }
    const character = String.fromCodePoint(text.codePointAt(at) as number);
    const units = comparable(character);
    at += character.length;
    seen += units.length;
    if (seen > count) return units.slice(count - seen) + text.slice(at);
  }
  return '';
}

/** Where the last `count` characters of `text` begin, not counting gaps; 0 if there are not so many. */
export function startOfLast(text: string, count: number): number {
  let at = text.length;
  for (let left = count; at > 0 && left > 0; at -= 1) if (!gapCharacter.test(text.charAt(at - 1))) left -= 1;
  return at;
}

/** The white space and invisible characters `text` begins with. */
export const gapBefore = (text: string): string => leadingGap.exec(text)?.[0] ?? '';

/** The white space and invisible characters `text` ends with. */
export function gapAfter(text: string): string {
  let at = text.length;
  while (gapCharacter.test(text.charAt(at - 1))) at -= 1;
  return text.slice(at);
}

/** The first half of a character whose other half is still to come; empty if `text` ends with a whole one. */
export const halfAtEnd = (text: string): string => (isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.slice(-1) : '');

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
