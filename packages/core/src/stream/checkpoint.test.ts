import { describe, expect, it } from 'vitest';
import { checkpointKey, decodeCheckpoint, encodeCheckpoint, maxCheckpointLength, type Checkpoint } from './checkpoint.ts';
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
const tool = (text: string, more: Partial<TranscriptBlock> = {}): TranscriptBlock =>
  block(0, {
    type: 'tool_use',
    text,
    complete: true,
    closed: true,
    start: { type: 'tool_use', id: 'toolu_1', name: 'search', input: {} },
    ...more,
  });
const thinking = (more: Partial<TranscriptBlock> = {}): TranscriptBlock =>
  block(0, { type: 'thinking', start: { type: 'thinking', thinking: '' }, ...more });

const checkpoint: Checkpoint = {
  callId: 'call-1',
  tenant: 'acme',
  body: { model: 'claude-opus-5-5', messages: [] },
  transcript: {
    version: 1,
    message: { id: 'msg_1', content: [] },
    blocks: [block(0, { closed: true }), block(1)],
    usage: [
      { input: 10, output: 0, cacheRead: 0, cacheCreation: 0, estimated: true },
      { input: 10, output: 20, cacheRead: 5, cacheCreation: 5, estimated: false },
    ],
  },
  savedAt: 1,
};
const withBlocks = (blocks: readonly TranscriptBlock[]): string =>
  encodeCheckpoint({ ...checkpoint, transcript: { ...checkpoint.transcript, blocks } });

/** The stored form with another value at `path`; undefined takes away what is there. */
function changed(path: string, value: unknown): string {
  const stored = JSON.parse(encodeCheckpoint(checkpoint)) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() as string;
  const holder = names.reduce((within, name) => within[name] as Record<string, unknown>, stored);
  holder[last] = value;
  return JSON.stringify(stored);
}

const decoded = (stored: unknown): unknown => decodeCheckpoint(stored, 'call-1', 'acme');

describe('a checkpoint', () => {
  it('comes back as it was stored', () => {
    expect(decoded(encodeCheckpoint(checkpoint))).toEqual({ type: 'ok', checkpoint });
  });

  it.each<[string, TranscriptBlock[]]>([
    ['nothing yet', []],
    ['an open text', [block(0)]],
    ['texts, the last one open', [block(0, { closed: true }), block(1)]],
    ['a whole text', [block(0, { closed: true, complete: true })]],
    ['a text that began without words', [block(0, { start: { type: 'text' } })]],
    ['signed thinking', [thinking({ signature: 'sig' })]],
    ['a whole call', [tool('{"a":1}')]],
    ['a call without input', [tool('')]],
    ['half a call that says so', [tool('{"a":', { complete: false, closed: false })]],
    ['a block nobody knows', [block(0, { type: 'tomorrow', start: { type: 'tomorrow', tomorrow: 'x' } })]],
  ])('with %s is believed', (_, blocks) => {
    expect(decoded(withBlocks(blocks))).toMatchObject({ type: 'ok', checkpoint: { transcript: { blocks } } });
  });

  it.each<[string, TranscriptBlock[]]>([
    ['two open blocks', [block(0), block(1)]],
    ['a block that began as another kind', [block(0, { start: { type: 'thinking' } })]],
    ['a block that began with nothing', [block(0, { start: {} })]],
    ['a text that began with another text', [block(0, { start: { type: 'text', text: 'Once' } })]],
    ['thinking that began with another thought', [thinking({ start: { type: 'thinking', thinking: 'Once' } })]],
    ['a signed text', [block(0, { signature: 'sig' })]],
    ['half a call that says it is whole', [tool('{"a":')]],
  ])('with %s is none', (_, blocks) => {
    expect(decoded(withBlocks(blocks))).toEqual({ type: 'bad', reason: 'shape' });
  });

  it.each<[string, unknown]>([
    ['version', 2],
    ['body', null],
    ['body.model', { toString: 0 }],
    ['body.messages', undefined],
    ['savedAt', '1'],
    ['savedAt', null],
    ['transcript', null],
    ['transcript', 'text'],
    ['transcript.version', 2],
    ['transcript.message', null],
    ['transcript.message', { content: [{}] }],
    ['transcript.blocks', undefined],
    ['transcript.blocks', {}],
    ['transcript.blocks.0', null],
    ['transcript.blocks.0.index', 1],
    ['transcript.blocks.0.text', 7],
    ['transcript.blocks.0.closed', 'yes'],
    ['transcript.blocks.0.citations', undefined],
    ['transcript.blocks.0.complete', 0],
    ['transcript.blocks.0.start', null],
    ['transcript.blocks.0', thinking({ closed: true, signature: 7 as never })],
    ['transcript.usage', undefined],
    ['transcript.usage', {}],
    ['transcript.usage.0', null],
    ['transcript.usage.0.input', '10'],
    ['transcript.usage.0.output', -1],
    ['transcript.usage.0.cacheRead', undefined],
    ['transcript.usage.0.cacheCreation', null],
    ['transcript.usage.0.estimated', 'yes'],
  ])('whose %s is %j is none', (path, value) => {
    expect(decoded(changed(path, value))).toEqual({ type: 'bad', reason: 'shape' });
  });

  it('saved at no time is none', () => {
    expect(decoded(encodeCheckpoint(checkpoint).replace('"savedAt":1', '"savedAt":1e999'))).toEqual({ type: 'bad', reason: 'shape' });
  });

  it('of another call or another tenant is none of this one', () => {
    const foreign = { type: 'bad', reason: 'foreign' };

    expect(decoded(changed('callId', 'call-2'))).toEqual(foreign);
    expect(decoded(changed('tenant', 'other'))).toEqual(foreign);
    expect(decoded(changed('tenant', null))).toEqual(foreign);
  });

  it('is text of a bounded length that holds an object', () => {
    expect(decoded({ ...checkpoint })).toEqual({ type: 'bad', reason: 'not-text' });
    expect(decoded('garbage')).toEqual({ type: 'bad', reason: 'not-json' });
    expect(decoded('x'.repeat(maxCheckpointLength))).toEqual({ type: 'bad', reason: 'not-json' });
    expect(decoded('x'.repeat(maxCheckpointLength + 1))).toEqual({ type: 'bad', reason: 'too-large' });
  });

  it('nested deeper than anything real is none', () => {
    const deep = `{"version":1,"callId":"call-1","tenant":"acme","body":${'['.repeat(9_000)}${']'.repeat(9_000)}}`;

    expect(decoded(deep)).toEqual({ type: 'bad', reason: 'not-json' });
  });
});

describe('the key of a checkpoint', () => {
  it('is one for each tenant and call, whatever they are called', () => {
    const pairs: [string, string | null][] = [
      ['call-1', null],
      ['call-1', 'null'],
      ['call-1', 'acme'],
      ['call-2', 'acme'],
      ['b","c', 'a'],
      ['c', 'a","b'],
    ];
    const keys = pairs.map(([callId, tenant]) => checkpointKey(callId, tenant));

    expect(new Set(keys).size).toBe(pairs.length);
    for (const key of keys) expect(key).toMatch(/^holdfast:checkpoint:/);
  });
});
