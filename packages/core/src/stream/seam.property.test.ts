import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { anchorTag, chooseAnchor } from './anchor.ts';
import { comparable, gapAfter, gapBefore, restAfter, startOfLast } from './comparable.ts';
import { continuationBody } from './continuation.ts';
import { createSeam, type Seam, type SeamInput, type SeamStep } from './seam.ts';
import { holds, wildText } from './testing/holds.ts';

const words = fc
  .array(
    fc.constantFrom('The tide ', 'comes in ', 'twice a day, ', 'and the boats ', 'rise. ', 'Café ', '“so” ', 'naïve\n', '\n\n', 'x', '🎉 '),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));
const prose = fc.oneof({ weight: 3, arbitrary: words }, { weight: 1, arbitrary: wildText });

const isHalf = (text: string, at: number): boolean => /[\ud800-\udbff]/.test(text[at - 1] ?? '') && /[\udc00-\udfff]/.test(text[at] ?? '');

describe('comparable', () => {
  holds(
    'changes nothing the second time, and holds no white space',
    fc.property(prose, (text) => {
      expect(comparable(comparable(text))).toBe(comparable(text));
      expect(comparable(text)).not.toMatch(/\s/);
    }),
    200,
  );

  holds(
    'of two texts is that of both together, unless a character was cut in two',
    fc.property(prose, prose, (a, b) => {
      fc.pre(!isHalf(a + b, a.length));
      expect(comparable(a + b)).toBe(comparable(a) + comparable(b));
    }),
    200,
  );

  holds(
    'says where to go on: what was compared and the rest make the text',
    fc.property(prose, fc.nat({ max: 200 }), (text, count) => {
      const rest = restAfter(text, count);
      expect(comparable(rest)).toBe(comparable(text).slice(count));
    }),
    300,
  );

  holds(
    'leaves gaps at both ends to whoever asks for them',
    fc.property(prose, fc.nat({ max: 50 }), (text, count) => {
      expect(text.startsWith(gapBefore(text))).toBe(true);
      expect(text.endsWith(gapAfter(text))).toBe(true);
      expect(comparable(gapBefore(text) + gapAfter(text))).toBe('');
      const last = text.slice(startOfLast(text, count));
      expect(last.split('').filter((unit) => gapBefore(unit) === '').length).toBeLessThanOrEqual(count);
    }),
    200,
  );
});

describe('the anchor', () => {
  holds(
    'is the end of the text, and not most of a long one',
    fc.property(prose, (text) => {
      const anchor = chooseAnchor(text);
      expect(text.endsWith(anchor)).toBe(true);
      if (comparable(text) !== '') expect(comparable(anchor)).not.toBe('');
      expect(text).not.toContain(`<${anchorTag(text)}>`);
      expect(text).not.toContain(`</${anchorTag(text)}>`);
    }),
    200,
  );
});

interface Sought {
  readonly step: SeamStep;
  /** What the reader gets: what the seam let through, and everything after it. */
  readonly given: string;
}

function seek(seam: Seam, pieces: readonly string[]): Sought {
  for (const [at, piece] of pieces.entries()) {
    const step = seam.push(piece);
    if (step.status === 'found') return { step, given: step.emit + pieces.slice(at + 1).join('') };
    if (step.status === 'failed') return { step, given: '' };
  }
  const step = seam.end();
  return { step, given: step.status === 'found' ? step.emit : '' };
}

const pieced = (text: string, sizes: readonly number[]): string[] => {
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
};
const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });

describe('the seam', () => {
  holds(
    'is found by a model that repeats the anchor, and the reader has every word once',
    fc.property(prose, prose, sizes, (delivered, rest, cuts) => {
      fc.pre(comparable(delivered) !== '' && !/[\ud800-\udfff]/.test(delivered + rest));
      const anchor = chooseAnchor(delivered);
      fc.pre(!rest.includes('anchor'));
      // Whoever repeats the end and then happens to write the whole again cannot be told from one who began anew.
      const said = comparable(anchor + rest);
      const whole = comparable(delivered);
      fc.pre(comparable(anchor) === whole || !(said.startsWith(whole) || whole.startsWith(said)));

      const { step, given } = seek(createSeam({ form: 'user-turn', delivered, anchor, trimmed: '' }), pieced(anchor + rest, cuts));

      expect(step.status).toBe('found');
      expect(comparable(delivered + given)).toBe(comparable(delivered + rest));
    }),
    300,
  );

  holds(
    'lets through nothing but the end of what the model wrote, however it misbehaves',
    fc.property(
      fc.record({
        delivered: prose,
        form: fc.constantFrom('user-turn' as const, 'prefill' as const),
        strictness: fc.constantFrom('strict' as const, 'lenient' as const),
      }),
      fc.array(fc.oneof(fc.constant('anchor' as const), fc.constant('whole' as const), fc.constant('half' as const), prose), {
        maxLength: 4,
      }),
      sizes,
      ({ delivered, form, strictness }, parts, cuts) => {
        const anchor = chooseAnchor(delivered);
        const { trimmed } = continuationBody({
          body: {},
          transcript: {
            version: 1,
            message: {},
            usage: [],
            blocks: [{ index: 0, type: 'text', text: delivered, closed: false, citations: false, complete: false, start: {} }],
          },
          anchor,
          model: form === 'prefill' ? 'claude-haiku-4-5' : 'claude-opus-5-5',
          thinks: false,
          noPrefill: false,
        });
        const input: SeamInput = { form, delivered, anchor, trimmed: form === 'prefill' ? trimmed : '', strictness };
        const known = { anchor, whole: delivered, half: anchor.slice(anchor.length >> 1) };
        const said = parts.map((part) => (part in known ? known[part as keyof typeof known] : part)).join('');

        const { step, given } = seek(createSeam(input), pieced(said, cuts));

        expect(step.status).not.toBe('holding');
        if (step.status === 'found') expect(comparable(said).endsWith(comparable(given))).toBe(true);
      },
    ),
    300,
  );

  holds(
    'is the same however the text was cut into pieces',
    fc.property(
      prose,
      fc.array(fc.oneof(fc.constant('anchor' as const), prose), { maxLength: 3 }),
      sizes,
      sizes,
      (delivered, parts, some, others) => {
        const anchor = chooseAnchor(delivered);
        const said = parts.map((part) => (part === 'anchor' ? anchor : part)).join('');
        const input: SeamInput = { form: 'user-turn', delivered, anchor, trimmed: '' };

        expect(seek(createSeam(input), pieced(said, some)).given).toBe(seek(createSeam(input), pieced(said, others)).given);
      },
    ),
    300,
  );
});
