import { describe, expect, it } from 'vitest';
import { chooseAnchor } from './anchor.ts';
import { continuationBody, stripUnsignedThinking, type Continuation } from './continuation.ts';
import type { Transcript } from './transcript.ts';

const ask = { model: 'claude-opus-4-6', max_tokens: 1000, messages: [{ role: 'user', content: 'Tell me about rivers.' }] };

function continued(text: string, change: { model?: string; thinks?: boolean; noPrefill?: boolean } = {}): Continuation {
  const transcript: Transcript = {
    version: 1,
    message: { id: 'msg_1' },
    blocks: [{ index: 0, type: 'text', text, closed: false, citations: false, complete: false, start: { type: 'text', text: '' } }],
    usage: [],
  };
  return continuationBody({
    body: ask,
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
});

describe('stripUnsignedThinking', () => {
  it('takes out of earlier answers only thoughts without a signature', () => {
    const signed = { type: 'thinking', thinking: 'a', signature: 'sig' };
    const words = { type: 'text', text: 'b' };
    const history = (content: unknown[]) => ({ messages: [{ role: 'assistant', content }] });
    expect(stripUnsignedThinking(history([signed, { type: 'thinking', thinking: 'c', signature: '' }, words]))).toEqual(
      history([signed, words]),
    );
    const untouched = history([signed, words]);
    expect(stripUnsignedThinking(untouched)).toBe(untouched);
  });
});
