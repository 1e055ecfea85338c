// Puts a message together from its events, for calls that were streamed upstream and asked for whole.

import { isWholeInput, parseObject } from './event-form.ts';
import { eventType } from '../wire/event-type.ts';
import { readEvent, EventScanner } from '../wire/sse.ts';

type Wire = Readonly<Record<string, unknown>>;

interface Growing {
  readonly block: Record<string, unknown>;
  json: string;
}

/** Takes bytes of a stream, gives the message or the error it ends in. */
export class MessageAssembler {
  readonly #scanner = new EventScanner();
  readonly #blocks = new Map<number, Growing>();
  #message: Record<string, unknown> | null = null;
  #error: string | null = null;
  #isWhole = false;

  push(chunk: Uint8Array): void {
    this.#scanner.push(chunk, (bytes, start, end) => {
      const { name, data } = readEvent(bytes, start, end);
      if (name === 'error') this.#error = data;
      else if (name !== 'ping' && data) this.#event(name, data);
      return true;
    });
  }

  /** The `error` event's data, if the stream ended in one. */
  get error(): string | null {
    return this.#error;
  }

  /** `message_stop` was read. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The whole message; null if it never began, or asks for a tool to be run on half of its input. */
  message(): Wire | null {
    const blocks = [...this.#blocks.values()];
    const runsTools = this.#message?.['stop_reason'] === 'tool_use';
    if (this.#message === null || (runsTools && !blocks.every(({ json }) => isWholeInput(json)))) return null;
    return { ...this.#message, content: blocks.map(finished) };
  }

  #event(name: string, data: string): void {
    const event = JSON.parse(data) as Wire;
    const type = eventType(name, event);
    if (type === 'error') {
      this.#error = data;
      return;
    }
    const index = Number(event['index']);
    // As the SDK does: under any name, an event is what its data says.
    switch (event['type']) {
      case 'message_stop':
        this.#isWhole = true;
        return;
      case 'message_start':
        this.#message = { ...(event['message'] as Wire) };
        return;
      case 'content_block_start':
        this.#blocks.set(index, { block: { ...(event['content_block'] as Wire) }, json: '' });
        return;
      case 'content_block_delta': {
        const growing = this.#blocks.get(index);
        if (growing) grow(growing, event['delta'] as Wire);
        return;
      }
      case 'message_delta': {
        if (!this.#message) return;
        Object.assign(this.#message, event['delta']);
        this.#message['usage'] = { ...(this.#message['usage'] as Wire), ...(event['usage'] as Wire) };
      }
    }
  }
}

function grow(growing: Growing, delta: Wire): void {
  const { block } = growing;
  switch (delta['type']) {
    case 'text_delta':
      block['text'] = `${String(block['text'] ?? '')}${String(delta['text'])}`;
      return;
    case 'thinking_delta':
      block['thinking'] = `${String(block['thinking'] ?? '')}${String(delta['thinking'])}`;
      return;
    case 'signature_delta':
      block['signature'] = delta['signature'];
      return;
    case 'input_json_delta':
      growing.json += String(delta['partial_json']);
      return;
    case 'citations_delta':
      block['citations'] = [...((block['citations'] as unknown[] | null) ?? []), delta['citation']];
      return;
    case 'compaction_delta':
      block['content'] = delta['content'];
  }
}

/** A call that the model was stopped in the middle of keeps the input it began with: none. */
function finished({ block, json }: Growing): Wire {
  const input = parseObject(json);
  return input === null ? block : { ...block, input };
}
