import { describe, expect, it } from 'vitest';
import { chooseAnchor } from './anchor.ts';
import { createSeam, type SeamStep } from './seam.ts';

const delivered =
  'The harbour master kept the brass instruments before the first frost. A lighthouse keeper remembered a ledger of arrivals while the kett';
const rest = 'le sang. Nobody on the pier counted the colour of the water.';

/** Feeds `text` in pieces of `size`; what reaches the reader, or why nothing does. */
function join(
  text: string,
  options: { size?: number; from?: string; strictness?: 'strict' | 'lenient' } = {},
): { emitted: string; outcome: string } {
  const { size = 5, from = delivered, strictness = 'strict' } = options;
  const seam = createSeam({ form: 'user-turn', delivered: from, anchor: chooseAnchor(from), trimmed: '', strictness });
  let emitted = '';
  let found: string | null = null;
  const take = (step: SeamStep): string | null => {
    if (step.status === 'failed') return step.reason;
    if (step.status === 'found') {
      found = step.outcome;
      emitted += step.emit;
    }
    return null;
  };
  for (let at = 0; at < text.length; at += size) {
    const piece = text.slice(at, at + size);
    if (found !== null) emitted += piece;
    else {
      const failed = take(seam.push(piece));
      if (failed) return { emitted, outcome: failed };
    }
  }
  const failed = found === null ? take(seam.end()) : null;
  return { emitted, outcome: failed ?? found ?? 'holding' };
}

describe('the seam', () => {
  const rows: [what: string, write: (anchor: string) => string, outcome: string][] = [
    ['the anchor, word for word', (anchor) => anchor + rest, 'exact'],
    ['the anchor with its white space doubled', (anchor) => anchor.replaceAll(' ', '  ') + rest, 'exact'],
    ['the anchor with its white space lost', (anchor) => anchor.replaceAll(' ', '') + rest, 'exact'],
    ['the anchor, with the closing tag repeated', (anchor) => `${anchor}</anchor>${rest}`, 'exact'],
    ['a preamble', (anchor) => `Of course. Here is the rest:\n\n${anchor}${rest}`, 'preamble'],
    ['more of the end than was asked for', () => delivered.slice(-120) + rest, 'further-back'],
    ['everything from the beginning', () => delivered + rest, 'restart'],
    ['the middle of a word', (anchor) => anchor.slice(4) + rest, 'overlap'],
  ];
  it.each(rows)('is found after %s, in pieces of any size', (_, write, outcome) => {
    const text = write(chooseAnchor(delivered));
    for (const size of [1, 3, 7, 50, 10_000]) expect(join(text, { size })).toEqual({ emitted: rest, outcome });
  });

  it.each([
    [
      'another text altogether',
      'Quite another story begins here, with ships and weather and much else that nobody asked about at all. '.repeat(12),
    ],
    ['the rest alone', rest],
    ['nothing', ''],
    ['a few of the last words', `${delivered.slice(-9)}${rest}`],
  ])('is not found in %s: nothing is let through', (_, text) => {
    expect(join(text)).toMatchObject({ emitted: '', outcome: expect.stringMatching(/no-anchor|too-long/) as string });
  });

  it('accepts a shorter overlap only when asked to', () => {
    const text = delivered.slice(-18) + rest;

    expect(join(text).outcome).toBe('no-anchor');
    expect(join(text, { strictness: 'lenient' })).toEqual({ emitted: rest, outcome: 'overlap' });
  });

  it('finds its way in a text that repeats itself, when it goes on and when it starts over', () => {
    const from = 'ha '.repeat(100);
    const anchored = chooseAnchor(from);

    expect(join(`${anchored}and then silence.`, { from }).emitted).toBe('and then silence.');
    expect(join(`${from}and then silence.`, { from }).emitted).toBe('and then silence.');
  });

  it.each([
    ['a space that both have', 'one two ', 'one two three', 'three'],
    ['a space that was doubled', 'one two ', 'one two  three', 'three'],
    ['a space that was lost', 'one two ', 'one twothree', 'three'],
    ['a space that the reader lacks', 'one two', 'one two three', ' three'],
    ['half a paragraph break', 'one two\n', 'one two\n\nthree', '\nthree'],
    ['half an indentation', 'one two\n  ', 'one two\n    three', '  three'],
  ])('settles %s', (_, from, text, emitted) => {
    expect(join(text, { from, size: 1 }).emitted).toBe(emitted);
  });

  it('never lets half a character through', () => {
    const from = 'A long enough beginning of a sentence that ends in a family: ';
    const text = `${from}👩‍👩‍👧‍👦 and more.`;
    const seam = createSeam({ form: 'user-turn', delivered: from, anchor: chooseAnchor(from), trimmed: '' });
    for (const unit of text.split('')) {
      const step = seam.push(unit);
      if (step.status !== 'found') continue;
      expect(step.emit).not.toMatch(/[\ud800-\udbff]$/);
      return;
    }
    expect.fail('no seam');
  });

  it('after a prefill skips exactly the white space that was cut off', () => {
    const after = (trimmed: string, text: string): string => {
      const seam = createSeam({ form: 'prefill', delivered: 'x', anchor: '', trimmed });
      let emitted = '';
      for (const piece of text) {
        const step = emitted === '' ? seam.push(piece) : null;
        emitted += step ? (step.status === 'found' ? step.emit : '') : piece;
      }
      const last = emitted === '' ? seam.end() : null;
      return last?.status === 'found' ? last.emit : emitted;
    };

    expect(after('\n\n', '\n\nNext')).toBe('Next');
    expect(after(' ', 'next')).toBe('next');
    expect(after('', ' next')).toBe(' next');
    expect(after('\n', '\n  indented')).toBe('  indented');
  });
});

describe('the anchor', () => {
  it('is everything when there is little', () => {
    expect(chooseAnchor('Hello')).toBe('Hello');
  });

  it('begins with a whole word and occurs only once, if it can', () => {
    const text = `${'The tide came in and the tide went out. '.repeat(6)}Then the lamps were lit along the quay and nobody spoke. The tide came in and the tide went out.`;
    const anchor = chooseAnchor(text);

    expect(text.endsWith(anchor)).toBe(true);
    expect(text.indexOf(anchor)).toBe(text.length - anchor.length);
    expect(text[text.length - anchor.length - 1]).toMatch(/\s/);
  });

  it('never begins with half a character', () => {
    for (let length = 80; length < 120; length += 1) expect(chooseAnchor('😀'.repeat(length))).toMatch(/^[\ud800-\udbff]/);
  });
});

describe('invisible characters where the text goes on', () => {
  it.each([1, 2, 100])('are no reason to go on before the white space among them was compared, in pieces of %i', (size) => {
    const from = `${delivered}\u200b\n`;

    expect(join(`${chooseAnchor(from)}${rest}`, { from, size }).emitted).toBe(rest);
  });
});
