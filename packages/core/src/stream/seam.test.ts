import { describe, expect, it } from 'vitest';
import { chooseAnchor } from './anchor.ts';
import { startOfLast } from './comparable.ts';
import { createSeam, type SeamInput, type SeamStep } from './seam.ts';

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

  it.each<[what: string, write: (anchor: string) => string, outcome: string]>([
    ['the anchor between the tags that marked it', (anchor) => `<anchor>${anchor}</anchor>${rest}`, 'exact'],
    ['white space and the tags', (anchor) => `\n <anchor>${anchor}</anchor>${rest}`, 'exact'],
    ['the opening tag alone', (anchor) => `<anchor>${anchor}${rest}`, 'exact'],
    ['the closing tag behind white space', (anchor) => `${anchor}\n</anchor>${rest}`, 'exact'],
    ['a preamble that quotes the anchor', (anchor) => `It ended with "${anchor}", so I go on: ${anchor}${rest}`, 'preamble'],
    ['a preamble that quotes more than the anchor', (anchor) => `It was (${delivered.slice(-90)}), I see. ${anchor}${rest}`, 'preamble'],
    ['a preamble that quotes with a mark on one side only', (anchor) => `Of course: "${anchor}${rest}`, 'preamble'],
    ['a preamble of 600 characters', (anchor) => `${'w'.repeat(599)} ${anchor}${rest}`, 'preamble'],
  ])('is found after %s, whatever its pieces', (_, write, outcome) => {
    for (const size of [1, 3, 50, 10_000]) expect(join(write(chooseAnchor(delivered)), { size })).toEqual({ emitted: rest, outcome });
  });

  it.each(['""', "''", '«»', '``', '()', '[]', '**', '__'])('is not in a quotation: %s', (marks) => {
    const anchor = chooseAnchor(delivered);

    expect(join(`So: ${marks[0]}${anchor}${marks[1]}. ${anchor}${rest}`)).toEqual({ emitted: rest, outcome: 'preamble' });
  });

  it('takes an anchor of nothing but white space, or of other words, for the whole text', () => {
    for (const anchor of ['', ' \n', 'other words']) {
      const seam = createSeam({ form: 'user-turn', delivered, anchor, trimmed: '' });

      expect(seam.push(`${delivered}${rest}`)).toEqual({ status: 'found', emit: rest, outcome: 'exact' });
    }
  });

  it('is strict where nobody says otherwise', () => {
    const seam = createSeam({ form: 'user-turn', delivered, anchor: chooseAnchor(delivered), trimmed: '' });

    expect([seam.push(delivered.slice(-18) + rest), seam.end()]).toEqual([
      { status: 'holding' },
      { status: 'failed', reason: 'no-anchor' },
    ]);
  });

  it('accepts an overlap where nobody says how strict to be', () => {
    const seam = createSeam({ form: 'user-turn', delivered, anchor: chooseAnchor(delivered), trimmed: '' });

    expect(seam.push(delivered.slice(-40) + rest)).toEqual({ status: 'found', emit: rest, outcome: 'overlap' });
  });

  it('takes 24 characters in common for no chance, and fewer for one', () => {
    expect(join(delivered.slice(startOfLast(delivered, 24)) + rest)).toEqual({ emitted: rest, outcome: 'overlap' });
    expect(join(delivered.slice(startOfLast(delivered, 23)) + rest).outcome).toBe('no-anchor');
  });

  it('needs no more of the anchor behind other words than occurs only once', () => {
    expect(join(`Of course: ${delivered.slice(-50)}${rest}`)).toEqual({ emitted: rest, outcome: 'preamble' });
    expect(join('Of course: one two three', { from: 'one two' })).toEqual({ emitted: '', outcome: 'no-anchor' });
  });

  it('is found before the continuation has ended, once nothing can make it doubtful', () => {
    const anchor = chooseAnchor(delivered);
    const seam = createSeam({ form: 'user-turn', delivered, anchor, trimmed: '' });

    expect(seam.push(`Of course: ${anchor}`)).toEqual({ status: 'holding' });
    expect(seam.push('le sang, '.repeat(60))).toMatchObject({ status: 'found', outcome: 'preamble' });
  });

  it('is at the end of a continuation that says no more than its anchor behind other words', () => {
    expect(join(`Of course: ${chooseAnchor(delivered)}`)).toEqual({ emitted: '', outcome: 'preamble' });
  });

  it('is found in one piece of any length', () => {
    expect(join(chooseAnchor(delivered) + rest.repeat(1_000), { size: 1e6 })).toEqual({ emitted: rest.repeat(1_000), outcome: 'exact' });
  });

  it('goes by the shortest end of the anchor that occurs only once', () => {
    const line = 'and the boats came in with the tide as they had before ';
    const from = `${line}${'w'.repeat(60)} Nobody was there to see it but the keeper ${line}`;
    const anchor = chooseAnchor(from);

    expect(join(`As I said: ${anchor}again.`, { from }).emitted).toBe('again.');
    expect(join(`As I said: ${line}again.`, { from }).emitted).toBe('');
  });

  it('is not found where the anchor comes twice behind other words: either may be the place', () => {
    const anchor = chooseAnchor(delivered);

    for (const size of [1, 10_000]) {
      expect(join(`Well: ${anchor}, that is ${anchor}${rest}`, { size })).toEqual({ emitted: '', outcome: 'ambiguous' });
      expect(join(`Well: ${anchor}${rest} ${rest.repeat(4)} ${anchor}`, { size }).outcome).toBe('preamble');
    }
  });

  it('is not waited for without end', () => {
    const anchor = chooseAnchor(delivered);
    const talk = Array.from({ length: 400 }, (_, i) => `word${i}`).join(' ');

    expect(join(`${talk} ${anchor}${rest}`)).toEqual({ emitted: '', outcome: 'too-long' });
    expect(join(`${talk} ${anchor}${rest}`, { size: 100_000 })).toEqual({ emitted: '', outcome: 'too-long' });
    expect(join(`${anchor}${' '.repeat(20_000)}`)).toEqual({ emitted: '', outcome: 'too-long' });
    expect(join(' '.repeat(20_000))).toEqual({ emitted: '', outcome: 'too-long' });
  });

  it('may come behind more words where that was asked for, as long as they are no longer than twice the text', () => {
    const from = `${delivered} ${'Nobody knew the way, and the lamps burned low in every other window. '.repeat(10)}Then the last boat`;
    const talk = (length: number): string => Array.from({ length }, (_, i) => `word${i} `).join('');
    const anchor = chooseAnchor(from);

    expect(join(`${talk(120)}${anchor} sailed.`, { from, strictness: 'lenient' })).toEqual({ emitted: ' sailed.', outcome: 'preamble' });
    expect(join(`${talk(120)}${anchor} sailed.`, { from }).outcome).toBe('too-long');
    expect(join(`${talk(400)}${anchor} sailed.`, { from, strictness: 'lenient' }).outcome).toBe('too-long');
  });

  it('is right at the beginning where the reader has nothing but white space', () => {
    expect(join('The tide', { from: '\n\n' })).toEqual({ emitted: 'The tide', outcome: 'direct' });
  });

  it('is at the end of a continuation that is no longer than its anchor', () => {
    for (const size of [1, 10_000]) expect(join(chooseAnchor(delivered), { size })).toEqual({ emitted: '', outcome: 'exact' });
  });

  it.each([1, 2, 10_000])('completes a character of which the reader has half, in pieces of %i', (size) => {
    const from = `${delivered} \ud83c`;
    const anchor = chooseAnchor(from);

    expect(join(`${anchor}\udf89 and ${rest}`, { from, size })).toEqual({ emitted: `\udf89 and ${rest}`, outcome: 'exact' });
    expect(join(`${anchor.slice(0, -1)}and ${rest}`, { from, size })).toEqual({ emitted: '', outcome: 'no-anchor' });
    expect(join(anchor.slice(0, -1), { from, size })).toEqual({ emitted: '', outcome: 'exact' });
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
    ['a line break that became a space', 'one two\n', 'one two three', 'three'],
    ['a space that became a line break', 'one two ', 'one two\nthree', '\nthree'],
    ['a line break that became a paragraph with an indentation', 'one two \n', 'one two\n\n  three', '\n  three'],
    ['a space that became three line breaks', 'one two ', 'one two\n\n\nthree', '\n\n\nthree'],
    ['what cannot be seen, and was left out', 'one two\u200b', 'one two three', ' three'],
    ['a space doubled where spaces are doubled', 'one  two three ', 'one  two three  four', ' four'],
    ['a space doubled in code', '```\nif a: ', '```\nif a:  b', ' b'],
    ['a space doubled behind code', '```\na\n``` and ', '```\na\n``` and  b', 'b'],
    ['a space behind the closing tag', 'one two ', 'one two</anchor>  three', 'three'],
    ['an indentation of one', 'one two\n', 'one two\n three', ' three'],
    ['spaces behind a space and what cannot be seen', 'one two \u200b', 'one two   three', '  three'],
    ['spaces and a line break that became a paragraph', 'one two  \n', 'one two\n\nthree', '\nthree'],
    ['a space that became three', 'one two ', 'one two   three', '  three'],
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
    expect(after(' \n', '\nNext')).toBe('\nNext');
    expect(after('\n\n', '\nNext')).toBe('Next');
    expect(after('\n\n', '\n')).toBe('');
  });
});

