import type { Answer } from '@holdfast/testing';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { classify } from '../policy/classify.ts';
import { planRecovery, requestFacts } from './recovery.ts';
import { Splice, type SpliceOptions } from './splice.ts';
import { EventScanner, readEvent } from '../wire/sse.ts';
import { cutUp, holds, joined, pieceSizes } from './testing/holds.ts';
import { continuation } from './testing/mend.ts';
import { anyAnswer, framesOf, mutated, mutations } from './testing/mutations.ts';
import { readStrictly, type ReadMessage } from './testing/strict-reader.ts';
import { deliveredText, type Transcript } from './transcript.ts';

type Wire = Record<string, unknown>;

const options: fc.Arbitrary<SpliceOptions> = fc.record({
  tools: fc.constantFrom('message', 'block', 'live'),
  liveThinking: fc.boolean(),
  holdAll: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  stopSequences: fc.constantFrom([], [], ['harbour fills'], ['\n']),
  strict: fc.constant(true),
});

interface Told {
  readonly bytes: Uint8Array;
  readonly sizes: readonly number[];
  readonly how: 'end' | 'socket' | 'stall';
}

/** Feeds one attempt, and hands on what the reader gets. */
function tell(splice: Splice, { bytes, sizes, how }: Told, given: Uint8Array[]): void {
  const take = (): void => {
    const piece = splice.take();
    // Never nothing, and never anything that changes later.
    if (piece) expect(given.push(piece) && piece.length).toBeGreaterThan(0);
  };
  for (const piece of cutUp(bytes, sizes)) {
    splice.push(piece);
    take();
  }
  if (how === 'end') splice.end();
  else splice.fail(how);
  take();
}

const inputOf = (json: string): unknown => {
  try {
    return json === '' ? {} : JSON.parse(json);
  } catch {
    return json;
  }
};

/** The reader's blocks as far as a transcript speaks of them. */
const seen = ({ content }: ReadMessage): unknown[] =>
  content.map(({ type, text, thinking, input }) => [
    type,
    type === 'tool_use' ? input : type === 'thinking' ? (thinking ?? '') : type === 'text' ? (text ?? '') : null,
  ]);
const recorded = ({ blocks }: Transcript): unknown[] =>
  blocks.map(({ type, text }) => [type, type === 'tool_use' ? inputOf(text) : type === 'thinking' || type === 'text' ? text : null]);

/** What must be true whenever the splice has nothing more to say about an attempt. */
function expectTruth(splice: Splice, given: readonly Uint8Array[], { tools }: SpliceOptions): ReadMessage {
  const read = readStrictly(joined(given), { damaged: true });
  const transcript = splice.transcript();
  expect(splice.state.type).not.toBe('open');
  if (transcript.message === null) expect(read.content).toEqual([]);
  // After the end the reader has what a transcript no longer tells.
  if (splice.state.type === 'broken') expect(recorded(transcript)).toEqual(seen(read));
  else expect(read.whole).toBe(true);
  for (const { input, output, cacheRead, cacheCreation } of splice.usage())
    for (const count of [input, output, cacheRead, cacheCreation]) expect(count).toSatisfy((n: number) => Number.isFinite(n) && n >= 0);
  if (tools !== 'live' && (read.stopReason === 'tool_use' || splice.state.type === 'broken'))
    for (const { type, input } of read.content) if (type === 'tool_use') expect(input).toBeTypeOf('object');
  expect(({} as Wire)['polluted']).toBeUndefined();
  return read;
}

/** All text a stream speaks of, whoever it belongs to. */
function textIn(bytes: Uint8Array): string {
  let said = '';
  new EventScanner().push(joined([bytes, new Uint8Array([120])]), (all, start, end) => {
    const { name, data } = readEvent(all, start, end);
    for (const part of partsOf(name, data))
      if (part?.['type'] === 'text' || part?.['type'] === 'text_delta') said += String(part['text'] ?? '');
    return true;
  });
  return said;
}

function partsOf(name: string, data: string): (Wire | undefined)[] {
  if (name === '' || name === 'ping') return [];
  try {
    const { type, delta, content_block: block } = JSON.parse(data) as { type?: string; delta?: Wire; content_block?: Wire };
    return type === 'content_block_delta' ? [delta] : type === 'content_block_start' ? [block] : [];
  } catch {
    // Nothing is said by what cannot be read.
    return [];
  }
}

const told = fc.record({ list: mutations, sizes: pieceSizes, how: fc.constantFrom('end' as const, 'socket' as const, 'stall' as const) });

