// Every cut: each byte position, each kind of break, and breaks within what mends a break.

import { referenceAnswer, type Answer, type Scenario } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { play, wireOf, type Play, type Played } from './testing/mend.ts';

const size = 0.05;
/** Every byte; mutation tests, which run this once per mutant, thin it out (`vitest.mutation.config.ts`). */
const step = Number(process.env['CUT_STEP'] ?? 1);
const answers: [Scenario, Answer][] = (['text', 'multi-byte', 'multi-block', 'thinking', 'tools', 'text-and-tools'] as const).map(
  (scenario) => [scenario, referenceAnswer(scenario, 5, size)],
);

/** A continuation that adds nothing cannot be told from one that gave up: a cut right behind the last text is surfaced. */
const isUnsure = ({ content }: Answer, { message }: Played): boolean =>
  content.at(-1)?.type === 'text' && textOf(message?.content ?? []) === textOf(content);

const isSame = ({ message }: Played, { content, stopReason }: Answer): boolean =>
  message?.whole === true && message.stopReason === stopReason && JSON.stringify(message.content) === JSON.stringify(content);

const textOf = (content: Answer['content'] | readonly Record<string, unknown>[]): string =>
  content.map((block) => (block['type'] === 'text' ? String(block['text']) : '')).join('');

/** The exact answer of one uninterrupted generation, or the documented surface, and nothing else. */
function expectWhole(play: Play, played: Played, where: string): void {
  const { answer } = play;
  if (played.end !== 'done') {
    if (!isUnsure(answer, played)) expect.fail(`${where}: surfaced as ${played.end}`);
    return;
  }
  // A hundred thousand comparisons: the runner's own are a hundred times slower, and needed only to show a difference.
  if (isSame(played, answer)) return;
  expect(played.message, where).toMatchObject({ content: answer.content, stopReason: answer.stopReason, whole: true });
}

describe.each(answers)('a %s answer, cut at every byte', (_, answer) => {
  it.each([
    ['by the socket', { how: 'socket' }],
    ['by a silent end', { how: 'early-end' }],
    ['by a stall, with CRLF', { how: 'stall', crlf: true }],
    ['by the socket, and the continuation thinks again', { thinksAgain: true }],
  ] satisfies [string, Partial<Play>][])('%s, is whole', (_how, more: Partial<Play>) => {
    const length = wireOf(answer, { crlf: more.crlf ?? false }).length;
    for (let at = 0; at <= length; at += step) {
      const input: Play = { answer, cuts: at === length ? [] : [at], ...more };
      expectWhole(input, play(input), `cut after ${at} bytes`);
    }
  });

  it('arriving byte by byte, is whole', () => {
    const length = wireOf(answer).length;
    for (let at = 0; at < length; at += 11 * step) {
      const input: Play = { answer, cuts: [at], pieces: 1 };
      expectWhole(input, play(input), `cut after ${at} bytes`);
    }
  });

  it('and again in what mends it, is whole', () => {
    const length = wireOf(answer).length;
    for (let first = 0; first < length; first += 17 * step) {
      for (let second = 1; second < length; second += 61 * step) {
        const input: Play = { answer, cuts: [first, second] };
        expectWhole(input, play(input), `cuts after ${first} and ${second} bytes`);
      }
    }
  });

  it('three times, is whole', () => {
    const length = wireOf(answer).length;
    for (let at = 7; at < length; at += 31 * step) {
      const input: Play = { answer, cuts: [at, (at * 7919) % length, (at * 104_729) % length] };
      expectWhole(input, play(input), `cuts from ${at} on`);
    }
  });
});

