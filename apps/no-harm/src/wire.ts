// Anthropic's wire, written by hand: messages, events, error bodies.

export const words = 'The harbour lies still under the morning fog and the boats are asleep.';

type Json = Record<string, unknown>;

export const message = (text = words, more: Json = {}): Json => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-5-5',
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 25, output_tokens: 30 },
  ...more,
});

export const errorBody = (type: string, text = `${type} of the upstream`, more: Json = {}): Json => ({
  type: 'error',
  error: { type, message: text, ...more },
  request_id: 'req_up',
});

export const event = (type: string, data: Json = {}): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
export const errorEvent = (type: string, text?: string): string => `event: error\ndata: ${JSON.stringify(errorBody(type, text))}\n\n`;
export const start = (more: Json = {}): string =>
  event('message_start', {
    message: { ...message(), content: [], stop_reason: null, usage: { input_tokens: 25, output_tokens: 1 }, ...more },
  });
export const blockStart = (index: number, content_block: Json): string => event('content_block_start', { index, content_block });
export const textStart = (index = 0): string => blockStart(index, { type: 'text', text: '' });
export const delta = (index: number, piece: Json): string => event('content_block_delta', { index, delta: piece });
export const text = (piece: string, index = 0): string => delta(index, { type: 'text_delta', text: piece });
export const json = (piece: string, index = 0): string => delta(index, { type: 'input_json_delta', partial_json: piece });
export const blockStop = (index = 0): string => event('content_block_stop', { index });
export const end = (stop_reason: string | null = 'end_turn', more: Json = {}): string =>
  event('message_delta', { delta: { stop_reason, stop_sequence: null, ...more }, usage: { output_tokens: 30 } });
export const stop = event('message_stop');
export const ping = 'event: ping\ndata: {"type": "ping"}\n\n';

/** The pieces of `whole` as the API writes them. */
export const pieces = (whole: string): string[] => whole.match(/[\s\S]{1,12}/g) ?? [];

/** Every event of a healthy answer. */
export const events = (whole = words): string[] => [
  start(),
  textStart(),
  ping,
  ...pieces(whole).map((piece) => text(piece)),
  blockStop(),
  end(),
  stop,
];

/** An answer whose blocks are given whole, each with the deltas it is written by. */
export const blocks = (list: readonly (readonly [block: Json, ...deltas: Json[]])[], reason = 'end_turn'): string =>
  start() +
  list
    .map(([block, ...deltas], index) => blockStart(index, block) + deltas.map((piece) => delta(index, piece)).join('') + blockStop(index))
    .join('') +
  end(reason) +
  stop;

/** Where a request asks to go on with `whole`: how much of it is known already; null for one that asks anew. */
export function continues(body: Json | null, whole: string): number | null {
  const last = (body?.['messages'] as Json[] | undefined)?.at(-1);
  const said =
    typeof last?.['content'] === 'string'
      ? last['content']
      : ((last?.['content'] as Json[]) ?? []).map((block) => String(block['text'] ?? '')).join('');
  if (last?.['role'] === 'assistant') return said.length;
  const anchor = /<(anchor(?:-\d+)?)>([\s\S]*)<\/\1>/.exec(said)?.[2];
  return anchor === undefined ? null : whole.lastIndexOf(anchor);
}
