// A Response whose body has been read already. Making a stream of it again, only for the SDK to read it once more, would cost
// more than all the rest of a healthy call.

const encoder = new TextEncoder();

interface State {
  readonly text: string;
  /** The parsed body, handed out once: whoever gets it may change it. */
  value: unknown;
  used: boolean;
  body: ReadableStream<Uint8Array> | null;
}

const states = new WeakMap<Response, State>();
const stateOf = (response: Response): State => states.get(response) as State;

function take(response: Response): State {
  const state = stateOf(response);
  if (state.used) throw new TypeError('Body is unusable: Body has already been read');
  state.used = true;
  return state;
}

/** Looks and reads like a Response around `text`. */
export class ReadResponse extends Response {
  /** @param value `text` parsed as JSON, if it has been parsed; undefined if not */
  constructor(text: string, value: unknown, init: ResponseInit) {
    super(null, init);
    states.set(this, { text, value, used: false, body: null });
  }

  override async text(): Promise<string> {
    return take(this).text;
  }

  override async json(): Promise<unknown> {
    const { text, value } = take(this);
    return value === undefined ? JSON.parse(text) : value;
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return encoder.encode(take(this).text).buffer as ArrayBuffer;
  }

  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return encoder.encode(take(this).text) as Uint8Array<ArrayBuffer>;
  }

  override async blob(): Promise<Blob> {
    return new Blob([take(this).text], { type: this.headers.get('content-type') ?? '' });
  }

  override clone(): Response {
    const state = stateOf(this);
    if (state.used) throw new TypeError('Response.clone: Body has already been consumed.');
    return new ReadResponse(state.text, undefined, this);
  }
}

// Accessors on the prototype: the DOM's types call these properties, which a class may not override by accessors.
Object.defineProperties(ReadResponse.prototype, {
  bodyUsed: {
    get(this: Response): boolean {
      return stateOf(this).used;
    },
  },
  body: {
    get(this: Response): ReadableStream<Uint8Array> {
      const state = stateOf(this);
      state.body ??= new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            state.used = true;
            controller.enqueue(encoder.encode(state.text));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      return state.body;
    },
  },
});
