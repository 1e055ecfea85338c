import { describe, expect, it } from 'vitest';
import type { Transcript, TranscriptBlock } from './transcript.ts';
import { wholeMessage } from './whole-message.ts';

const block = (type: string, text: string, more: Partial<TranscriptBlock> = {}): TranscriptBlock => ({
  index: 0,
  type,
  text,
  closed: true,
  citations: false,
  complete: true,
  start: { type, cache: 1 },
  ...more,
});
const usage = (output: number) => ({ input: 10, output, cacheRead: 0, cacheCreation: 0, estimated: false });
const transcript = (...blocks: TranscriptBlock[]): Transcript => ({
  version: 1,
  message: { id: 'msg_1', content: [], stop_reason: null, usage: { input_tokens: 10, output_tokens: 1 } },
  blocks,
  usage: [usage(20), usage(5)],
});

describe('the message of a whole stream', () => {
  it('has the texts, the signed thoughts, why it ended, and the output of all attempts', () => {
    expect(wholeMessage(transcript(block('thinking', 'Hm.', { signature: 'sig' }), block('text', 'Hi')), 'end_turn')).toEqual({
      id: 'msg_1',
      content: [
        { type: 'thinking', cache: 1, thinking: 'Hm.', signature: 'sig' },
        { type: 'text', cache: 1, text: 'Hi' },
      ],
      stop_reason: 'end_turn',
      usage: { input_tokens: 10, output_tokens: 25 },
    });
  });

  it.each([
    ['citations', block('text', 'Hi', { citations: true })],
    ['unsigned thinking', block('thinking', 'Hm.')],
    ['a tool call', block('tool_use', '{}')],
    ['a signature on what is no thinking', block('tomorrow', '', { signature: 'sig' })],
  ])('is none with %s: not all of it is known', (_, odd) => {
    expect(wholeMessage(transcript(block('text', 'Hi'), odd), 'end_turn')).toBeNull();
  });

  it('is none before it began', () => {
    expect(wholeMessage({ ...transcript(), message: null }, 'end_turn')).toBeNull();
  });
});
