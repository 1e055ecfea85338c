// Answers as they go over the wire: whole, or as the event stream the API sends.

import type { Answer, ContentBlock } from './scenarios.ts';
import { seededRandom } from './seeded-random.ts';

export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
}

export interface WireMessage {
  readonly id: string;
  readonly model: string;
  readonly usage: Usage;
  readonly answer: Answer;
}

/** One server-sent event, and how many characters of the answer it carries. */
export interface WireEvent {
  readonly name: string;
  readonly text: string;
  readonly characters: number;
}

/** The body of an answer that was not streamed. */
export function messageBody({ id, model, usage, answer }: WireMessage): Record<string, unknown> {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: answer.content,
    stop_reason: answer.stopReason,
    stop_sequence: null,
    usage,
  };
}

/** The events of an answer. `seed` decides how text is cut into deltas; the same seed cuts the same way. */
export function eventsFor(message: WireMessage, seed: number): WireEvent[] {
  const random = seededRandom(seed ^ 0x5eed);
  const { usage, answer } = message;
  const start = { ...messageBody(message), content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  return [
    event('message_start', { type: 'message_start', message: start }),
    { name: 'ping', text: 'event: ping\ndata: {"type": "ping"}\n\n', characters: 0 },
    ...answer.content.flatMap((block, index) => blockEvents(block, index, random)),
    event('message_delta', {
      type: 'message_delta',
      delta: { stop_reason: answer.stopReason, stop_sequence: null },
      usage: { output_tokens: usage.output_tokens },
    }),
    event('message_stop', { type: 'message_stop' }),
  ];
}

function blockEvents(block: ContentBlock, index: number, random: () => number): WireEvent[] {
  const deltas = deltasOf(block, random).map(({ delta, characters }) => ({
    ...event('content_block_delta', { type: 'content_block_delta', index, delta }, padding(random)),
    characters,
  }));
  return [
    event('content_block_start', { type: 'content_block_start', index, content_block: startOf(block) }),
    ...deltas,
    event('content_block_stop', { type: 'content_block_stop', index }),
  ];
}

function startOf(block: ContentBlock): ContentBlock {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: '', ...(block['citations'] ? { citations: [] } : {}) };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'tool_use':
    case 'server_tool_use':
      return { ...block, input: {} };
  }
  return block;
}

interface Delta {
  readonly delta: Record<string, unknown>;
  readonly characters: number;
}

function deltasOf(block: ContentBlock, random: () => number): Delta[] {
  switch (block.type) {
    case 'text': {
      const citations = Array.isArray(block['citations']) ? block['citations'] : [];
      return [
        ...citations.map((citation) => ({ delta: { type: 'citations_delta', citation }, characters: 0 })),
        ...pieces(String(block['text']), random).map((text) => ({ delta: { type: 'text_delta', text }, characters: text.length })),
      ];
    }
    case 'thinking':
      return [
        ...pieces(String(block['thinking']), random).map((thinking) => ({
          delta: { type: 'thinking_delta', thinking },
          characters: thinking.length,
        })),
        { delta: { type: 'signature_delta', signature: block['signature'] }, characters: 0 },
      ];
    case 'tool_use':
    case 'server_tool_use': {
      const json = JSON.stringify(block['input']);
      return [
        { delta: { type: 'input_json_delta', partial_json: '' }, characters: 0 },
        ...pieces(json, random).map((partial) => ({
          delta: { type: 'input_json_delta', partial_json: partial },
          characters: partial.length,
        })),
      ];
    }
  }
  return [];
}

/** Cuts `text` into pieces of 1 to 24 characters, never through the middle of one. */
function pieces(text: string, random: () => number): string[] {
  const characters = [...text];
  const found: string[] = [];
  for (let at = 0; at < characters.length;) {
    const length = 1 + Math.floor(random() * 24);
    found.push(characters.slice(at, at + length).join(''));
    at += length;
  }
  return found;
}

/** The API pads deltas so that their length does not give the text away. */
const padding = (random: () => number): string => ' '.repeat(Math.floor(random() * 12));

function event(name: string, data: Record<string, unknown>, pad = ''): WireEvent {
  const json = JSON.stringify(data);
  return { name, text: `event: ${name}\ndata: ${json.slice(0, -1)}${pad}}\n\n`, characters: 0 };
}
