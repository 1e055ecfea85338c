import { expect, it } from 'vitest';
import { deliveredText, estimateTokens, lastText, type Transcript, type TranscriptBlock } from './transcript.ts';

const block = (type: string, text: string): TranscriptBlock => ({
  index: 0,
  type,
  text,
  closed: false,
  citations: false,
  complete: false,
  start: { type },
});
const transcript = (...blocks: TranscriptBlock[]): Transcript => ({ version: 1, message: null, blocks, usage: [] });

it('goes on in its last block, if that is a text', () => {
  const [first, last] = [block('text', 'One. '), block('text', 'Two.')];

  expect(lastText(transcript(first, last))).toBe(last);
  expect(lastText(transcript(first, block('tool_use', '{}')))).toBeNull();
  expect(lastText(transcript())).toBeNull();
});

it('has delivered the text of all its texts, and of nothing else', () => {
  expect(deliveredText(transcript(block('text', 'One. '), block('thinking', 'Hm.'), block('text', 'Two.')))).toBe('One. Two.');
});

it('estimates a token for each three and a half characters, begun ones counted', () => {
  expect([0, 1, 7, 8].map(estimateTokens)).toEqual([0, 1, 2, 3]);
});
