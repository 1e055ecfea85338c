// What a splice keeps is bounded, whatever form it comes in; and what is not healed is neither kept, changed nor ended.

import { describe, expect, it } from 'vitest';
import { Splice, type SpliceOptions } from './splice.ts';

const encoder = new TextEncoder();
const event = (name: string, data: unknown): string =>
  `event: ${name}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const message = event('message_start', { type: 'message_start', message: { id: 'm', content: [], usage: {} } });
const start = (index: number, block: object = { type: 'text', text: '' }): string =>
  event('content_block_start', { type: 'content_block_start', index, content_block: block });
const stop = (index: number): string => event('content_block_stop', { type: 'content_block_stop', index });
const big = 'x'.repeat(1024 * 1024);
const forms: [string, (index: number) => string][] = [
  ['the usual form', (index) => `{"type":"content_block_delta","index":${index},"delta":{"type":"text_delta","text":"${big}"}}`],
  ['text before type', (index) => `{"type":"content_block_delta","index":${index},"delta":{"text":"${big}","type":"text_delta"}}`],
  ['index last', (index) => `{"type":"content_block_delta","delta":{"type":"text_delta","text":"${big}"},"index":${index}}`],
];
const options = (strict: boolean): SpliceOptions => ({
  tools: strict ? 'message' : 'live',
  liveThinking: true,
  holdAll: false,
  stopSequences: [],
  strict,
});

/** How many pieces it took, and gave, until it broke. */
function fill(splice: Splice, pieces: Iterable<string>): number {
  let read = 0;
  for (const piece of pieces) {
    splice.take();
    if (splice.push(encoder.encode(piece)).type !== 'open') return read;
    read += 1;
  }
  return Infinity;
}
function* oneBlock(form: (index: number) => string): Generator<string> {
  yield message + start(0);
  for (let mib = 0; mib < 100; mib += 1) yield event('content_block_delta', form(0));
}
function* manyBlocks(form: (index: number) => string): Generator<string> {
  yield message;
  for (let index = 0; index < 20; index += 1) {
    yield start(index);
    for (let mib = 0; mib < 8; mib += 1) yield event('content_block_delta', form(index));
    yield stop(index);
  }
}
function* wholeBlocks(): Generator<string> {
  yield message;
  for (let index = 0; index < 100; index += 1) yield start(index, { type: 'redacted_thinking', data: big }) + stop(index);
}

describe('a stream that is healed', () => {
  it.each(forms)('has no more than 32 MiB in one block: %s', (_, form) => {
    const splice = new Splice(options(true));
    expect(fill(splice, oneBlock(form))).toBe(33);
    expect(splice.state).toMatchObject({ type: 'broken', problem: 'oversized' });
  });

  it.each(forms)('has no more than 64 MiB in all blocks: %s', (_, form) => {
    const splice = new Splice(options(true));
    expect(fill(splice, manyBlocks(form))).toBeLessThan(90);
    expect(splice.state).toMatchObject({ type: 'broken', problem: 'oversized' });
  });

  it('has no more than that in blocks that come whole', () => {
    expect(fill(new Splice(options(true)), wholeBlocks())).toBeLessThan(70);
  });
});

describe('a stream that is not healed', () => {
  const through = (pieces: Iterable<string>, ends: boolean): { sent: string; got: string; splice: Splice } => {
    const splice = new Splice(options(false));
    const decoder = new TextDecoder();
    let sent = '';
    let got = '';
    const take = (): void => {
      const bytes = splice.take();
      if (bytes) got += decoder.decode(bytes, { stream: true });
    };
    for (const piece of pieces) {
      sent += piece;
      splice.push(encoder.encode(piece));
      take();
    }
    if (ends) splice.end();
    take();
    return { sent, got, splice };
  };

  it.each<[string, string[]]>([
    ['no JSON', [message, event('content_block_delta', '{"type":'), start(0)]],
    ['a name that is not its type', [message, event('content_block_stop', { type: 'content_block_start' }), start(0)]],
    ['blocks out of order', [message, stop(7), start(0), start(0)]],
    ['an error', [message, start(0), event('error', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, x: 1 })]],
    ['an event larger than any', [message, start(0), event('custom', 'y'.repeat(17 * 1024 * 1024)), stop(0)]],
    [
      'one in many pieces',
      [message, start(0), 'event: custom\ndata: ', ...Array.from({ length: 20 }, () => big), '\n\n', stop(0), ': the end\n\n'],
    ],
    ['more than is kept', [...oneBlock((forms[1] as (typeof forms)[0])[1])].slice(0, 40)],
  ])('goes on byte for byte: %s', (_, pieces) => {
    const { sent, got } = through(pieces, false);

    expect(got.length).toBe(sent.length);
    expect(got === sent).toBe(true);
  });

  it('is not ended for what nobody could keep', () => {
    const { splice } = through([...oneBlock((forms[0] as (typeof forms)[0])[1])].slice(0, 40), true);

    expect(splice.state).toEqual({ type: 'done', by: 'upstream' });
  });
});
