// What one attempt ended in, as plain data: the input of `classify`.

/** Reads a response header by lower-case name; `Headers` satisfies it. */
export interface HeaderReader {
  get(name: string): string | null;
}

/** The parts of an error body that matter, read by `readErrorBody` from any of the shapes platforms use. */
export interface ErrorFacts {
  /** `error.type`, or the platform's own name of the error. */
  readonly type?: string | undefined;
  /** `error.details.error_code`. */
  readonly code?: string | undefined;
  /** The upstream's words. They decide only where there is no other sign: an organisation's own spend limit, a prompt that is too long. */
  readonly message?: string | undefined;
  /** A status of HTTP that the body tells, 400 to 599. It counts where the status of the response itself promised an answer. */
  readonly status?: number | undefined;
}

/** How far a request got that failed without a response. */
export type Sent = 'no' | 'maybe';

export type Outcome =
  /** A response with its status; for failures the error facts read from the body. */
  | { readonly type: 'response'; readonly status: number; readonly headers: HeaderReader; readonly error?: ErrorFacts | undefined }
  /** An answer that came with a good status and cannot be used. */
  | {
      readonly type: 'bad-body';
      readonly status: number;
      readonly problem: BadBody;
      readonly headers?: HeaderReader | undefined;
      readonly error?: ErrorFacts | undefined;
    }
  /** An `error` event inside a stream. */
  | { readonly type: 'stream-error'; readonly error: ErrorFacts }
  /** A stream that broke without saying why. */
  | { readonly type: 'stream-break'; readonly problem: StreamBreak; readonly cause?: ConnectionFacts | undefined }
  /** No response: the connection failed. */
  | { readonly type: 'connection'; readonly cause: ConnectionFacts }
  /** One of our own limits ended the attempt. */
  | { readonly type: 'limit'; readonly limit: 'first-byte' | 'idle' | 'total' }
  /** The caller left. */
  | { readonly type: 'aborted' };

export type BadBody = 'truncated' | 'empty' | 'not-json' | 'not-a-message' | 'html' | 'error-envelope' | 'reset' | 'redirect' | 'oversized';

export type StreamBreak = 'socket' | 'early-end' | 'stall' | 'malformed' | 'oversized' | 'wrong-type';

/** What is known of a connection failure, collected along its `cause` chain by structure, never by `instanceof`. */
export interface ConnectionFacts {
  readonly name: string;
  /** Node's or undici's code, for example ECONNREFUSED or UND_ERR_SOCKET. */
  readonly code?: string | undefined;
  readonly sent: Sent;
  /**
   * It was no connection that failed: no `credentials` could be had, or the `program` itself (the SDK, other middleware)
   * refused. Absent: a connection.
   */
  readonly origin?: 'credentials' | 'program' | undefined;
}
