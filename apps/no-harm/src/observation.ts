// What one side made of one situation, as plain data: what the judge compares.

/** A whole answer, or what came of one, in a form in which two can be compared. */
export interface Answer {
  /** All text blocks, joined. */
  readonly text: string;
  /** The input of every tool call, as JSON. */
  readonly tools: readonly string[];
  /** Everything the message holds, as JSON: blocks in their order, without the ids that differ from one server to the next. */
  readonly content: string;
  readonly stopReason: string | null;
  readonly usage: string;
  /** A stream that ended with `message_stop`; a message that is one. */
  readonly whole: boolean;
}

/** An error as a program sees it. */
export interface Failure {
  /** The SDK's classes it is an instance of, the most special first; its own class where it is none of the SDK's. */
  readonly classes: readonly string[];
  readonly status: number | null;
  readonly type: string | null;
  readonly message: string;
  /** What the upstream says in it, without what the SDK puts around it; the message where there is nothing of the upstream's. */
  readonly words: string;
  readonly requestId: string | null;
  /** What `hold.explain` makes of it. */
  readonly kind: string;
  readonly retryable: boolean;
}

export interface Observation {
  readonly outcome: 'answered' | 'failed' | 'hung';
  readonly answer: Answer | null;
  readonly failure: Failure | null;
  /** Text that was read before a failure. */
  readonly partial: string;
  /** Requests that the judged call made. */
  readonly requests: number;
  /** Real milliseconds between its requests. */
  readonly gaps: readonly number[];
  /** Real milliseconds the call took. */
  readonly ms: number;
  /** Replies the server still holds open a while after the call has ended. */
  readonly open: number;
  /** Rejections and errors that nobody handled. */
  readonly unhandled: readonly string[];
}

export const nothing: Observation = {
  outcome: 'hung',
  answer: null,
  failure: null,
  partial: '',
  requests: 0,
  gaps: [],
  ms: 0,
  open: 0,
  unhandled: [],
};

type Block = Record<string, unknown>;

/** A message, or whatever the SDK gave out as one. */
export function answerOf(message: unknown, whole = true): Answer {
  if (typeof message !== 'object' || message === null || !Array.isArray((message as { content?: unknown }).content))
    return { text: '', tools: [], content: stable(message), stopReason: null, usage: '', whole: false };
  const { content, stop_reason: stopReason, usage } = message as { content: Block[]; stop_reason?: string | null; usage?: unknown };
  return {
    text: content.map((block) => (block?.['type'] === 'text' ? String(block['text']) : '')).join(''),
    tools: content.filter((block) => block?.['type'] === 'tool_use').map((block) => stable(block['input'])),
    content: stable(content),
    stopReason: stopReason ?? null,
    usage: stable(usage),
    whole,
  };
}

/** JSON with keys in one order: two servers may spell the same thing differently. */
function stable(value: unknown): string {
  return (
    JSON.stringify(value, (key, inner: unknown) =>
      key === 'parsed' || key === 'parsed_output'
        ? undefined
        : typeof inner === 'object' && inner !== null && !Array.isArray(inner)
          ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
          : inner,
    ) ?? 'undefined'
  );
}