describe('one message for the reader', () => {
  const [, answer] = answers[0] as [Scenario, Answer];

  it('keeps the id of the first attempt that was seen, and sums what all attempts consumed', () => {
    const { message, attempts } = play({ answer, cuts: [900] });

    expect(attempts).toBe(2);
    expect(message?.id).toBe('msg_1');
    expect(message?.usage).toMatchObject({ input_tokens: 20 });
    expect(message?.usage['output_tokens']).toBeGreaterThan(20);
  });

  it('has the id of the second attempt when nothing of the first was seen', () => {
    expect(play({ answer, cuts: [100] }).message?.id).toBe('msg_2');
  });

  it('is the very bytes of the upstream when nothing breaks, in whatever pieces they come', () => {
    for (const crlf of [false, true]) {
      const wire = wireOf(answer, { crlf });
      const text = new TextDecoder().decode(wire);
      for (const pieces of [1, 2, 3, 7, 64, 1024, 100_000]) {
        const { bytes } = play({ answer, cuts: [], crlf, pieces });
        const given = new TextDecoder().decode(bytes);

        // The ping alone comes earlier: what precedes it waits for something to show.
        const ping = /event: ping\r?\ndata: .*\r?\n\r?\n/;
        expect(given.replace(ping, ''), `${pieces}`).toBe(text.replace(ping, ''));
        expect(bytes).toHaveLength(wire.length);
      }
    }
  });
});

describe('tool calls', () => {
  const answer = referenceAnswer('text-and-tools', 5, size);
  const two = referenceAnswer('tools', 5, size);

  it('never reach the reader in part, wherever the stream breaks for good', () => {
    for (const tools of ['message', 'block'] as const) {
      const length = wireOf(two).length;
      for (let at = 0; at < length; at += step) {
        const { message } = play({ answer: two, cuts: [at], options: { tools }, body: { thread: {} } });
        for (const block of message?.content ?? []) expect(two.content, `${tools}, cut after ${at}`).toContainEqual(block);
      }
    }
  });

  it("with 'block', a break behind a complete call ends the turn with it", () => {
    const length = wireOf(two).length;
    const ends = new Set<string>();
    for (let at = 0; at < length; at += step) {
      const { message, end } = play({ answer: two, cuts: [at], options: { tools: 'block' } });
      expect(end).toBe('done');
      expect(message).toMatchObject({ stopReason: 'tool_use', whole: true });
      ends.add(JSON.stringify(message?.content));
    }

    expect([...ends].toSorted()).toEqual([JSON.stringify(two.content.slice(0, 1)), JSON.stringify(two.content)].toSorted());
  });

  it("with 'live', a break within one is surfaced, and everywhere else the answer is whole", () => {
    const length = wireOf(answer).length;
    const ends = new Set<string>();
    for (let at = 0; at < length; at += step) {
      const played = play({ answer, cuts: [at], options: { tools: 'live' } });
      ends.add(played.end);
      if (played.end === 'done' && played.message?.content.length === 2)
        expect(played.message).toMatchObject({ content: answer.content, whole: true });
    }

    expect([...ends].toSorted()).toEqual(['done', 'tool-call-open']);
  });
});

describe('thinking that is shown live', () => {
  const answer = referenceAnswer('thinking', 5, size);

  it('is begun anew at the next index, and the text is whole wherever the cut is', () => {
    const length = wireOf(answer).length;
    for (let at = 0; at < length; at += step) {
      const input: Play = { answer, cuts: [at], options: { liveThinking: true } };
      const { message, end } = play(input);
      if (end !== 'done') {
        expect(textOf(message?.content ?? []), `cut after ${at}`).toBe(textOf(answer.content));
        continue;
      }
      expect(message?.whole, `cut after ${at}`).toBe(true);
      expect(message?.content.filter(({ type }) => type === 'text')).toEqual(answer.content.filter(({ type }) => type === 'text'));
      // What was shown stays, closed and unsigned; the thinking that led to the text is whole.
      expect(message?.content.filter(({ type }) => type === 'thinking').at(-1)).toEqual(answer.content[0]);
    }
  });
});

describe('structured output', () => {
  const answer = referenceAnswer('structured', 5, size);
  const body = { output_config: { format: { type: 'json_schema' } } };

  it('that is held back begins anew wherever it breaks', () => {
    const length = wireOf(answer).length;
    for (let at = 0; at < length; at += step) {
      const { message, end } = play({ answer, cuts: [at], body, options: { holdAll: true } });

      expect(end).toBe('done');
      expect(message, `cut after ${at}`).toMatchObject({ content: answer.content, whole: true });
    }
  });

  it('that is shown is never continued', () => {
    const length = wireOf(answer).length;
    for (let at = 0; at < length; at += step) {
      const { message, end } = play({ answer, cuts: [at], body });
      if (end === 'done') expect(message).toMatchObject({ content: answer.content, whole: true });
      else expect(end).toBe('structured-output');
    }
  });
});
