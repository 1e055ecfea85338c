// The bytes of a long answer as the API sends it, and the ways in which they arrive.

const encoder = new TextEncoder();

const words =
  'the tide comes in over the flats and the boats lift one by one while “gulls” wait; nobody hurries \n at the northern harbour'.split(' ');

/** One event each, in order: an answer of `deltas` text deltas, padded as the API pads them. */
export function answerEvents(deltas: number): Uint8Array[] {
  const event = (name: string, data: object, pad = ''): string => `event: ${name}\ndata: ${JSON.stringify(data).slice(0, -1)}${pad}}\n\n`;
  const message = {
    id: 'msg_bench',
    type: 'message',
    role: 'assistant',
    model: 'claude-opus-5-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 25, output_tokens: 1 },
  };
  const events = [
    event('message_start', { type: 'message_start', message }),
    event('content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    'event: ping\ndata: {"type": "ping"}\n\n',
  ];
  for (let i = 0; i < deltas; i += 1) {
    // Two or three words a delta, and padding that hides their length: about 150 bytes an event.
    const text = Array.from({ length: 2 + (i % 2) }, (_, n) => ` ${words[(i * 3 + n) % words.length]}`).join('');
    events.push(
      event(
        'content_block_delta',
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
        ' '.repeat((i * 7) % 12),
      ),
    );
  }
  events.push(
    event('content_block_stop', { type: 'content_block_stop', index: 0 }),
    event('message_delta', {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: deltas * 4 },
    }),
    event('message_stop', { type: 'message_stop' }),
  );
  return events.map((text) => encoder.encode(text));
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** How an answer arrives at the reader. */
export type Shape = 'chunks of 16 KiB' | 'one event per chunk' | 'one event per turn of the loop';

export const shapes: readonly Shape[] = ['chunks of 16 KiB', 'one event per chunk', 'one event per turn of the loop'];

/** A body that gives `events` in that shape, whenever it is asked. */
export function bodyOf(events: readonly Uint8Array[], shape: Shape): ReadableStream<Uint8Array> {
  switch (shape) {
    case 'chunks of 16 KiB':
      return pulled(cutInto(concat(events), 16 * 1024), (give) => give());
    case 'one event per chunk':
      return pulled(events, (give) => give());
    case 'one event per turn of the loop':
      return pulled(events, (give) => new Promise<void>((resolve) => setImmediate(() => resolve(give()))));
  }
}

function cutInto(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

function pulled(chunks: readonly Uint8Array[], when: (give: () => void) => void | Promise<void>): ReadableStream<Uint8Array> {
  let at = 0;
  let left = false;
  return new ReadableStream<Uint8Array>({
    pull: (controller) =>
      when(() => {
        if (left) return;
        const chunk = chunks[at];
        at += 1;
        // A socket's chunks are new memory each time.
        if (chunk) controller.enqueue(chunk.slice());
        else controller.close();
      }),
    cancel() {
      left = true;
    },
  });
}
