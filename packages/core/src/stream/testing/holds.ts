// Properties: claims that must hold for whatever is thrown at them. In the suite a few runs with a fixed seed; `pnpm fuzz` gives
// the same claims a random seed and as many runs as fit into its time.

import fc from 'fast-check';
import { it } from 'vitest';

const { FUZZ_MS, FUZZ_SEED = '20260101', FUZZ_PATH, MOST_RUNS = 'Infinity', MEGABYTES } = process.env;
const fuzzMs = Number(FUZZ_MS ?? 0);

/** A test that takes many megabytes. Mutation tests leave it out (`vitest.mutation.config.ts`). */
export const itTakesMegabytes: typeof it.skip = MEGABYTES === 'no' ? it.skip : it;

/** Checks `property` with `runs` inputs, or for as long as the fuzzer says. A failure is shrunk, and says how to see it again. */
export function holds<T>(claim: string, property: fc.IRawProperty<T>, runs: number): void {
  it(
    claim,
    async () => {
      const details = await fc.check<T>(property, {
        seed: Number(FUZZ_SEED),
        ...(FUZZ_PATH === undefined ? {} : { path: FUZZ_PATH, endOnFailure: true }),
        ...(fuzzMs > 0
          ? { numRuns: Number.MAX_SAFE_INTEGER, plugins: [fc.interruptAfterTimeLimit(fuzzMs)] }
          : { numRuns: Math.min(runs, Number(MOST_RUNS)) }),
      });
      if (details.failed) {
        const again = `npx -y pnpm@12 fuzz --seed ${details.seed} --path ${details.counterexamplePath ?? ''} --only '${claim}'`;
        throw new Error(`${fc.defaultReportMessage(details)}\n\nSee it again: ${again}`, { cause: details.errorInstance });
      }
      if (fuzzMs > 0) console.log(`${details.numRuns} runs: ${claim}`);
    },
    fuzzMs + 120_000,
  );
}

/** Texts that are hard on whoever cuts, escapes or compares them: half characters, marks, invisible ones, quotes, tags. */
export const wildText: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...'ab \n"\\/é“”—-',
          'e\u0301',
          '\ud83c',
          '\udf89',
          '🎉',
          '\u2028',
          '\0',
          '\u001f',
          '\u007f',
          '\ufeff',
          '\u200d',
          '\u00ad',
        ),
        fc.constantFrom('</anchor>', '<anchor>', 'the ', 'The tide ', '  ', '```', '가', '각', '\u1100'),
        fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join('')),
);

/** `whole` in pieces whose lengths are taken from `sizes`, over and over. */
export function cutUp(whole: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < whole.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? whole.length;
    // A copy each: what is kept of a chunk must not be the chunk.
    pieces.push(whole.slice(at, at + size));
    at += size;
  }
  return pieces;
}

export const pieceSizes: fc.Arbitrary<number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 400 }), fc.constant(1e9)),
  { minLength: 1, maxLength: 8 },
);

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
