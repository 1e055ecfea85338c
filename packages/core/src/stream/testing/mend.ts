// Plays a whole healed stream without waiting for anything: attempts that break where a test says, planned and joined by the
// production code, and continued by a model that does exactly what it is asked.

import { eventsFor, type Answer, type ContentBlock } from '@holdfast/testing';
import { classify } from '../../policy/classify.ts';
import type { StreamBreak } from '../../policy/outcome.ts';
import { planRecovery, requestFacts } from '../recovery.ts';
import { Splice, type SpliceOptions } from '../splice.ts';
import { readStrictly, type ReadMessage } from './strict-reader.ts';

export interface Play {
  readonly answer: Answer;
  /** Where the attempts break, one after the other, in bytes; then they are whole. */
  readonly cuts: readonly number[];
  readonly how?: StreamBreak;
  readonly options?: Partial<SpliceOptions>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly crlf?: boolean;
  /** Bytes come in pieces of this size. Default: all at once. */
  readonly pieces?: number;
  readonly seed?: number;
  /** The continuation thinks first. */
  readonly thinksAgain?: boolean;
}

export interface Played {
  /** What the reader got, up to the end or the error. */
  readonly bytes: Uint8Array;
  readonly message: ReadMessage | null;
  /** `done`, or why the break was surfaced. */
  readonly end: string;
  readonly attempts: number;
}

const usage = { input_tokens: 10, output_tokens: 20, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
const encoder = new TextEncoder();

/** The bytes of one attempt that answers `answer`. */
export function wireOf(answer: Answer, options: { attempt?: number; seed?: number; crlf?: boolean } = {}): Uint8Array {
  const { attempt = 1, seed = 3, crlf = false } = options;
  const text = eventsFor({ id: `msg_${attempt}`, model: 'claude-opus-5-5', usage, answer }, seed + attempt)
    .map((event) => event.text)
    .join('');
  return encoder.encode(crlf ? text.replaceAll('\n', '\r\n') : text);
}

export function play({
  answer,
  cuts,
  how = 'socket',
  options,
  body = {},
  crlf = false,
  pieces,
  seed = 3,
  thinksAgain = false,
}: Play): Played {
  const splice = new Splice({ tools: 'message', liveThinking: false, holdAll: false, stopSequences: [], strict: true, ...options });
  const given: Uint8Array[] = [];
  let bytes = wireOf(answer, { crlf, seed });
  for (let attempt = 1; ; attempt += 1) {
    const cut = cuts[attempt - 1];
    feed(splice, cut === undefined ? bytes : bytes.slice(0, cut), pieces, given);
    if (splice.state.type === 'open') {
      if (how === 'early-end' || cut === undefined) splice.end();
      else splice.fail(how);
    }
    take(splice, given);
    const { state } = splice;
    if (state.type === 'done') return played(given, 'done', attempt);
    if (state.type === 'open') throw new Error('the splice is open after the end of an attempt');
    const problem =
      state.problem === 'error' || state.problem === 'no-seam' || state.problem === 'nothing-new' ? 'malformed' : state.problem;
    const transcript = JSON.parse(JSON.stringify(splice.transcript())) as ReturnType<Splice['transcript']>;
    const plan = planRecovery({
      transcript,
      stopKnown: splice.stopKnown,
      facts: requestFacts(body),
      verdict: classify({ type: 'stream-break', problem }),
      options: { heal: true, thinking: 'auto' },
      resumesLeft: cuts.length + 1 - attempt,
    });
    switch (plan.type) {
      case 'surface':
        return played(given, plan.cause, attempt);
      case 'finish':
      case 'close':
        splice.finish(plan.type === 'close' ? 'tool_use' : null);
        take(splice, given);
        return played(given, 'done', attempt);
      case 'restart':
        splice.resume(transcript.message === null ? { type: 'fresh' } : plan);
        bytes = wireOf(answer, { attempt: attempt + 1, crlf, seed });
        break;
      case 'continue': {
        const { index, delivered, anchor } = plan;
        splice.resume({ type: 'continue', index, seam: { form: 'user-turn', delivered, anchor, trimmed: '' } });
        bytes = wireOf(continuation(answer, delivered, anchor, thinksAgain), { attempt: attempt + 1, crlf, seed });
      }
    }
  }
}

function played(given: readonly Uint8Array[], end: string, attempts: number): Played {
  const bytes = new Uint8Array(given.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of given) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { bytes, message: bytes.length === 0 ? null : readStrictly(bytes), end, attempts };
}

function feed(splice: Splice, bytes: Uint8Array, size: number | undefined, given: Uint8Array[]): void {
  if (size === undefined) splice.push(bytes);
  else
    for (let at = 0; at < bytes.length; at += size) {
      splice.push(bytes.slice(at, at + size));
      take(splice, given);
    }
}

function take(splice: Splice, given: Uint8Array[]): void {
  // No copy: a reader may keep what it gets, and it must not change later.
  const bytes = splice.take();
  if (bytes) given.push(bytes);
}

/** The rest of `answer` after `delivered`, begun as it was asked: with the anchor. */
export function continuation(answer: Answer, delivered: string, anchor: string, thinks: boolean): Answer {
  const thought: ContentBlock[] = thinks ? [{ type: 'thinking', thinking: 'Where was I? Ah.', signature: 'sig-again' }] : [];
  let left = delivered.length;
  for (const [at, block] of answer.content.entries()) {
    if (block.type !== 'text') continue;
    const text = String(block['text']);
    if (left <= text.length)
      return { ...answer, content: [...thought, { ...block, text: anchor + text.slice(left) }, ...answer.content.slice(at + 1)] };
    left -= text.length;
  }
  throw new Error('more was delivered than the answer has');
}
