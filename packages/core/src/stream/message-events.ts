// A whole message as the event stream it would have been.

import type { Transcript } from './transcript.ts';

type Wire = Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();

/** The bytes of a stream that delivers `message`, from `message_start` to `message_stop`. */
export function messageEvents(message: Wire): Uint8Array {
  const content = Array.isArray(message['content']) ? (message['content'] as Wire[]) : [];
  const usage = (message['usage'] ?? {}) as Wire;
  const events: Wire[] = [
    {
      type: 'message_start',
      message: { ...message, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 0 } },
    },
    ...content.flatMap(blockEvents),
    {
      type: 'message_delta',
      delta: { stop_reason: message['stop_reason'] ?? null, stop_sequence: message['stop_sequence'] ?? null },
      usage: { output_tokens: usage['output_tokens'] ?? 0 },
    },
    { type: 'message_stop' },
  ];
  return encoder.encode(events.map(frame).join(''));
}

/** One event as it goes over the wire. */
export const frame = (event: Wire): string => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`;

/** The events a reader must see to have what `transcript` says: unfinished blocks stay open. */
export function replayEvents({ message, blocks }: Transcript): Wire[] {
  const events: Wire[] = message === null ? [] : [{ type: 'message_start', message }];
  for (const { index, type, text, start, closed, signature } of blocks) {
    events.push({ type: 'content_block_start', index, content_block: start });
    for (const delta of replayDeltas(type, text, signature)) events.push({ type: 'content_block_delta', index, delta });
    if (closed) events.push({ type: 'content_block_stop', index });
  }
  return events;
}

function replayDeltas(type: string, text: string, signature: string | undefined): Wire[] {
  switch (type) {
    case 'text':
      return text === '' ? [] : [{ type: 'text_delta', text }];
    case 'thinking':
      return [
        ...(text === '' ? [] : [{ type: 'thinking_delta', thinking: text }]),
        ...(signature === undefined ? [] : [{ type: 'signature_delta', signature }]),
      ];
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return text === '' ? [] : [{ type: 'input_json_delta', partial_json: text }];
  }
  return [];
}

function blockEvents(block: Wire, index: number): Wire[] {
  return [
    { type: 'content_block_start', index, content_block: startOf(block) },
    ...deltasOf(block).map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

/** What a block begins with; blocks without deltas arrive whole. */
function startOf(block: Wire): Wire {
  switch (block['type']) {
    case 'text': {
      const { citations: _, ...rest } = block;
      return { ...rest, text: '' };
    }
    case 'thinking':
      return { ...block, thinking: '', signature: '' };
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return { ...block, input: {} };
  }
  return block;
}

function deltasOf(block: Wire): Wire[] {
  switch (block['type']) {
    case 'text': {
      const citations = Array.isArray(block['citations']) ? block['citations'] : [];
      return [{ type: 'text_delta', text: block['text'] }, ...citations.map((citation) => ({ type: 'citations_delta', citation }))];
    }
    case 'thinking':
      return [
        { type: 'thinking_delta', thinking: block['thinking'] },
        { type: 'signature_delta', signature: block['signature'] },
      ];
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return [{ type: 'input_json_delta', partial_json: JSON.stringify(block['input'] ?? {}) }];
  }
  return [];
}
