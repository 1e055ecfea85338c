// What the reader of a stream has been given, as plain JSON: the truth every recovery starts from, and the checkpoint.

/** One content block as the reader knows it. */
export interface TranscriptBlock {
  /** The index the reader saw. */
  readonly index: number;
  /** The wire type: text, thinking, redacted_thinking, tool_use, server_tool_use, … */
  readonly type: string;
  /** What was delivered: of a text block its text, of thinking its thoughts, of a tool call its input as JSON. */
  readonly text: string;
  /** The signature of delivered thinking. */
  readonly signature?: string;
  /** `content_block_stop` was delivered. */
  readonly closed: boolean;
  /** A text block with citations, which cannot be continued. */
  readonly citations: boolean;
  /** The block arrived whole: a complete tool call, a signed thought, a server tool's result. */
  readonly complete: boolean;
  /** The start of the block as it came over the wire. */
  readonly start: Readonly<Record<string, unknown>>;
}

/** Token counts of one attempt as the wire reported them. */
export interface AttemptUsage {
  input: number;
  output: number;
  cacheRead: number;
  cacheCreation: number;
  /** `output` is an estimate: the attempt broke before it told. */
  estimated: boolean;
}

export interface Transcript {
  readonly version: 1;
  /** The first message as `message_start` announced it; null before it was delivered. */
  readonly message: Readonly<Record<string, unknown>> | null;
  readonly blocks: readonly TranscriptBlock[];
  /** One entry per attempt whose `message_start` was read, in order. */
  readonly usage: readonly AttemptUsage[];
}

/** The open or last text block, which a continuation goes on with; null if the reader's last block is none. */
export function lastText(transcript: Transcript): TranscriptBlock | null {
  const last = transcript.blocks.at(-1);
  return last?.type === 'text' ? last : null;
}

/** All text the reader has, in order. */
export const deliveredText = ({ blocks }: Transcript): string => blocks.map(({ type, text }) => (type === 'text' ? text : '')).join('');

/** About 3.5 characters make a token in Claude's tokenizers, for text of most languages. */
export const estimateTokens = (characters: number): number => Math.ceil(characters / 3.5);
