import { describe, expect, it } from 'vitest';
import { Delivered } from './delivered.ts';
import type { Transcript } from './transcript.ts';

const transcript: Transcript = {
  version: 1,
  message: { id: 'msg_1' },
  blocks: [
    {
      index: 0,
      type: 'thinking',
      text: 'Hm.',
      signature: 'sig',
      closed: true,
      citations: false,
      complete: true,
      start: { type: 'thinking' },
    },
    { index: 1, type: 'text', text: 'Hi', closed: false, citations: true, complete: false, start: { type: 'text' } },
  ],
  usage: [{ input: 10, output: 5, cacheRead: 0, cacheCreation: 0, estimated: true }],
};

describe('what the reader has', () => {
  it('is what a transcript said, and says the same again', () => {
    const delivered = Delivered.from(transcript);

    expect(delivered.transcript()).toEqual(transcript);
    expect(delivered.last).toMatchObject({ index: 1, type: 'text' });
  });

  it('is nothing at first', () => {
    expect(new Delivered().transcript()).toEqual({ version: 1, message: null, blocks: [], usage: [] });
    expect(new Delivered().last).toBeNull();
  });

  it('does not change what was written down of it', () => {
    const delivered = Delivered.from(transcript);
    const before = delivered.transcript();
    for (const usage of delivered.usage) usage.output += 1;

    expect(before).toEqual(transcript);
    expect(delivered.transcript().usage).toMatchObject([{ output: 6 }]);
  });
});
