import { describe, expect, it } from 'vitest';
import { chooseAnchor } from './anchor.ts';
import { continuationBody, type Continuation } from './continuation.ts';
import { stripUnfinishedThinking, unfinishedMark } from './own-thinking.ts';
import type { Transcript } from './transcript.ts';

const ask = { model: 'claude-opus-4-6', max_tokens: 1000, messages: [{ role: 'user', content: 'Tell me about rivers.' }] };

function continued(
  text: string,
  change: { model?: string; thinks?: boolean; noPrefill?: boolean } = {},
  body: Readonly<Record<string, unknown>> = ask,
): Continuation {
  const transcript: Transcript = {
    version: 1,
    message: { id: 'msg_1' },
    blocks: [{ index: 0, type: 'text', text, closed: false, citations: false, complete: false, start: { type: 'text', text: '' } }],
    usage: [],
  };
  return continuationBody({
    body,
    transcript,
    anchor: chooseAnchor(text),
    model: 'claude-opus-4-5',
    thinks: false,
    noPrefill: false,
    ...change,
  });
}

const lastTurn = ({ body }: Continuation) => (body['messages'] as { role: string; content: string }[]).at(-1);

describe('continuationBody', () => {
  it('goes on with the answer itself where the model takes it, without the white space the API rejects', () => {
    const continuation = continued('A river begins.\n\n');
    expect(continuation).toMatchObject({ form: 'prefill', trimmed: '\n\n' });
    expect(lastTurn(continuation)).toEqual({ role: 'assistant', content: 'A river begins.' });
  });

  it.each([
    ['a model that rejects a prefill', { model: 'claude-opus-4-6' }],
    ['a model nobody knows', { model: 'claude-unheard-of-9' }],
    ['a request that thinks', { thinks: true }],
    ['a prefill that was rejected', { noPrefill: true }],
  ])('asks for the rest in a turn of the user: %s', (_why, change) => {
    const continuation = continued('A river begins.', change);
    expect(continuation).toMatchObject({ form: 'user-turn', trimmed: '' });
    expect(lastTurn(continuation)).toMatchObject({ role: 'user', content: expect.stringContaining('<anchor>A river begins.</anchor>') });
  });

  it('never sends half a character', () => {
    const cut = 'A river begins \ud83c';
    expect(continued(cut)).toMatchObject({ form: 'prefill', trimmed: ' \ud83c' });
    for (const change of [{}, { noPrefill: true }]) expect(JSON.stringify(continued(cut, change).body)).not.toContain('\\ud83c');
  });

  it('marks the anchor with a tag the answer itself does not have', () => {
    const content = lastTurn(continued('In <anchor> tags: a link.', { noPrefill: true }))?.content;
    expect(content).toContain('<anchor-1>In <anchor> tags: a link.</anchor-1>');
  });

  it('leaves the turns before alone and asks for less than was allowed at first', () => {
    const { body } = continued('A river begins. '.repeat(20), { noPrefill: true });
    expect((body['messages'] as unknown[])[0]).toBe(ask.messages[0]);
    expect(body['max_tokens']).toBe(1000 - Math.ceil((16 * 20) / 3.5));
  });

  it('sets no bound where there was none, and never one below a token', () => {
    const { max_tokens: _, ...unbounded } = ask;

    expect(continued('A river begins.', {}, unbounded).body).not.toHaveProperty('max_tokens');
    expect(continued('A river begins.', {}, { ...ask, max_tokens: 2 }).body['max_tokens']).toBe(1);
  });

  it('puts no words into the mouth of a model that has said none', () => {
    const { form, body } = continued('\n\n', {}, { model: 'claude-opus-4-5' });

    expect(form).toBe('user-turn');
    expect(body['messages']).toMatchObject([{ role: 'user' }]);
  });

  it('shows the answer so far, and asks for its end again, between tags on a line of their own, and then the rest', () => {
    const { body } = continued('A river begins.\n', { noPrefill: true });
    const [, answer, request] = body['messages'] as { role: string; content: string }[];

    expect(answer).toEqual({ role: 'assistant', content: 'A river begins.' });
    const lines = request?.content.split('\n\n') ?? [];
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain('cut off');
    expect(lines[1]).toBe('<anchor>A river begins.\n</anchor>');
    expect(lines[2]).toMatch(/rest of that same reply.*repeating the words between the tags verbatim/);
  });
});

describe('a budget for thinking', () => {
  const limits = (max_tokens: number, budget_tokens: number, text: string): [max: number, budget: number] => {
    const { body } = continued(text, { thinks: true }, { ...ask, max_tokens, thinking: { type: 'enabled', budget_tokens } });
    return [body['max_tokens'] as number, (body['thinking'] as { budget_tokens: number }).budget_tokens];
  };

  it.each([
    ['stays where it fits', 4_096, 1_024, 1_024],
    ['is halved where it does not', 16_000, 15_500, 7_714],
    ['is never below what the API takes', 2_400, 2_300, 1_024],
    ['leaves room for words, however few are left', 1_100, 1_024, 1_024],
  ])('%s', (_, max, budget, expected) => {
    const [left, smaller] = limits(max, budget, 'word '.repeat(400));

    expect(smaller).toBe(expected);
    expect(left).toBeGreaterThan(smaller);
  });
});

describe('stripUnfinishedThinking', () => {
  it('takes out of earlier answers only thoughts that we left unfinished', () => {
    const signed = { type: 'thinking', thinking: 'a', signature: 'sig' };
    const words = { type: 'text', text: 'b' };
    const history = (content: unknown[]) => ({ messages: [{ role: 'assistant', content }] });
    expect(stripUnfinishedThinking(history([signed, { type: 'thinking', thinking: 'c', signature: unfinishedMark }, words]))).toEqual(
      history([signed, words]),
    );
    const untouched = history([signed, { type: 'thinking', thinking: 'c', signature: '' }, { type: 'thinking', thinking: 'd' }, words]);
    expect(stripUnfinishedThinking(untouched)).toBe(untouched);
  });

  it.each<[string, unknown]>([
    ['no list', 'Tell me about rivers.'],
    [
      'turns of the user',
      [
        {
          role: 'user',
          content: [
            { type: 'thinking', thinking: 'Hm.' },
            { type: 'text', text: 'Hi' },
          ],
        },
      ],
    ],
    ['turns in words', [{ role: 'assistant', content: 'A river begins.' }]],
    ['what is no turn', [null, 'text', { role: 'assistant' }]],
    ['blocks that are none', [{ role: 'assistant', content: [null, 'text'] }]],
    ['an answer of which nothing would be left', [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.' }] }]],
  ])('leaves alone %s', (_, messages) => {
    const body = { messages };

    expect(stripUnfinishedThinking(body)).toBe(body);
  });
});
