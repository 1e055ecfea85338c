// The seam between the journey, which makes attempts, and `heal`, which reads them as one stream.

import type { Outcome } from '../policy/outcome.ts';
import type { Transcript } from '../stream/transcript.ts';

/** One upstream body, being read. */
export interface StreamSource {
  readonly body: ReadableStream<Uint8Array>;
  /** Ends the attempt: aborts the upstream request. Safe to call twice. */
  abort(): void;
  /** How its events join what the reader already has. */
  readonly join: StreamJoin;
  /** Bytes silent for longer than this are a stall. 0: no limit. */
  readonly idleMs: number;
}

export type StreamJoin =
  /** The first attempt, or a restart when nothing was visible. */
  | { readonly mode: 'fresh' }
  /** A restart after thinking was shown live: a new generation at the next index. */
  | { readonly mode: 'restart'; readonly nextIndex: number }
  /** The same open text block goes on. */
  | { readonly mode: 'continue'; readonly form: 'prefill' | 'user-turn'; readonly anchor: string; readonly trimmed: string };

/** What `heal` is told when a stream broke and it asked for the next source. */
export type NextSource =
  | { readonly type: 'source'; readonly source: StreamSource }
  /** The answer ends well here (for example after delivered tool calls). */
  | { readonly type: 'finish'; readonly stopReason: string | null }
  /** Nothing more can be done: the bytes of the in-stream `error` event to end with. */
  | { readonly type: 'surface'; readonly event: Uint8Array };

/** The journey's side of a stream. Exactly one of `onDone` and `onLeave` is called, once; `onBreak` any number of times before. */
export interface StreamOwner {
  /** The first content event passed: the attempt answers. */
  onFirstContent(): void;
  onBreak(outcome: Outcome, transcript: Transcript): Promise<NextSource>;
  /** The answer was delivered to its end, or surfaced. */
  onDone(transcript: Transcript): void;
  /** The reader left before the end. */
  onLeave(transcript: Transcript): void;
}
