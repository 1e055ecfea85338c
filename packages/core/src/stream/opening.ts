// Judges how a stream begins: whether it answers, fails with an error, or is no stream of events at all. Linear in its bytes.

import { eventType } from '../wire/event-type.ts';
import { EventScanner, readEvent } from '../wire/sse.ts';
import { parseObject } from './event-form.ts';

type Wire = Readonly<Record<string, unknown>>;

/** What is known of a stream after its first bytes. */
export type Opened =
  /** Nothing yet. */
  | { readonly type: 'waiting' }
  /** Its first content is there. */
  | { readonly type: 'content' }
  /** It says that it fails, in this data. */
  | { readonly type: 'error'; readonly data: string }
  /** One JSON document instead of events. */
  | { readonly type: 'json' }
  /** An event that never ends. */
  | { readonly type: 'oversized' };

const waiting: Opened = { type: 'waiting' };
const content: Opened = { type: 'content' };

export class Opening {
  readonly #scanner = new EventScanner();
  #hasBegun = false;
  #waited = 0;
  #message: Wire | null = null;

  /** What `message_start` brought; null before that. */
  get message(): Wire | null {
    return this.#message;
  }

  /** Bytes of whole events that told nothing. */
  get waited(): number {
    return this.#waited;
  }

  /** Takes the next bytes, until something is known. */
  push(chunk: Uint8Array): Opened {
    if (!this.#hasBegun) {
      const first = chunk.find((byte) => !isBlank(byte));
      if (first === brace || first === bracket) return { type: 'json' };
      this.#hasBegun = first !== undefined;
    }
    let opened = waiting;
    const isBounded = this.#scanner.push(chunk, (bytes, start, end) => {
      opened = this.#event(bytes, start, end);
      this.#waited += end - start;
      return opened === waiting;
    });
    return isBounded ? opened : { type: 'oversized' };
  }

  /** No more comes: what is left may be an event without the blank line that ends it. */
  end(): Opened {
    return this.push(lineEnds);
  }

  #event(bytes: Uint8Array, start: number, end: number): Opened {
    const { name, data } = readEvent(bytes, start, end);
    if (name === 'error') return { type: 'error', data };
    if (data === '' || name === 'ping') return waiting;
    const value = parseObject(data);
    const type = eventType(name, value);
    switch (type) {
      case 'error':
        return { type: 'error', data };
      case 'message_start':
        this.#message ??= isWire(value?.['message']) ? value['message'] : null;
        return waiting;
      case 'ping':
      case '':
        return waiting;
    }
    return content;
  }
}

const brace = 123;
const bracket = 91;
const lineEnds = new Uint8Array([10, 10]);

/** White space, and the three bytes of a byte order mark. */
const isBlank = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13) || byte === 0xef || byte === 0xbb || byte === 0xbf;

const isWire = (value: unknown): value is Wire => typeof value === 'object' && value !== null;
