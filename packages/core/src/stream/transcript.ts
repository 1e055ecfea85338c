// What the reader of a stream has been given, as plain JSON: the truth every recovery starts from, and the checkpoint.

/** The state of one content block as the reader knows it. */
export interface TranscriptBlock {
  /** The index the reader saw, without gaps. */
  readonly index: number;
  /** The wire type: text, thinking, redacted_thinking, tool_use, server_tool_use, … */
  readonly type: string;
  /** Decoded text of a text block, or thinking shown live. Empty for other types. */
  text: string;
  /** `content_block_stop` was delivered. */
  closed: boolean;
  /** The block began, or grew, with citations, which cannot be continued. */
  citations: boolean;
  /** The block's wire start, for blocks delivered whole (tool calls, server tools, signed thinking). */
  readonly start?: unknown;
  /** Final tool input (JSON text) of a tool call delivered whole. */
  input?: string;
  /** Signature of a delivered thinking block. */
  signature?: string;
}

/** Token counts of one attempt as the wire reported them; output is an estimate while a stream is unfinished. */
export interface AttemptUsage {
  input: number;
  output: number;
  cacheRead: number;
  cacheCreation: number;
  /** `output` was estimated from the text, because the attempt broke before it reported. */
  estimated: boolean;
}

export interface Transcript {
  readonly version: 1;
  /** The id of the first message, which the final message keeps. */
  messageId: string | null;
  model: string | null;
  blocks: TranscriptBlock[];
  /** `message_delta` with a stop reason was seen: the answer is complete but for `message_stop`. */
  stopReason: string | null;
  stopSequence: string | null;
  /** `message_stop` was delivered. */
  done: boolean;
  /** One entry per attempt whose `message_start` was read, in order. */
  usage: AttemptUsage[];
}
