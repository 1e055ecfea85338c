// What an adapter hands to the conformance suite: a small application of its framework, and how to speak with it.

/**
 * The application every adapter builds for the suite, with its framework's own means and the adapter's public functions:
 *
 * | Route | Does |
 * |---|---|
 * | `message` `POST /message` | `messages.create` with `prompt` as the user's words; replies `{"text": …}` |
 * | `user-input` `POST /user-input` | the same, but a refused request is the client's fault |
 * | `stream` `POST /stream` | relays `messages.create({ stream: true })` in the format `as` |
 * | `late` `POST /late` | sends status, headers and a first comment of an event stream itself, then relays the stream into it |
 * | `foreign` `POST /foreign` | throws an `Error` of its own whose message is `foreignSecret` |
 * | `live`, `ready`, `status` `GET /health/…` | the health probes |
 */
export type Route = 'message' | 'user-input' | 'stream' | 'late' | 'foreign' | 'live' | 'ready' | 'status';

export type StreamFormat = 'anthropic-sse' | 'text' | 'ndjson';

export interface RouteInput {
  readonly prompt?: string;
  readonly as?: StreamFormat;
}

/** Everything the application is made from. Times are short so that the suite is. */
export interface AppContext {
  /** The upstream: give it to the SDK client as `baseURL`. */
  readonly baseURL: string;
  /** Give it to the SDK client; no reply may contain it. */
  readonly apiKey: string;
  /** The model to ask for; no reply of a failure may contain it. */
  readonly model: string;
  /** The SDK client's `timeout`, milliseconds. */
  readonly timeoutMs: number;
  readonly heartbeatMs: number;
  readonly holdHeadersMs: number;
  readonly slowReaderMs: number;
  readonly readinessDelayMs: number;
  readonly drainMs: number;
  readonly endMs: number;
  /** JSON bodies larger than this many bytes are refused by the application. */
  readonly maxBodyBytes: number;
  /** What the health routes report. */
  readonly health: { health(): { readonly status: 'ok' | 'degraded' | 'down'; readonly secret: string } };
  /** The message of the error that `foreign` throws. */
  readonly foreignSecret: string;
}

export interface RunningApp {
  /** Where it listens, without a trailing slash. */
  readonly url: string;
  /** The adapter's graceful shutdown, with the times of the context. Resolves when the server is closed. */
  shutdown(): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

export interface AdapterUnderTest {
  /** Appears in the names of the tests. */
  readonly name: string;
  start(context: AppContext): Promise<RunningApp>;
  /** For applications that do not speak plain HTTP with problem bodies. Default: `httpDialect`. */
  readonly dialect?: Partial<Dialect>;
  /** Cases to leave out, by name, each with the reason it cannot apply. */
  readonly skip?: Readonly<Record<string, string>>;
}

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A failure as the client of the application sees it. */
export interface SeenProblem {
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly requestId: string | null;
}

/** A streamed answer as the client sees it. */
export interface SeenStream {
  readonly text: string;
  /** The in-band error; null when there was none. */
  readonly error: { readonly code: string; readonly retryable: boolean } | null;
  /** It ended as a whole answer ends. */
  readonly complete: boolean;
}

/** How to speak with the application. */
export interface Dialect {
  request(route: Route, input: RouteInput): WireRequest;
  /** The text of a `message` reply. */
  messageOf(body: string): string;
  /** The failure in a reply that is no success; null when it is none of Claude's. */
  problemOf(body: string): SeenProblem | null;
  streamOf(body: string, as: StreamFormat): SeenStream;
  /** How often the stream showed a sign of life so far. */
  heartbeatsIn(body: string, as: StreamFormat): number;
  /** The formats `stream` knows. The first one is used for everything that is not about formats. */
  readonly formats: readonly StreamFormat[];
  /** Where a failed `message` says when to come back: the header, or the body alone. */
  readonly retryAfter: 'header' | 'body';
}
