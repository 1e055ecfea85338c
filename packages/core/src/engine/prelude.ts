// Reads the beginning of a stream up to its first content, so that a stream that fails at once is still a failed
// attempt (which can be repeated, or answered with a proper status) and not a broken answer.

import type { Outcome, StreamBreak } from '../policy/outcome.ts';
import { messageEvents } from '../stream/message-events.ts';
import { Opening, type Opened } from '../stream/opening.ts';
import type { TokenCount } from '../telemetry/ledger.ts';
import type { Clock } from '../time.ts';
import { readErrorBody } from '../wire/error-body.ts';
import { isEventStream } from '../wire/event-type.ts';
import { usageOf } from '../wire/usage.ts';
import { readRest } from './body-text.ts';
import { watchForStall } from './stall-watch.ts';
import { verifyBody } from './verify-body.ts';

type Reader = ReadableStreamDefaultReader<Uint8Array>;

export type Prelude =
  | { readonly type: 'begun'; readonly chunks: readonly Uint8Array[]; readonly reader: Reader }
  /** `text`: what the upstream said about its failure, if it did. */
  | { readonly type: 'failed'; readonly outcome: Outcome; readonly usage: TokenCount | null; readonly text: string };

export interface PreludeLimits {
  /** Milliseconds without a byte that count as a stall. 0: no limit. */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly onStall: () => void;
}

/** A stream whose first events are this long together says nothing and never will. One event that tells something may be longer. */
const maxPreludeBytes = 1024 * 1024;

/** `reader` reads the body of `response`, whose headers promise nothing: gateways name streams anything. */
export async function readPrelude(response: Response, reader: Reader, { idleMs, clock, onStall }: PreludeLimits): Promise<Prelude> {
  const chunks: Uint8Array[] = [];
  const opening = new Opening();
  const watch = watchForStall(clock, idleMs, onStall);
  try {
    for (;;) {
      watch.arm();
      const step = await reader.read();
      watch.disarm();
      const opened = step.done ? opening.end() : opening.push(step.value);
      if (!step.done) chunks.push(step.value);
      if (opened.type === 'content') return { type: 'begun', chunks, reader };
      if (opened.type === 'json') return await readMessage(response, reader, chunks, watch.arm.bind(watch));
      const failure = failureOf(opened, step.done, opening.waited, response);
      if (failure === null) continue;
      reader.cancel().catch(() => {});
      return { type: 'failed', usage: usageAtStart(opening), ...failure };
    }
  } finally {
    watch.stop();
  }
}

function failureOf(opened: Opened, ended: boolean, waited: number, { headers }: Response): { outcome: Outcome; text: string } | null {
  const broken = (problem: StreamBreak) => ({ outcome: { type: 'stream-break', problem } as const, text: '' });
  if (opened.type === 'error')
    return { outcome: { type: 'stream-error', error: readErrorBody(opened.data, 'application/json') }, text: opened.data };
  if (opened.type === 'oversized' || waited > maxPreludeBytes) return broken('oversized');
  if (!ended) return null;
  return broken(isEventStream(headers.get('content-type')) ? 'early-end' : 'wrong-type');
}

/** JSON where events were asked for: some gateways know nothing else, and some tell their errors that way. */
async function readMessage(response: Response, reader: Reader, chunks: readonly Uint8Array[], onBytes: () => void): Promise<Prelude> {
  const { headers, status } = response;
  const text = await readRest(reader, chunks, onBytes);
  const body = text === null ? ({ type: 'bad', problem: 'oversized' } as const) : verifyBody(text, headers.get('content-type'), 'message');
  if (body.type === 'ok') return { type: 'begun', chunks: [messageEvents(body.value)], reader };
  const outcome: Outcome = { type: 'bad-body', status, problem: body.problem, headers, error: body.error };
  return { type: 'failed', outcome, usage: null, text: body.problem === 'error-envelope' ? (text ?? '') : '' };
}

/** `message_start` tells the input; the output was only beginning. */
function usageAtStart({ message }: Opening): TokenCount | null {
  const usage = message && usageOf(message);
  return usage && { ...usage, estimated: true };
}