describe('a stream that somebody has damaged', () => {
  holds(
    'never makes the splice throw, nor the reader see an impossible stream or a text that was not sent',
    fc.property(anyAnswer, anyAnswer, told, options, (answer, other, { list, sizes, how }, chosen) => {
      const bytes = mutated(framesOf(answer, 'msg_1'), list, framesOf(other, 'msg_2', 4));
      const splice = new Splice(chosen);
      const given: Uint8Array[] = [];
      tell(splice, { bytes, sizes, how }, given);

      expectTruth(splice, given, chosen);
      const transcript = splice.transcript();
      // A block of an unknown kind has its text for itself.
      if (transcript.blocks.every(({ type }) => ['text', 'thinking', 'tool_use'].includes(type)))
        expect(textIn(bytes).startsWith(deliveredText(transcript))).toBe(true);
    }),
    500,
  );

  holds(
    'is handed on byte for byte where nobody asked to heal it, whatever it says',
    fc.property(anyAnswer, anyAnswer, told, (answer, other, { list, sizes, how }) => {
      const bytes = mutated(framesOf(answer, 'msg_1'), list, framesOf(other, 'msg_2', 4));
      const splice = new Splice({ tools: 'live', liveThinking: true, holdAll: false, stopSequences: [], strict: false });
      const given: Uint8Array[] = [];
      tell(splice, { bytes, sizes, how }, given);

      const all = joined(given);
      expect(all).toEqual(bytes.slice(0, all.length));
      const { state } = splice;
      if (state.type === 'broken') expect(['early-end', 'socket', 'stall', 'malformed', 'error']).toContain(state.problem);
    }),
    500,
  );

  holds(
    'is joined by other attempts to one possible stream, or surfaced',
    fc.property(anyAnswer, anyAnswer, fc.array(told, { minLength: 1, maxLength: 4 }), options, (answer, other, attempts, chosen) => {
      const splice = new Splice(chosen);
      const given: Uint8Array[] = [];
      let asked: Answer = answer;
      for (const [number, { list, sizes, how }] of attempts.entries()) {
        const bytes = mutated(framesOf(asked, `msg_${number}`, number), list, framesOf(other, 'msg_other', 9));
        tell(splice, { bytes, sizes, how }, given);
        const read = expectTruth(splice, given, chosen);
        const { state } = splice;
        if (state.type !== 'broken') return;
        // What one process writes down, another can begin with.
        const transcript = JSON.parse(JSON.stringify(splice.transcript())) as Transcript;
        const replayed = Splice.replay(chosen, transcript);
        if (transcript.message !== null)
          expect(seen(readStrictly(replayed.take() ?? new Uint8Array(0), { damaged: true }))).toEqual(seen(read));

        const plan = planRecovery({
          transcript,
          stopKnown: splice.stopKnown,
          facts: requestFacts({}),
          verdict: classify({ type: 'stream-break', problem: 'socket' }),
          options: { heal: true, thinking: 'auto' },
          resumesLeft: attempts.length - 1 - number,
        });
        switch (plan.type) {
          case 'surface':
            return;
          case 'finish':
          case 'close': {
            splice.finish(plan.type === 'close' ? 'tool_use' : null);
            const last = splice.take();
            if (last) given.push(last);
            const { content, stopReason } = expectTruth(splice, given, chosen);
            if (plan.type === 'close') for (const { type, input } of content) if (type === 'tool_use') expect(input).toBeTypeOf('object');
            expect(stopReason).toBeTypeOf('string');
            return;
          }
          case 'restart':
            splice.resume(transcript.message === null ? { type: 'fresh' } : plan);
            asked = answer;
            break;
          case 'continue': {
            const { index, delivered, anchor } = plan;
            splice.resume({ type: 'continue', index, seam: { form: 'user-turn', delivered, anchor, trimmed: '' } });
            asked = goingOn(answer, delivered, anchor);
          }
        }
      }
    }),
    300,
  );
});

/** What an honest model would go on with; the answer itself if the reader has something else. */
function goingOn(answer: Answer, delivered: string, anchor: string): Answer {
  try {
    return continuation(answer, delivered, anchor, false);
  } catch {
    return answer;
  }
}

describe('a stream that nobody has damaged', () => {
  holds(
    'reaches the reader whole, whatever its pieces',
    fc.property(anyAnswer, pieceSizes, options, (answer, sizes, chosen) => {
      const splice = new Splice(chosen);
      const given: Uint8Array[] = [];
      tell(splice, { bytes: mutated(framesOf(answer, 'msg_1'), [], []), sizes, how: 'end' }, given);

      expect(splice.state).toEqual({ type: 'done', by: 'upstream' });
      expect(readStrictly(joined(given))).toMatchObject({ content: answer.content, stopReason: answer.stopReason, whole: true });
    }),
    150,
  );
});
