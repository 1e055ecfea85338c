// A Response whose body has been read already. Making a stream of it again, only for the SDK to read it once more, would cost
// more than all the rest of a healthy call.

import { withByteReader } from './byte-reader.ts';
import { initOf, lookingLike } from './response-copy.ts';

const encoder = new TextEncoder();

/** Looks and reads like a Response around `text`. */
export class ReadResponse extends Response {
  readonly #text: string;
  /** The parsed body, handed out once: whoever gets it may change it. */
  readonly #value: unknown;
  #used = false;
  #body: ReadableStream<Uint8Array> | null = null;

  readonly #url: string;

  /** @param value `text` parsed as JSON, if it has been parsed; undefined if not */
  constructor(text: string, value: unknown, init: ResponseInit & { readonly url?: string }) {
    super(null, initOf(init));
    this.#url = init.url ?? '';
    this.#text = text;
    this.#value = value;
  }

  // The DOM's types call these properties, which a class may not override by accessors.
  static {
    Object.defineProperties(this.prototype, {
      url: {
        get(this: ReadResponse): string {
          return this.#url;
        },
      },
      bodyUsed: {
        get(this: ReadResponse): boolean {
          return this.#used;
        },
      },
      body: {
        get(this: ReadResponse): ReadableStream<Uint8Array> {
          return (this.#body ??= this.#stream());
        },
      },
    });
  }

  override async text(): Promise<string> {
    return this.#take();
  }

  override async json(): Promise<unknown> {
    const text = this.#take();
    return this.#value === undefined ? JSON.parse(text) : this.#value;
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return encoder.encode(this.#take()).buffer as ArrayBuffer;
  }

  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return encoder.encode(this.#take()) as Uint8Array<ArrayBuffer>;
  }

  override async blob(): Promise<Blob> {
    return new Blob([this.#take()], { type: this.headers.get('content-type') ?? '' });
  }

  override clone(): Response {
    if (this.#used) throw new TypeError('Response.clone: Body has already been consumed.');
    return lookingLike(this, new ReadResponse(this.#text, undefined, this));
  }

  #take(): string {
    if (this.#used) throw new TypeError('Body is unusable: Body has already been read');
    this.#used = true;
    return this.#text;
  }

  #stream(): ReadableStream<Uint8Array> {
    return withByteReader(
      new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            controller.enqueue(encoder.encode(this.#take()));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      ),
    );
  }
}
