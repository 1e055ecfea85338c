import { describe, expect, it } from 'vitest';
import { MessageAssembler } from './assemble.ts';
import { frame, messageEvents, replayEvents } from './message-events.ts';
import type { TranscriptBlock } from './transcript.ts';

const decoder = new TextDecoder();
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-5-5',
  content: [
    { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
    { type: 'redacted_thinking', data: 'xyz' },
    { type: 'text', text: 'Hi', citations: [{ cited_text: 'a' }, { cited_text: 'b' }] },
    { type: 'tool_use', id: 'toolu_1', name: 'search', input: { query: 'tides' } },
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'boats' } },
    { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'map', server_name: 'sea', input: { at: 1 } },
  ],
  stop_reason: 'tool_use',
  stop_sequence: 'END',
  usage: { input_tokens: 10, output_tokens: 20 },
};

/** The events of a stream, which must be framed as the API frames them. */
const eventsOf = (bytes: Uint8Array): unknown[] =>
  decoder
    .decode(bytes)
    .split(/(?<=\n\n)/)
    .map((framed) => {
      const event = JSON.parse(framed.split('\ndata: ')[1] ?? '') as { type: string };
      expect(framed).toBe(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      return event;
    });

describe('a whole message as a stream', () => {
  it('is the message again for who puts it together', () => {
    const assembler = new MessageAssembler();
    assembler.push(messageEvents(message));

    expect(assembler.message()).toEqual(message);
  });

  it('begins without content and without an end, and tells both as they come', () => {
    const start = (index: number, block: unknown): unknown => ({ type: 'content_block_start', index, content_block: block });
    const delta = (index: number, change: unknown): unknown => ({ type: 'content_block_delta', index, delta: change });
    const stop = (index: number): unknown => ({ type: 'content_block_stop', index });
    const { content: _, ...rest } = message;

    expect(eventsOf(messageEvents(message))).toEqual([
      {
        type: 'message_start',
        message: { ...rest, content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 10, output_tokens: 0 } },
      },
      start(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'Hm.' }),
      delta(0, { type: 'signature_delta', signature: 'sig' }),
      stop(0),
      start(1, { type: 'redacted_thinking', data: 'xyz' }),
      stop(1),
      start(2, { type: 'text', text: '' }),
      delta(2, { type: 'text_delta', text: 'Hi' }),
      delta(2, { type: 'citations_delta', citation: { cited_text: 'a' } }),
      delta(2, { type: 'citations_delta', citation: { cited_text: 'b' } }),
      stop(2),
      start(3, { type: 'tool_use', id: 'toolu_1', name: 'search', input: {} }),
      delta(3, { type: 'input_json_delta', partial_json: '{"query":"tides"}' }),
      stop(3),
      start(4, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      delta(4, { type: 'input_json_delta', partial_json: '{"query":"boats"}' }),
      stop(4),
      start(5, { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'map', server_name: 'sea', input: {} }),
      delta(5, { type: 'input_json_delta', partial_json: '{"at":1}' }),
      stop(5),
      { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: 'END' }, usage: { output_tokens: 20 } },
      { type: 'message_stop' },
    ]);
  });

  it('of which little is known says no more', () => {
    const start = { content: [], stop_reason: null, stop_sequence: null, usage: { output_tokens: 0 } };

    expect(eventsOf(messageEvents({ id: 'msg_1' }))).toEqual([
      { type: 'message_start', message: { id: 'msg_1', ...start } },
      { type: 'message_delta', delta: { stop_reason: null, stop_sequence: null }, usage: { output_tokens: 0 } },
      { type: 'message_stop' },
    ]);
  });

  it('has a text without citations and a call without input', () => {
    const events = eventsOf(messageEvents({ content: [{ type: 'text', text: 'Hi', citations: null }, { type: 'tool_use' }] }));

    expect(events).toHaveLength(9);
    expect(events[1]).toEqual({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    expect(events[5]).toEqual({ type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{}' } });
  });
});

describe('what was delivered, told again', () => {
  const block = (index: number, type: string, more: Partial<TranscriptBlock> = {}): TranscriptBlock => ({
    index,
    type,
    text: '',
    closed: true,
    citations: false,
    complete: true,
    start: { type },
    ...more,
  });
  const replayed = (...blocks: TranscriptBlock[]): unknown[] => replayEvents({ version: 1, message: { id: 'msg_1' }, blocks, usage: [] });
  const begin = { type: 'message_start', message: { id: 'msg_1' } };
  const start = (index: number, type: string): unknown => ({ type: 'content_block_start', index, content_block: { type } });
  const delta = (index: number, change: unknown): unknown => ({ type: 'content_block_delta', index, delta: change });
  const stop = (index: number): unknown => ({ type: 'content_block_stop', index });

  it('is nothing before the message began', () => {
    expect(replayEvents({ version: 1, message: null, blocks: [], usage: [] })).toEqual([]);
  });

  it('is each block with what it holds, the unfinished one open', () => {
    expect(
      replayed(
        block(0, 'thinking', { text: 'Hm.', signature: 'sig' }),
        block(1, 'tool_use', { text: '{"a":1}' }),
        block(2, 'server_tool_use', { text: '{"b":1}' }),
        block(3, 'mcp_tool_use', { text: '{"c":1}' }),
        block(4, 'tomorrow', { text: 'x' }),
        block(5, 'text', { text: 'Hi', closed: false }),
      ),
    ).toEqual([
      begin,
      start(0, 'thinking'),
      delta(0, { type: 'thinking_delta', thinking: 'Hm.' }),
      delta(0, { type: 'signature_delta', signature: 'sig' }),
      stop(0),
      start(1, 'tool_use'),
      delta(1, { type: 'input_json_delta', partial_json: '{"a":1}' }),
      stop(1),
      start(2, 'server_tool_use'),
      delta(2, { type: 'input_json_delta', partial_json: '{"b":1}' }),
      stop(2),
      start(3, 'mcp_tool_use'),
      delta(3, { type: 'input_json_delta', partial_json: '{"c":1}' }),
      stop(3),
      start(4, 'tomorrow'),
      stop(4),
      start(5, 'text'),
      delta(5, { type: 'text_delta', text: 'Hi' }),
    ]);
  });

  it('has no deltas that say nothing', () => {
    expect(replayed(block(0, 'thinking'), block(1, 'tool_use'), block(2, 'text'))).toEqual([
      begin,
      start(0, 'thinking'),
      stop(0),
      start(1, 'tool_use'),
      stop(1),
      start(2, 'text'),
      stop(2),
    ]);
  });

  it('is framed as it goes over the wire', () => {
    expect(frame({ type: 'ping' })).toBe('event: ping\ndata: {"type":"ping"}\n\n');
  });
});
