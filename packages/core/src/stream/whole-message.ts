// The message that the reader of a whole stream ended up with.

import type { Transcript, TranscriptBlock } from './transcript.ts';

type Wire = Readonly<Record<string, unknown>>;

/** Null where the transcript does not hold all that was shown: tools, citations, blocks of other kinds. */
export function wholeMessage({ message, blocks, usage }: Transcript, stopReason: string | null): Wire | null {
  const content = blocks.map(contentOf);
  if (message === null || content.includes(null)) return null;
  const output = usage.reduce((sum, each) => sum + each.output, 0);
  return { ...message, content, stop_reason: stopReason, usage: { ...(message['usage'] as Wire), output_tokens: output } };
}

function contentOf({ type, text, signature, citations, start }: TranscriptBlock): Wire | null {
  if (type === 'text' && !citations) return { ...start, text };
  return type === 'thinking' && signature !== undefined ? { ...start, thinking: text, signature } : null;
}
