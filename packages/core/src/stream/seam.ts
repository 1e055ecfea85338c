// Finds where a continuation joins what the reader already has. Nothing is let through before the place is certain.

export interface SeamInput {
  /** `prefill`: the model goes on after the very last character. `user-turn`: it was asked to repeat the anchor first. */
  readonly form: 'prefill' | 'user-turn';
  /** The text of the open block as delivered. */
  readonly delivered: string;
  /** The last words of it, which the continuation was asked to repeat. */
  readonly anchor: string;
  /** White space cut off the end of a prefill, because the API rejects it. */
  readonly trimmed: string;
  /** `lenient` accepts shorter overlaps and a rewritten beginning. Default `strict`. */
  readonly strictness?: 'strict' | 'lenient';
}

export type SeamStep =
  /** More text is needed. */
  | { readonly status: 'holding' }
  /** The place is found: `emit` is new to the reader. */
  | { readonly status: 'found'; readonly emit: string; readonly outcome: SeamOutcome }
  | { readonly status: 'failed'; readonly reason: 'no-anchor' | 'too-long' };

/** How the continuation began. */
export type SeamOutcome = 'exact' | 'restart' | 'further-back' | 'preamble' | 'overlap' | 'direct';

export interface Seam {
  /** Takes the next piece of the continuation's text. */
  push(text: string): SeamStep;
  /** The continuation's text has ended. */
  end(): SeamStep;
}

/** A preamble longer than this (without white space) is no preamble. */
const maxPreamble = 600;
/** Less in common than this (without white space) may be chance, unless it is the very beginning that was asked for. */
const minOverlap = { strict: 24, lenient: 12 };
const holding: SeamStep = { status: 'holding' };

/**
 * Begins to look for the seam.
 *
 * Texts are compared without their white space, because that is what models lose, add and double; the white space at the
 * seam itself is then settled against what the reader has.
 */
export function createSeam(input: SeamInput): Seam {
  return input.form === 'prefill' ? prefillSeam(input.trimmed) : userTurnSeam(input);
}

/** The model continues a prefill exactly, but for the white space that had to be cut off. */
function prefillSeam(trimmed: string): Seam {
  let text = '';
  const found = (): SeamStep => {
    let same = 0;
    while (same < trimmed.length && text[same] === trimmed[same]) same += 1;
    return { status: 'found', emit: text.slice(same), outcome: 'direct' };
  };
  return {
    push(piece) {
      text += piece;
      return text.length < trimmed.length && trimmed.startsWith(text) ? holding : found();
    },
    end: found,
  };
}

function userTurnSeam({ delivered, anchor, strictness = 'strict' }: SeamInput): Seam {
  const whole = compact(delivered);
  const mark = compact(anchor);
  const unique = mark.length >= minOverlap[strictness] && whole.indexOf(mark) === whole.length - mark.length;
  /** What came so far, and the same without white space. */
  let text = '';
  let dense = '';
  let searched = 0;

  const look = (ended: boolean): SeamStep => {
    const found = (denseLength: number, outcome: SeamOutcome): SeamStep => {
      const rest = text.slice(positionAfter(text, denseLength));
      // The white space at the seam, and the tag some models repeat, can only be judged by what follows them.
      if (!ended && closingTag.startsWith(rest.trim().slice(0, closingTag.length))) return holding;
      return { status: 'found', emit: settleWhiteSpace(delivered, afterTag(rest)), outcome };
    };
    if (mark === '') return found(0, 'direct');
    const restarting = whole.length > mark.length && (dense.length < whole.length ? whole.startsWith(dense) : dense.startsWith(whole));
    if (restarting && dense.length >= whole.length) return found(whole.length, 'restart');
    if (dense.startsWith(mark)) {
      // In a text that repeats itself the anchor may also be its beginning: wait until the two ways part.
      if (restarting && !ended) return holding;
      return found(mark.length, 'exact');
    }
    if (restarting && !ended) return holding;
    if (mark.startsWith(dense) && !ended) return holding;

    const at = findFrom();
    if (at > 0) {
      const before = dense.slice(0, at);
      if (whole.endsWith(before + mark)) return found(at + mark.length, 'further-back');
      if (unique && (at <= maxPreamble || strictness === 'lenient')) return found(at + mark.length, 'preamble');
    }
    const overlap = ended || dense.length >= mark.length ? longestOverlap(whole, dense, minOverlap[strictness]) : 0;
    // Part of an overlap may still be growing.
    if (overlap > 0 && (ended || overlap < dense.length)) return found(overlap, 'overlap');
    if (ended) return { status: 'failed', reason: 'no-anchor' };
    const most = strictness === 'lenient' ? Math.max(maxPreamble, whole.length * 2) : maxPreamble;
    return dense.length > most + mark.length ? { status: 'failed', reason: 'too-long' } : holding;
  };

  function findFrom(): number {
    const at = dense.indexOf(mark, searched);
    if (at === -1) searched = Math.max(0, dense.length - mark.length);
    return at;
  }

  return {
    push(piece) {
      text += piece;
      dense += compact(piece);
      // The other half of a character is still to come.
      return isHighSurrogate(text.charCodeAt(text.length - 1)) ? holding : look(false);
    },
    end: () => look(true),
  };
}

/**
 * The last words of `text`: whole words, long enough to occur only once in it if that is possible, at most 400 characters.
 * Everything, if there is not more than a few words.
 */
export function chooseAnchor(text: string): string {
  for (const length of [80, 160, 400]) {
    if (text.length <= length) return text;
    const anchor = text.slice(wordStart(text, text.length - length));
    if (length === 400 || text.indexOf(anchor) === text.length - anchor.length) return anchor;
  }
  return text;
}

/** The next beginning of a word at or after `from`, or `from` itself where nothing separates words; never half a character. */
function wordStart(text: string, from: number): number {
  const space = text.slice(from, from + 40).search(/\s\S/);
  if (space !== -1) return from + space + 1;
  return isLowSurrogate(text.charCodeAt(from)) ? from + 1 : from;
}

const compact = (text: string): string => text.replace(/\s+/g, '');
const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

/** The position in `text` right after its first `count` characters that are no white space. */
function positionAfter(text: string, count: number): number {
  let at = 0;
  for (let seen = 0; seen < count; at += 1) if (!/\s/.test(text[at] as string)) seen += 1;
  return at;
}

const closingTag = '</anchor>';

/** Some models repeat the tag that marked the anchor. */
const afterTag = (text: string): string => (text.trimStart().startsWith(closingTag) ? text.trimStart().slice(closingTag.length) : text);

/** Lets through only the white space at the seam that the reader does not have yet. */
function settleWhiteSpace(delivered: string, rest: string): string {
  const had = /\s*$/.exec(delivered)?.[0] ?? '';
  const comes = /^\s*/.exec(rest)?.[0] ?? '';
  if (had === '') return rest;
  // Doubled by the model: no text has two spaces between words.
  if (had === ' ' && /^ +$/.test(comes)) return rest.slice(comes.length);
  if (comes.startsWith(had)) return rest.slice(had.length);
  return rest.slice(comes.length);
}

/** The length of the longest end of `whole` that begins `text`, if it is at least `least`. */
function longestOverlap(whole: string, text: string, least: number): number {
  for (let length = Math.min(whole.length, text.length); length >= least; length -= 1) {
    if (whole.endsWith(text.slice(0, length))) return length;
  }
  return 0;
}
