// Reads a stream as the strictest of clients would, and puts its message together. Anything out of order is an error.

import { EventScanner, readEvent, type RawEvent } from '../../wire/sse.ts';

type Wire = Record<string, unknown>;

export interface ReadMessage {
  readonly id: unknown;
  readonly content: readonly Wire[];
  readonly stopReason: unknown;
  readonly stopSequence: unknown;
  readonly usage: Wire;
  /** Names of all events, in order. */
  readonly events: readonly string[];
  /** `message_stop` came. */
  readonly whole: boolean;
}

function eventsIn(bytes: Uint8Array): RawEvent[] {
  const found: RawEvent[] = [];
  let read = 0;
  const whole = new Uint8Array(bytes.length + 1);
  whole.set(bytes);
  // A carriage return at the very end would wait for its line feed.
  whole[bytes.length] = 120;
  new EventScanner().push(whole, (all, start, end) => {
    found.push(readEvent(all, start, end));
    read = end;
    return true;
  });
  if (read !== bytes.length) throw new Error('the last event is cut off');
  return found;
}

/**
 * The message in `bytes`. Throws at the first event that no stream may have there, and at a character that is cut.
 *
 * @param damaged somebody wrote over single bytes: characters may be what no one can read
 */
export function readStrictly(bytes: Uint8Array, { damaged = false }: { readonly damaged?: boolean } = {}): ReadMessage {
  new TextDecoder('utf-8', { fatal: !damaged }).decode(bytes);
  const events: string[] = [];
  const content: (Wire & { json?: string })[] = [];
  let message: Wire | null = null;
  let openIndex: number | null = null;
  let stop: Wire = {};
  let usage: Wire = {};
  let whole = false;
  const demand = (fine: boolean, what: string): void => {
    if (!fine) throw new Error(`${what}; events so far: ${events.join(' ')}`);
  };
  for (const { name: called, data: json } of eventsIn(bytes)) {
    // The SDK goes by what the data says under any name but none.
    const data = (called === '' || called === 'ping' || json === '' ? {} : JSON.parse(json)) as Wire;
    const name = called !== '' && !known.has(called) && known.has(String(data['type'])) ? String(data['type']) : called;
    events.push(name);
    if (name === 'ping' || !known.has(name) || json === '') continue;
    demand(!whole, 'something follows message_stop');
    demand(data['type'] === name, 'name and type differ');
    if (name === 'message_start') {
      demand(message === null, 'a second message_start');
      message = data['message'] as Wire;
      usage = { ...(message['usage'] as Wire) };
      continue;
    }
    demand(message !== null, `${name} before message_start`);
    switch (name) {
      case 'content_block_start':
        demand(openIndex === null, 'a block begins inside another');
        demand(data['index'] === content.length, `index ${String(data['index'])} where ${content.length} was due`);
        demand(typeof stop['stop_reason'] !== 'string', 'a block begins after the stop reason');
        openIndex = content.length;
        content.push({ ...(data['content_block'] as Wire) });
        break;
      case 'content_block_delta':
        demand(data['index'] === openIndex, `a delta for block ${String(data['index'])}, while ${String(openIndex)} is open`);
        grow(content[openIndex as number] as Wire, data['delta'] as Wire);
        break;
      case 'content_block_stop':
        demand(data['index'] === openIndex, 'a block ends that is not open');
        openIndex = null;
        break;
      case 'message_delta':
        demand(openIndex === null, 'the message ends inside a block');
        stop = { ...stop, ...(data['delta'] as Wire) };
        usage = { ...usage, ...(data['usage'] as Wire) };
        break;
      case 'message_stop':
        demand(typeof stop['stop_reason'] === 'string', 'message_stop without a stop reason');
        whole = true;
    }
  }
  return {
    id: message?.['id'],
    content: content.map(finished),
    stopReason: stop['stop_reason'],
    stopSequence: stop['stop_sequence'],
    usage,
    events,
    whole,
  };
}

const known = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
]);

function grow(block: Wire & { json?: string }, delta: Wire): void {
  switch (delta['type']) {
    case 'text_delta':
      block['text'] = String(block['text'] ?? '') + String(delta['text']);
      return;
    case 'thinking_delta':
      block['thinking'] = String(block['thinking'] ?? '') + String(delta['thinking']);
      return;
    case 'signature_delta':
      block['signature'] = delta['signature'];
      return;
    case 'input_json_delta':
      block.json = (block.json ?? '') + String(delta['partial_json']);
      return;
    case 'citations_delta':
      block['citations'] = [...((block['citations'] as unknown[] | undefined) ?? []), delta['citation']];
  }
}

/** Input that is cut off stays text. */
function finished({ json, ...block }: Wire & { json?: string }): Wire {
  if (json === undefined || json === '') return block;
  try {
    return { ...block, input: JSON.parse(json) as unknown };
  } catch {
    return { ...block, input: json };
  }
}
