// Streams as the API writes them, event by event, and cut anywhere.

type Wire = Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();

/** One event. `pad`: white space before the last brace, as the API pads deltas. */
export const event = (data: Wire, pad = ''): string =>
  `event: ${String(data['type'])}\ndata: ${JSON.stringify(data).slice(0, -1)}${pad}}\n\n`;

export const bytesOf = (...events: readonly string[]): Uint8Array => encoder.encode(events.join(''));

export const ping = 'event: ping\ndata: {"type": "ping"}\n\n';

export const messageStart = (id = 'msg_1', usage: Wire = { input_tokens: 10, output_tokens: 1 }): string =>
  event({
    type: 'message_start',
    message: {
      id,
      type: 'message',
      role: 'assistant',
      model: 'claude-opus-5-5',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    },
  });

export const blockStart = (index: number, block: Wire = { type: 'text', text: '' }): string =>
  event({ type: 'content_block_start', index, content_block: block });
export const delta = (index: number, change: Wire, pad = ''): string => event({ type: 'content_block_delta', index, delta: change }, pad);
export const text = (index: number, words: string, pad = ''): string => delta(index, { type: 'text_delta', text: words }, pad);
export const thought = (index: number, words: string): string => delta(index, { type: 'thinking_delta', thinking: words });
export const signature = (index: number, value = 'sig'): string => delta(index, { type: 'signature_delta', signature: value });
export const json = (index: number, part: string): string => delta(index, { type: 'input_json_delta', partial_json: part });
export const blockStop = (index: number): string => event({ type: 'content_block_stop', index });
export const thinkingStart = (index: number): string => blockStart(index, { type: 'thinking', thinking: '', signature: '' });
export const toolStart = (index: number, id = 'toolu_1'): string => blockStart(index, { type: 'tool_use', id, name: 'search', input: {} });
export const messageDelta = (reason: string | null = 'end_turn', outputTokens = 20, more: Wire = {}): string =>
  event({ type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: outputTokens, ...more } });
export const messageStop: string = event({ type: 'message_stop' });
export const ending: string = messageDelta() + messageStop;
export const errorEvent = (type: string, message = 'Overloaded'): string =>
  event({ type: 'error', error: { type, message, details: null } });
