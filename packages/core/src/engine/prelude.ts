// Reads the beginning of a stream up to its first content, so that a stream that fails at once is still a failed
// attempt (which can be repeated, or answered with a proper status) and not a broken answer.

import { readErrorBody } from '../wire/error-body.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { TokenCount } from '../telemetry/ledger.ts';
import type { Clock } from '../time.ts';
import { usageOf } from '../wire/usage.ts';

export type Prelude =
  | { readonly type: 'begun'; readonly chunks: readonly Uint8Array[]; readonly reader: ReadableStreamDefaultReader<Uint8Array> }
  | { readonly type: 'failed'; readonly outcome: Outcome; readonly usage: TokenCount | null };

export interface PreludeLimits {
  /** Milliseconds without a byte that count as a stall. 0: no limit. */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly onStall: () => void;
  /** Gets what reads the body, for whoever ends it from outside. */
  readonly onReader: (reader: ReadableStreamDefaultReader<Uint8Array>) => void;
}

/** A stream whose first events are this long says nothing and never will. */
const maxPreludeBytes = 1024 * 1024;

export async function readPrelude(response: Response, limits: PreludeLimits): Promise<Prelude> {
  const contentType = response.headers.get('content-type') ?? '';
  if (!response.body || !contentType.includes('text/event-stream')) {
    await response.body?.cancel().catch(() => {});
    return failed({ type: 'stream-break', problem: 'wrong-type' });
  }

  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  limits.onReader(reader);
  const chunks: Uint8Array[] = [];
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for (;;) {
    const cancelStall = limits.idleMs > 0 ? limits.clock.after(limits.idleMs, limits.onStall) : () => {};
    const step = await reader.read().finally(cancelStall);
    if (step.done) return failed({ type: 'stream-break', problem: 'early-end' }, text);
    chunks.push(step.value);
    size += step.value.byteLength;
    text += decoder.decode(step.value, { stream: true });

    const first = firstTelling(text);
    if (first === 'content') return { type: 'begun', chunks, reader };
    if (first) {
      reader.cancel().catch(() => {});
      return failed({ type: 'stream-error', error: readErrorBody(first.data, 'application/json') }, text);
    }
    if (size > maxPreludeBytes) {
      reader.cancel().catch(() => {});
      return failed({ type: 'stream-break', problem: 'oversized' }, text);
    }
  }
}

const failed = (outcome: Outcome, text = ''): Prelude => ({ type: 'failed', outcome, usage: usageAtStart(text) });

/** `message_start` tells the input; the output was only beginning. */
function usageAtStart(text: string): TokenCount | null {
  const data = /(?:^|[\r\n])event: ?message_start(?:\r\n|\n|\r)data: ?([^\r\n]*)[\r\n]/.exec(text)?.[1];
  if (data === undefined) return null;
  try {
    const usage = usageOf((JSON.parse(data) as { message: Record<string, unknown> }).message);
    return usage && { ...usage, estimated: true };
  } catch {
    return null;
  }
}

const eventLine = /(?:^|\r\n|\n|\r)event: ?([^\r\n]*)(?:\r\n|\n|\r)/g;

/** The first event that says whether this stream answers: `error`, or anything that is neither `message_start` nor `ping`. */
function firstTelling(text: string): 'content' | { data: string } | null {
  eventLine.lastIndex = 0;
  for (let match = eventLine.exec(text); match; match = eventLine.exec(text)) {
    // The line end that closes this line may open the next match.
    eventLine.lastIndex -= 1;
    const name = match[1];
    if (name === 'message_start' || name === 'ping') continue;
    if (name !== 'error') return 'content';
    const rest = text.slice(match.index + match[0].length);
    const data = /^data: ?([^\r\n]*)(?:\r\n|\n|\r)/.exec(rest);
    return data ? { data: data[1] as string } : null;
  }
  return null;
}