describe('after a prefill', () => {
  /** The steps of a seam over `pieces`, and at their end. */
  const steps = (trimmed: string, pieces: readonly string[]): SeamStep[] => {
    const seam = createSeam({ form: 'prefill', delivered: 'x', anchor: '', trimmed });
    const taken: SeamStep[] = [];
    for (const piece of pieces) {
      taken.push(seam.push(piece));
      if (taken.at(-1)?.status !== 'holding') return taken;
    }
    return [...taken, seam.end()];
  };
  const holding: SeamStep = { status: 'holding' };
  const found = (emit: string): SeamStep => ({ status: 'found', emit, outcome: 'direct' });

  it('waits for the rest of the white space that was cut off, and for the other half of a character', () => {
    expect(steps('\n\n', ['\n', '\n', 'x'])).toEqual([holding, found('')]);
    expect(steps('\n\n', ['\n'])).toEqual([holding, found('')]);
    expect(steps('', ['\ud83c', '\udf89'])).toEqual([holding, found('🎉')]);
    expect(steps('', [''])).toEqual([found('')]);
    expect(steps('', ['a'])).toEqual([found('a')]);
  });

  it('that ended in half a character, gives the other half', () => {
    expect(steps(' \ud83c', [' ', '\ud83c', '\udf89!'])).toEqual([holding, holding, found('\udf89!')]);
    expect(steps('\ud83c', ['no'])).toEqual([{ status: 'failed', reason: 'no-anchor' }]);
    expect(steps('\ud83c', [''])).toEqual([holding, found('')]);
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

/** What takes the square of these lengths takes minutes. */
describe('hostile texts of 200,000 characters', () => {
  const long = 200_000;
  const run = (delivered: string, text: string, piece: number, more: Partial<SeamInput> = {}): string => {
    const seam = createSeam({ form: 'user-turn', delivered, anchor: chooseAnchor(delivered), trimmed: '', ...more });
    for (let at = 0; at < text.length; at += piece) {
      const step = seam.push(text.slice(at, at + piece));
      if (step.status !== 'holding') return step.status;
    }
    return seam.end().status;
  };

  it.each<[string, string, string]>([
    ['periodic ones', 'a'.repeat(long) + 'b', 'a'.repeat(long)],
    ['a word again and again', 'the sea '.repeat(long / 8), 'the sea '.repeat(long / 8 + 1)],
    ['white space before the first word', 'word '.repeat(long / 5), ' '.repeat(long * 2)],
    ['white space at the seam', 'one two '.repeat(long / 8), 'one two '.repeat(long / 8) + ' '.repeat(long)],
    ['every tag there could be', Array.from({ length: long / 12 }, (_, index) => `<anchor-${index}>`).join(''), 'x'.repeat(5_000)],
  ])('%s, in pieces of any length', (_, delivered, text) => {
    for (const piece of [1, 400]) {
      expect(run(delivered, text, piece)).toMatch(/found|failed/);
      expect(run(delivered, text, piece, { strictness: 'lenient' })).toMatch(/found|failed/);
    }
  });

  it('a preamble of any length, where one is allowed', () => {
    const delivered = Array.from({ length: long / 10 }, (_, index) => `word ${index} `).join('');

    expect(run(delivered, 'something else entirely, '.repeat(long / 12), 1, { strictness: 'lenient' })).toBe('failed');
  });

  it('white space behind a prefill', () => {
    const space = ' '.repeat(long);

    expect(run(`word${space}`, `${space}next`, 1, { form: 'prefill', trimmed: space })).toBe('found');
  });
});
