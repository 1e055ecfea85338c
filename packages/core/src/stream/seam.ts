// Finds where a continuation joins what the reader already has. Nothing is let through before the place is certain.

import { anchorTag } from './anchor.ts';
import { comparable, gapAfter, gapBefore, halfAtEnd, restAfter } from './comparable.ts';
import { Repetition } from './repetition.ts';

export interface SeamInput {
  /** `prefill`: the model goes on after the very last character. `user-turn`: it was asked to repeat the anchor first. */
  readonly form: 'prefill' | 'user-turn';
  /** The text of the open block as delivered. */
  readonly delivered: string;
  /** The last words of it, which the continuation was asked to repeat. */
  readonly anchor: string;
  /** What was cut off the end of a prefill, because the API rejects it there: white space, half a character. */
  readonly trimmed: string;
  /** `lenient` accepts shorter overlaps and a rewritten beginning of any length. Default `strict`. */
  readonly strictness?: 'strict' | 'lenient';
}

export type SeamStep =
  /** More text is needed. */
  | { readonly status: 'holding' }
  /** The place is found: `emit` is new to the reader. */
  | { readonly status: 'found'; readonly emit: string; readonly outcome: SeamOutcome }
  /** `no-anchor`: what was delivered is not continued. `ambiguous`: more than one place fits. `too-long`: it was not found in time. */
  | { readonly status: 'failed'; readonly reason: 'no-anchor' | 'ambiguous' | 'too-long' };

/** How the continuation began. */
export type SeamOutcome = 'exact' | 'restart' | 'further-back' | 'preamble' | 'overlap' | 'direct';

export interface Seam {
  /** Takes the next piece of the continuation's text. Not to be called any more once the seam was found or failed. */
  push(text: string): SeamStep;
  /** The continuation's text has ended. */
  end(): SeamStep;
}

/** Less in common than this may be chance, unless it is all of the anchor. Compared characters: about five words, or two and a half. */
const minOverlap = { strict: 24, lenient: 12 };
/** How many of the last characters must be there, word for word, behind words that were not asked for: about eight words. */
const coreLengths = [40, 80, 160, 320];
/** What was not asked for may be this long. Compared characters. */
const maxPreamble = 600;
/** After a preamble the anchor is waited for once more for this long: a preamble may quote it. Compared characters. */
const secondLook = 240;
/** White space and repetition are held up to twice what was delivered and this. Characters. */
const maxHeld = 8_192;
/** Up to here everything is searched with each piece; beyond, when it has grown by an eighth. Compared characters. */
const searchedWhole = 4_096;
const searchedAgain = 8;
const holding: SeamStep = { status: 'holding' };
const lost: SeamStep = { status: 'failed', reason: 'no-anchor' };
const tooLong: SeamStep = { status: 'failed', reason: 'too-long' };

/**
 * Begins to look for the seam.
 *
 * A continuation may repeat the anchor, less of it, more than it, everything from the beginning, or say something first. What
 * it repeats from its very first character is taken as far as it goes: while it could still be repeating, nothing is decided.
 * The anchor that was asked for wins where a text that repeats itself leaves a choice, unless everything was repeated.
 */
export function createSeam(input: SeamInput): Seam {
  return input.form === 'prefill' ? prefillSeam(input.trimmed) : userTurnSeam(input);
}

/** The model continues a prefill exactly, but for what had to be cut off. */
function prefillSeam(trimmed: string): Seam {
  const half = halfAtEnd(trimmed);
  const space = trimmed.slice(0, trimmed.length - half.length);
  /** How much of the space came again, and what came behind it. Nothing is looked at twice, in however small pieces it comes. */
  let same = 0;
  let rest = '';
  const take = (piece: string): void => {
    let at = 0;
    if (rest === '') for (; at < piece.length && same < space.length && piece[at] === space[same]; at += 1) same += 1;
    rest += piece.slice(at);
  };
  const look = (ended: boolean): SeamStep => {
    if (!ended && (rest === '' ? same < space.length || half !== '' : halfAtEnd(rest) !== '')) return holding;
    return completed(rest, half, 'direct');
  };
  return {
    push(piece) {
      take(piece);
      return look(false);
    },
    end: () => look(true),
  };
}

