import { describe, expect, it } from 'vitest';
import { MessageAssembler } from './assemble.ts';
import {
  blockStart,
  blockStop,
  bytesOf,
  delta,
  errorEvent,
  event,
  json,
  messageDelta,
  messageStart,
  messageStop,
  ping,
  signature,
  text,
  thinkingStart,
  thought,
  toolStart,
} from './testing/wire.ts';

function assembled(...events: string[]): MessageAssembler {
  const assembler = new MessageAssembler();
  assembler.push(bytesOf(...events));
  return assembler;
}

/** The blocks of a message with these events. */
const blocksOf = (...events: string[]): unknown => assembled(messageStart(), ...events).message()?.['content'];

describe('a message put together from its events', () => {
  it('is what the same answer had been without a stream', () => {
    const assembler = assembled(
      messageStart('msg_1', { input_tokens: 10, output_tokens: 1 }),
      blockStart(0),
      text(0, 'Let me'),
      text(0, ' look.'),
      blockStop(0),
      toolStart(1),
      json(1, '{"query":'),
      json(1, '"tides"}'),
      blockStop(1),
      messageDelta('tool_use', 20),
      messageStop,
    );

    expect(assembler.error).toBeNull();
    expect(assembler.message()).toEqual({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-opus-5-5',
      content: [
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', id: 'toolu_1', name: 'search', input: { query: 'tides' } },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 20 },
    });
  });

  it('is the same in whatever pieces its bytes come', () => {
    const whole = bytesOf(messageStart(), blockStart(0), text(0, 'Hi'), text(0, ' there'), blockStop(0), messageDelta(), messageStop);
    const assembler = new MessageAssembler();
    for (const byte of whole) assembler.push(Uint8Array.of(byte));

    expect(assembler.message()).toMatchObject({ content: [{ type: 'text', text: 'Hi there' }], stop_reason: 'end_turn' });
  });

  it.each([
    ['a text that begins with words', [blockStart(0, { type: 'text', text: 'Hi' }), text(0, '!')], { type: 'text', text: 'Hi!' }],
    ['a text that begins without any', [blockStart(0, { type: 'text' }), text(0, 'Hi')], { type: 'text', text: 'Hi' }],
    [
      'a signed thought',
      [thinkingStart(0), thought(0, 'Hm.'), thought(0, ' So.'), signature(0, 'sig')],
      { type: 'thinking', thinking: 'Hm. So.', signature: 'sig' },
    ],
    [
      'a thought that begins without words',
      [blockStart(0, { type: 'thinking' }), thought(0, 'Hm.')],
      { type: 'thinking', thinking: 'Hm.' },
    ],
    ['a call without input', [toolStart(0), json(0, '')], { type: 'tool_use', id: 'toolu_1', name: 'search', input: {} }],
    [
      'a text with citations',
      [
        blockStart(0, { type: 'text', text: '', citations: null }),
        delta(0, { type: 'citations_delta', citation: { cited_text: 'a' } }),
        delta(0, { type: 'citations_delta', citation: { cited_text: 'b' } }),
      ],
      { type: 'text', text: '', citations: [{ cited_text: 'a' }, { cited_text: 'b' }] },
    ],
    [
      'a text that began without citations',
      [blockStart(0), delta(0, { type: 'citations_delta', citation: { cited_text: 'a' } })],
      { type: 'text', text: '', citations: [{ cited_text: 'a' }] },
    ],
    [
      'a compaction',
      [blockStart(0, { type: 'compaction', content: null }), delta(0, { type: 'compaction_delta', content: 'So far.' })],
      { type: 'compaction', content: 'So far.' },
    ],
    [
      'a delta nobody knows: it changes nothing',
      [blockStart(0), delta(0, { type: 'tomorrow', text: 'x', content: 'x' })],
      { type: 'text', text: '' },
    ],
  ])('has %s', (_, events, expected) => {
    expect(blocksOf(...events)).toEqual([expected]);
  });

  it.each([
    ['max_tokens', 'keeps the input that a call began with', { content: [{ type: 'text' }, { type: 'tool_use', input: {} }] }],
    ['tool_use', 'is none: no tool runs on half of its input', null],
  ])('that ends with %s in the middle of a tool call %s', (reason, _, expected) => {
    const half = [blockStart(0), text(0, 'Let me look.'), blockStop(0), toolStart(1), json(1, '{"query":'), blockStop(1)];
    const message = assembled(messageStart(), ...half, messageDelta(reason), messageStop).message();

    if (expected === null) expect(message).toBeNull();
    else expect(message).toMatchObject(expected);
  });

  it('is none before it has begun', () => {
    expect(assembled(ping).message()).toBeNull();
  });

  it('has nothing of what no reader of the stream looks at', () => {
    const assembler = assembled(
      ping,
      'event: ping\ndata: not json\n\n',
      `data: ${JSON.stringify({ type: 'tomorrow', message: { id: 'unnamed' } })}\n\n`,
      'event: message_start\n\n',
      messageDelta(),
      text(0, 'before its block'),
      event({ type: 'tomorrow', message: { id: 'unknown' }, index: 0, content_block: { type: 'text' } }),
    );

    expect(assembler.message()).toBeNull();
    assembler.push(bytesOf(messageStart('msg_1')));
    expect(assembler.message()).toMatchObject({ id: 'msg_1', content: [] });
  });

  it('that ended in an error has what the error said', () => {
    const assembler = assembled(messageStart(), errorEvent('overloaded_error'));

    expect(JSON.parse(assembler.error ?? '')).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
    expect(assembled('event: error\ndata: upstream gone\n\n').error).toBe('upstream gone');
  });
});
