import { describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import type { TranscriptBlock } from './transcript.ts';

const block = (index: number, more: Partial<TranscriptBlock> = {}): TranscriptBlock => ({
  index,
  type: 'text',
  text: 'The tide',
  closed: false,
  citations: false,
  complete: false,
  start: { type: 'text', text: '' },
  ...more,
});
const tool = (text: string): TranscriptBlock =>
  block(0, { type: 'tool_use', text, complete: true, closed: true, start: { type: 'tool_use', id: 'toolu_1', name: 'search', input: {} } });

function decoded(blocks: readonly unknown[], more: Record<string, unknown> = {}, message: unknown = { id: 'msg_1', content: [] }): unknown {
  const transcript = { version: 1, message, blocks, usage: [] };
  const body = { model: 'claude-opus-5-5', messages: [] };
  return decodeCheckpoint(
    encodeCheckpoint({ callId: 'call-1', tenant: null, body, transcript, savedAt: 1, ...more } as never),
    'call-1',
    null,
  );
}

describe('a checkpoint', () => {
  it.each([
    ['an open text', [block(0)]],
    ['texts, the last one open', [block(0, { closed: true }), block(1)]],
    ['a whole call', [tool('{"a":1}')]],
    ['a call without input', [tool('')]],
    ['a block nobody knows', [block(0, { type: 'tomorrow', start: { type: 'tomorrow' } })]],
  ])('with %s is believed', (_, blocks) => {
    expect(decoded(blocks)).toMatchObject({ type: 'ok', checkpoint: { transcript: { blocks } } });
  });

  it.each<[string, unknown]>([
    ['two open blocks', decoded([block(0), block(1)])],
    ['a block that began as another kind', decoded([block(0, { start: { type: 'thinking' } })])],
    ['a block that began with nothing', decoded([block(0, { start: {} })])],
    ['a text that began with another text', decoded([block(0, { start: { type: 'text', text: 'Once' } })])],
    ['a signed text', decoded([block(0, { signature: 'sig' })])],
    ['half a call that says it is whole', decoded([tool('{"a":')])],
    ['a message that already has content', decoded([block(0)], {}, { content: [{}] })],
    ['no messages to continue', decoded([block(0)], { body: { model: 'claude-opus-5-5' } })],
    ['a model that is no name', decoded([block(0)], { body: { model: { toString: 0 }, messages: [] } })],
    [
      'a time that is none',
      decodeCheckpoint(
        encodeCheckpoint({
          callId: 'call-1',
          tenant: null,
          body: { model: 'claude-opus-5-5', messages: [] },
          transcript: { version: 1, message: {}, blocks: [], usage: [] },
          savedAt: 1,
        }).replace('"savedAt":1', '"savedAt":1e999'),
        'call-1',
        null,
      ),
    ],
  ])('with %s is none', (_, result) => {
    expect(result).toEqual({ type: 'bad', reason: 'shape' });
  });

  it('nested deeper than anything real is none', () => {
    const deep = `{"version":1,"callId":"call-1","tenant":null,"body":${'['.repeat(9_000)}${']'.repeat(9_000)}}`;

    expect(decodeCheckpoint(deep, 'call-1', null)).toEqual({ type: 'bad', reason: 'not-json' });
  });
});