function userTurnSeam({ delivered, anchor, strictness = 'strict' }: SeamInput): Seam {
  const half = halfAtEnd(delivered);
  const had = half === '' ? delivered : delivered.slice(0, -1);
  const whole = comparable(had);
  const asked = comparable(half !== '' && anchor.endsWith(half) ? anchor.slice(0, -1) : anchor);
  /** An anchor of nothing but white space names no place. */
  const mark = asked !== '' && whole.endsWith(asked) ? asked : whole;
  const core = findCore(whole, mark, minOverlap[strictness]);
  const tag = anchorTag(delivered);
  const maxBefore = strictness === 'lenient' ? Math.max(maxPreamble, whole.length * 2) : maxPreamble;

  const fromAnchor = new Repetition(mark);
  const fromAnywhere = new Repetition(whole);
  let text = '';
  let dense = '';
  /** Text that is not compared yet: what may be the opening tag, the first half of a character. */
  let waiting = '';
  let hasBegun = false;
  let searched = 1;
  /** What cannot be searched in small pieces for ever is searched again only when it has grown by so much. */
  let searchFrom = 0;
  /** The last piece changed nothing that a decision could depend on. */
  let isUnchanged = false;
  /** The decision waits for the rest of a tag. */
  let isWithinTag = false;

  function take(piece: string, ended: boolean): void {
    const wasBlank = !hasBegun && isUnchanged;
    isUnchanged = !ended && gapBefore(piece) === piece && (hasBegun ? waiting === '' : wasBlank || waiting === '');
    waiting += piece;
    if (!hasBegun) {
      // Space before the first word: there may be any amount of it.
      if (isUnchanged) return;
      const opening = `<${tag}>`;
      const begin = waiting.trimStart();
      if (!ended && opening.startsWith(begin)) return;
      // Some models repeat the tags that marked the anchor.
      if (begin.startsWith(opening)) waiting = begin.slice(opening.length);
      hasBegun = true;
    }
    if (isUnchanged) {
      text += waiting;
      waiting = '';
      return;
    }
    const half = ended ? '' : halfAtEnd(waiting);
    const ready = half === '' ? waiting : waiting.slice(0, -1);
    const compared = comparable(ready);
    text += ready;
    dense += compared;
    waiting = half;
    fromAnchor.push(compared);
    fromAnywhere.push(compared);
  }

  function look(ended: boolean): SeamStep {
    if (ended) {
      fromAnchor.end();
      fromAnywhere.end();
    }
    // More white space behind what is held decides nothing; behind the beginning of a tag it does.
    const step = isUnchanged && !isWithinTag ? holding : judge(ended);
    const isTooLong = text.length + waiting.length > delivered.length * 2 + maxBefore + maxHeld;
    return step.status === 'holding' && isTooLong ? tooLong : step;
  }

  function judge(ended: boolean): SeamStep {
    if (!hasBegun || (waiting !== '' && !ended)) return holding;
    if (whole === '') return found(0, 'direct', ended);

    const repeatsAll = fromAnywhere.start === 0 && whole.length > mark.length;
    if (repeatsAll) return fromAnywhere.isComplete ? found(whole.length, 'restart', ended) : holding;
    if (fromAnchor.start === 0) return fromAnchor.isComplete ? found(mark.length, 'exact', ended) : holding;
    if (!fromAnywhere.isComplete) return holding;
    const repeated = whole.length - fromAnywhere.start;
    if (repeated > mark.length) return found(repeated, 'further-back', ended);
    if (repeated >= minOverlap[strictness]) return found(repeated, 'overlap', ended);

    const isLong = dense.length > maxBefore + mark.length + (core?.length ?? 0);
    if (!ended && !isLong && dense.length < searchFrom) return holding;
    if (dense.length > searchedWhole) searchFrom = dense.length + Math.floor(dense.length / searchedAgain);
    const behind = findBehindPreamble(ended);
    if (typeof behind === 'number') return found(behind, 'preamble', ended);
    if (behind !== null) return behind;
    if (ended) return lost;
    return isLong ? tooLong : holding;
  }

  /** Where the anchor ends that stands behind words nobody asked for; null if it is not there. */
  function findBehindPreamble(ended: boolean): number | SeamStep | null {
    if (core === null) return null;
    for (;;) {
      const at = dense.indexOf(core, searched);
      if (at === -1) {
        searched = Math.max(1, searched, dense.length - core.length + 1);
        return null;
      }
      if (at > maxBefore + mark.length) return tooLong;
      const end = at + core.length;
      if (!ended && dense.length < end + secondLook) return holding;
      if (isQuoted(dense, whole, at, end)) {
        searched = at + 1;
        continue;
      }
      const again = dense.indexOf(core, at + 1);
      return again !== -1 && again < end + secondLook ? { status: 'failed', reason: 'ambiguous' } : end;
    }
  }

  function found(count: number, outcome: SeamOutcome, ended: boolean): SeamStep {
    const rest = restAfter(text, count);
    const closing = `</${tag}>`;
    const after = rest.slice(gapBefore(rest).length);
    // The white space at the seam, and the tag some models repeat, can only be judged by what follows them.
    isWithinTag = after !== '' && closing.startsWith(after) && after !== closing;
    if (!ended && closing.startsWith(after)) return holding;
    const untagged = after.startsWith(closing) ? after.slice(closing.length) : rest;
    if (!ended && gapBefore(untagged) === untagged) return holding;
    return completed(settleGap(had, untagged), half, outcome);
  }

  return {
    push(piece) {
      take(piece, false);
      return look(false);
    },
    end() {
      take('', true);
      return look(true);
    },
  };
}

/** The reader has half a character: the other half must come first. */
function completed(emit: string, half: string, outcome: SeamOutcome): SeamStep {
  if (half === '' || emit === '') return { status: 'found', emit, outcome };
  return emit.startsWith(half) ? { status: 'found', emit: emit.slice(1), outcome } : lost;
}

/** The end of the anchor that is enough to recognise it behind other words: it occurs only once. Null if there is none. */
function findCore(whole: string, mark: string, least: number): string | null {
  for (const length of coreLengths) {
    const core = mark.slice(-length);
    if (core.length < least) return null;
    if (whole.indexOf(core) === whole.length - core.length) return core;
    if (core.length === mark.length) return null;
  }
  return null;
}

const closingMarks = new Map(['""', "''", '«»', '``', '()', '[]', '**', '__'].map(([opening, closing]) => [opening, closing]));

/** The anchor is spoken about, not continued: it stands in quotation marks of its own. */
function isQuoted(dense: string, whole: string, at: number, end: number): boolean {
  let begin = at;
  let from = whole.length - (end - at);
  while (from > 0 && dense[begin - 1] === whole[from - 1]) {
    begin -= 1;
    from -= 1;
  }
  const closing = closingMarks.get(dense[begin - 1]);
  return closing !== undefined && dense[end] === closing;
}

/** Lets through only the white space at the seam that the reader does not have yet. */
function settleGap(delivered: string, rest: string): string {
  const had = gapAfter(delivered);
  const comes = gapBefore(rest);
  let same = 0;
  while (same < had.length && had[same] === comes[same]) same += 1;
  const behind = rest.slice(comes.length);
  const missing = comes.slice(same);
  if (same === had.length) return missing === ' ' && had === ' ' && !keepsSpaces(delivered) ? behind : missing + behind;
  // Only what cannot be seen was left out.
  if (!/\s/.test(had.slice(same))) return missing + behind;
  // White space was changed: the reader keeps what there is, and gets the line breaks that are new.
  const breaks = comes.split('\n');
  const hadBreaks = had.split('\n').length - 1;
  return breaks.length - 1 > hadBreaks ? '\n' + breaks.slice(hadBreaks + 1).join('\n') + behind : behind;
}

/** Two spaces in a row mean something here: in code, or where they were written before. Elsewhere a model has doubled one. */
const keepsSpaces = (delivered: string): boolean => delivered.split('```').length % 2 === 0 || /\S {2,}\S/.test(delivered);
