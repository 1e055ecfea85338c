// Joins upstream attempts into the one stream the reader sees: holds back what may still be withdrawn, hands on the rest as the
// bytes it came in, and knows at any moment what the reader has.

import type { ErrorFacts, StreamBreak } from '../policy/outcome.ts';
import { frame, replayEvents } from './message-events.ts';
import { createSeam, type Seam, type SeamInput, type SeamOutcome, type SeamStep } from './seam.ts';
import { EventScanner, readEvent } from './sse.ts';
import { isTextDelta, textDelta } from './text-delta.ts';
import { TextLog } from './text-log.ts';
import { estimateTokens, type AttemptUsage, type Transcript } from './transcript.ts';

type Wire = Readonly<Record<string, unknown>>;

export interface SpliceOptions {
  /** When tool calls reach the reader. */
  readonly tools: 'message' | 'block' | 'live';
  /** Thinking flows as it is written; otherwise it waits for its signature. */
  readonly liveThinking: boolean;
  /** Nothing is shown before the message is complete. */
  readonly holdAll: boolean;
  readonly stopSequences: readonly string[];
}

/** How the events of an attempt join what the reader has. */
export type Join =
  /** The first attempt, or a restart before anything was shown. */
  | { readonly type: 'fresh' }
  /** A new answer after thinking was shown: its blocks begin at `nextIndex`. */
  | { readonly type: 'restart'; readonly nextIndex: number }
  /** The text at `index` goes on. */
  | { readonly type: 'continue'; readonly index: number; readonly seam: SeamInput };

/** What a push ended in. `open`: more is to come. */
export type SpliceState =
  | { readonly type: 'open' }
  | { readonly type: 'done' }
  | { readonly type: 'broken'; readonly problem: StreamBreak | 'error' | 'no-seam' | 'nothing-new'; readonly error?: ErrorFacts; readonly data?: string };

interface Block {
  readonly index: number;
  readonly type: string;
  readonly start: Wire;
  readonly log: TextLog;
  closed: boolean;
  citations: boolean;
  complete: boolean;
  signature: string | null;
}

/** An event that waits, and what it changes once the reader has it. */
interface Held {
  readonly bytes: Uint8Array;
  readonly commit: (() => void) | null;
}

const open: SpliceState = { type: 'open' };
const done: SpliceState = { type: 'done' };
const encoder = new TextEncoder();

/** More held back than this is no answer any more. Bytes. */
const maxHeldBytes = 32 * 1024 * 1024;

export class Splice {
  readonly #options: SpliceOptions;
  #scanner = new EventScanner();
  #out: Uint8Array[] = [];
  #held: Held[] = [];
  #heldBytes = 0;
  /** Everything waits until the message is complete. */
  #holdMessage = false;
  /** The current block waits until it is complete. */
  #holdBlock = false;
  #state: SpliceState = open;

  // What the reader has.
  #message: Wire | null = null;
  #blocks: Block[] = [];
  #usage: AttemptUsage[] = [];

  // The attempt being read.
  #join: Join = { type: 'fresh' };
  /** The attempt's blocks by their own index; null for those the reader never sees. */
  #own = new Map<number, Block | null>();
  #nextIndex = 0;
  #seam: Seam | null = null;
  #seamOutcome: SeamOutcome | null = null;
  /** How much text this attempt gave the reader, and how much of it was read and kept back. */
  #added = 0;
  #swallowed = 0;
  #stop: { reason: string | null } | null = null;
  /** The text around a seam that may complete a stop sequence. */
  #watch: string | null = null;

  constructor(options: SpliceOptions) {
    this.#options = options;
    this.#holdMessage = options.holdAll;
  }

  /** A splice whose reader is new and first gets what `transcript` says was delivered before; then it is as after a break. */
  static replay(options: SpliceOptions, transcript: Transcript): Splice {
    const splice = new Splice(options);
    splice.#message = transcript.message;
    splice.#usage = transcript.usage.map((usage) => ({ ...usage }));
    splice.#blocks = transcript.blocks.map(({ index, type, text, start, closed, citations, complete, signature }) => {
      const log = new TextLog();
      log.appendText(text);
      return { index, type, start, log, closed, citations, complete, signature: signature ?? null };
    });
    for (const event of replayEvents(transcript)) splice.#emit(event);
    splice.#state = { type: 'broken', problem: 'socket' };
    return splice;
  }

  get state(): SpliceState {
    return this.#state;
  }

  /** How the last continuation began; null while that is unknown. */
  get seamOutcome(): SeamOutcome | null {
    return this.#seamOutcome;
  }

  /** `message_delta` with a stop reason was read and every block came whole: only `message_stop` is missing. */
  get stopKnown(): boolean {
    return this.#stop !== null && this.#stop.reason !== null;
  }

  /** The reader has something of the message. */
  get started(): boolean {
    return this.#message !== null;
  }

  /** What the reader has, as plain JSON. */
  transcript(): Transcript {
    return {
      version: 1,
      message: this.#message,
      blocks: this.#blocks.map(({ index, type, log, closed, citations, complete, start, signature }) => ({
        index,
        type,
        text: log.text(),
        closed,
        citations,
        complete,
        start,
        ...(signature === null ? {} : { signature }),
      })),
      usage: this.#usage.map((usage) => ({ ...usage })),
    };
  }

  /** Takes bytes of the current attempt. What the reader may have is then in `take`. */
  push(chunk: Uint8Array): SpliceState {
    if (this.#state !== open) return this.#state;
    let runStart = -1;
    let runEnd = 0;
    let run: Uint8Array | null = null;
    const endRun = (): void => {
      if (run && runStart !== -1) this.#out.push(run.subarray(runStart, runEnd));
      runStart = -1;
    };
    const fits = this.#scanner.push(chunk, (bytes, start, end) => {
      // The way almost every event goes: text of the open block, nothing held, handed on as it came.
      if (this.#held.length === 0 && this.#seam === null && this.#watch === null && isTextDelta(bytes, start, end)) {
        const block = this.#own.get(textDelta.index);
        if (block && block.index === textDelta.index && block.type === 'text') {
          block.log.append(bytes, textDelta.start, textDelta.end);
          this.#added += textDelta.end - textDelta.start;
          if (runStart === -1) runStart = start;
          run = bytes;
          runEnd = end;
          return true;
        }
      }
      endRun();
      this.#event(bytes, start, end);
      return this.#state === open;
    });
    endRun();
    if (!fits && this.#state === open) this.#break('oversized');
    if (this.#heldBytes > maxHeldBytes && this.#state === open) this.#break('oversized');
    return this.#state;
  }

  /** The bytes for the reader since the last call. */
  take(): Uint8Array[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** The attempt's body ended. */
  end(): SpliceState {
    if (this.#state === open) this.#break('early-end');
    return this.#state;
  }

  /** Something outside broke the attempt. */
  fail(problem: StreamBreak): void {
    if (this.#state === open) this.#break(problem);
  }

  /** Withdraws what was held and begins to read another attempt. */
  resume(join: Join): void {
    this.#dropHeld();
    this.#scanner = new EventScanner();
    this.#state = open;
    this.#join = join;
    this.#own = new Map();
    this.#stop = null;
    this.#swallowed = 0;
    this.#added = 0;
    this.#holdBlock = false;
    this.#holdMessage = this.#options.holdAll;
    this.#seam = null;
    this.#seamOutcome = null;
    if (join.type === 'continue') {
      this.#seam = createSeam(join.seam);
      this.#nextIndex = join.index + 1;
      this.#watch = this.#options.stopSequences.length > 0 ? join.seam.delivered.slice(-(longest(this.#options.stopSequences) - 1) || undefined) : null;
      if (this.#watch !== null && longest(this.#options.stopSequences) <= 1) this.#watch = null;
    } else {
      this.#watch = null;
      this.#nextIndex = join.type === 'restart' ? join.nextIndex : 0;
      if (join.type === 'restart') this.#closeOpenBlocks();
    }
  }

  /** Ends the message for the reader: what is missing of its last events is made up. */
  finish(stopReason: string | null): void {
    if (this.#stop?.reason != null) this.#flush();
    else {
      this.#dropHeld();
      this.#closeOpenBlocks();
      this.#emit({ type: 'message_delta', delta: { stop_reason: stopReason, stop_sequence: null }, usage: this.#totals({}) });
    }
    this.#emit({ type: 'message_stop' });
    this.#state = done;
  }

  /** What the attempts consumed; the last one's output is an estimate if it never told. */
  usage(): readonly AttemptUsage[] {
    return this.#usage;
  }

  #event(bytes: Uint8Array, start: number, end: number): void {
    const raw = readEvent(bytes, start, end);
    if (raw.name === '' && raw.data === '') return this.#pass(bytes, start, end);
    if (raw.name === 'ping') return this.#pass(bytes, start, end);
    let event: Wire;
    try {
      event = JSON.parse(raw.data) as Wire;
      if (typeof event !== 'object' || event === null) return this.#break('malformed');
    } catch {
      return this.#break('malformed');
    }
    const own = (): Uint8Array => bytes.slice(start, end);
    switch (event['type']) {
      case 'message_start':
        return this.#messageStart(event, own());
      case 'content_block_start':
        return this.#blockStart(event, own());
      case 'content_block_delta':
        return this.#blockDelta(event, own());
      case 'content_block_stop':
        return this.#blockStop(event, own());
      case 'message_delta':
        return this.#messageDelta(event, own());
      case 'message_stop':
        return this.#messageStop(own());
      case 'error': {
        const error = (event['error'] ?? {}) as { type?: unknown; message?: unknown; details?: { error_code?: unknown } };
        const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
        this.#closeUsage();
        this.#state = { type: 'broken', problem: 'error', error: { type: text(error.type), code: text(error.details?.error_code), message: text(error.message) }, data: raw.data };
        return;
      }
      default:
        // Tomorrow's events keep their place among the others.
        return this.#held.length > 0 ? this.#hold(own(), null) : this.#pass(bytes, start, end);
    }
  }

  #messageStart(event: Wire, bytes: Uint8Array): void {
    const message = (event['message'] ?? {}) as Wire;
    this.#usage.push(usageFrom(message['usage'] as Wire | undefined));
    if (this.#message !== null || this.#join.type !== 'fresh') return;
    this.#hold(bytes, () => {
      this.#message = message;
    });
  }

  #blockStart(event: Wire, bytes: Uint8Array): void {
    const start = (event['content_block'] ?? {}) as Wire;
    const type = String(start['type']);
    const ownIndex = Number(event['index']);
    if (this.#join.type === 'continue') {
      // Thinking is bound to the request that made it: in another request's answer it would poison the next turn.
      if (type === 'thinking' || type === 'redacted_thinking') {
        this.#own.set(ownIndex, null);
        return;
      }
      if (this.#seam !== null && type === 'text') {
        this.#own.set(ownIndex, this.#blocks.at(-1) ?? null);
        const text = start['text'];
        if (typeof text === 'string' && text !== '') this.#toSeam(this.#seam.push(text));
        return;
      }
      if (this.#seam !== null) {
        this.#toSeam(this.#seam.end());
        if (this.#state !== open) return;
      }
      // A second text of the continuation right after the first: the same block goes on only while it is open.
    }
    const block: Block = { index: this.#nextIndex, type, start, log: new TextLog(), closed: false, citations: false, complete: false, signature: null };
    this.#nextIndex += 1;
    this.#own.set(ownIndex, block);
    const renumbered = block.index === ownIndex ? bytes : encode({ ...event, index: block.index });
    const live = this.#isLive(type);
    if (!live && !this.#holdMessage) {
      if (isTool(type) && this.#options.tools === 'message') this.#holdMessage = true;
      else this.#holdBlock = true;
    }
    this.#hold(renumbered, () => {
      this.#blocks.push(block);
      if (typeof start['text'] === 'string' && start['text'] !== '') block.log.appendText(start['text']);
    });
    // An empty text says nothing yet: it waits for its first words.
    if (live && !(type === 'text' && !start['text'])) this.#flushUnlessHolding();
    if (!hasDeltas(type)) block.complete = true;
  }

  #blockDelta(event: Wire, bytes: Uint8Array): void {
    const ownIndex = Number(event['index']);
    const block = this.#own.get(ownIndex);
    const delta = (event['delta'] ?? {}) as Wire;
    // Swallowed thinking, or a delta to a block that never began.
    if (!block) {
      this.#swallowed += String(delta['thinking'] ?? '').length;
      return;
    }
    if (this.#seam !== null && this.#join.type === 'continue' && block === this.#blocks.at(-1)) {
      if (delta['type'] !== 'text_delta') return;
      const text = String(delta['text'] ?? '');
      this.#swallowed += text.length;
      return this.#toSeam(this.#seam.push(text));
    }
    const continued = this.#join.type === 'continue' && block.index === this.#join.index;
    if (continued && delta['type'] === 'citations_delta') return;
    if (continued && this.#watch !== null && delta['type'] === 'text_delta') return this.#addText(block, String(delta['text'] ?? ''));
    const renumbered = block.index === ownIndex ? bytes : encode({ ...event, index: block.index });
    const text = delta['text'] ?? delta['thinking'] ?? delta['partial_json'];
    if (typeof text === 'string') {
      this.#added += text.length;
    }
    const commit = (): void => {
      if (typeof text === 'string') block.log.appendText(text);
      if (delta['type'] === 'citations_delta') block.citations = true;
      if (delta['type'] === 'signature_delta') {
        block.complete = true;
        block.signature = String(delta['signature']);
      }
    };
    if (this.#held.length === 0) {
      this.#out.push(renumbered);
      commit();
      return;
    }
    this.#hold(renumbered, commit);
    if (text === '' || (block.type === 'text' && typeof text !== 'string')) return;
    if (this.#isLive(block.type)) this.#flushUnlessHolding();
  }

  #blockStop(event: Wire, bytes: Uint8Array): void {
    const ownIndex = Number(event['index']);
    const block = this.#own.get(ownIndex);
    if (!block) return;
    if (this.#seam !== null && block === this.#blocks.at(-1)) {
      this.#toSeam(this.#seam.end());
      if (this.#state !== open) return;
    }
    const renumbered = block.index === ownIndex ? bytes : encode({ ...event, index: block.index });
    if (this.#holdBlock && !this.#holdMessage) {
      block.complete = true;
      this.#holdBlock = false;
      // Thinking nobody asked to see goes out with what follows it: until then the answer can begin anew unseen.
      if (isTool(block.type)) this.#flush();
    }
    // It waits for the next event: until then the text can still go on.
    this.#hold(renumbered, () => {
      block.closed = true;
      block.complete = true;
    });
  }

  #messageDelta(event: Wire, bytes: Uint8Array): void {
    const delta = (event['delta'] ?? {}) as Wire;
    const reason = typeof delta['stop_reason'] === 'string' ? delta['stop_reason'] : null;
    const current = this.#usage.at(-1);
    const wire = (event['usage'] ?? {}) as Wire;
    if (current) readUsageInto(current, wire);
    if (this.#seam !== null) {
      this.#toSeam(this.#seam.end());
      if (this.#state !== open) return;
    }
    // It may mean that the answer was whole, or that the model gave up: an answer is never ended on a guess.
    if (this.#join.type === 'continue' && this.#added === 0 && reason !== null && this.#nextIndex === this.#join.index + 1) {
      this.#state = { type: 'broken', problem: 'nothing-new' };
      return;
    }
    if (reason !== null) this.#stop = { reason };
    const merged = this.#usage.length > 1 ? encode({ ...event, usage: this.#totals(wire) }) : bytes;
    this.#hold(merged, null);
  }

  #messageStop(bytes: Uint8Array): void {
    if (this.#stop === null && this.#seam !== null) this.#toSeam(this.#seam.end());
    if (this.#state !== open) return;
    this.#flush();
    this.#out.push(bytes);
    this.#state = done;
  }

  #toSeam(step: SeamStep): void {
    switch (step.status) {
      case 'holding':
        return;
      case 'failed':
        this.#closeUsage();
        this.#state = { type: 'broken', problem: 'no-seam' };
        return;
      case 'found': {
        this.#seam = null;
        this.#seamOutcome = step.outcome;
        const block = this.#blocks.at(-1);
        if (block && step.emit !== '') this.#addText(block, step.emit);
      }
    }
  }

  /** Text of ours for the continued block; checked for a stop sequence that began before the break. */
  #addText(block: Block, text: string): void {
    let rest = text;
    if (this.#watch !== null) {
      const joined = this.#watch + text;
      const cut = firstStop(joined, this.#options.stopSequences, this.#watch.length);
      if (cut) {
        rest = joined.slice(this.#watch.length, Math.max(this.#watch.length, cut.at));
        this.#append(block, rest);
        return this.#stopAt(cut.sequence);
      }
      const room = longest(this.#options.stopSequences) - 1;
      // Once as much new text has passed, the upstream's own check covers everything.
      this.#watch = this.#added + text.length >= room ? null : joined.slice(-room);
    }
    this.#append(block, rest);
  }

  #append(block: Block, text: string): void {
    if (text === '') return;
    this.#added += text.length;
    block.log.appendText(text);
    this.#emit({ type: 'content_block_delta', index: block.index, delta: { type: 'text_delta', text } });
  }

  #stopAt(sequence: string): void {
    this.#closeUsage();
    this.#dropHeld();
    this.#closeOpenBlocks();
    this.#emit({ type: 'message_delta', delta: { stop_reason: 'stop_sequence', stop_sequence: sequence }, usage: this.#totals({}) });
    this.#emit({ type: 'message_stop' });
    this.#state = done;
  }

  #isLive(type: string): boolean {
    if (this.#options.holdAll) return false;
    if (type === 'thinking' || type === 'redacted_thinking') return this.#options.liveThinking;
    return isTool(type) ? this.#options.tools === 'live' : true;
  }

  #pass(bytes: Uint8Array, start: number, end: number): void {
    this.#out.push(bytes.subarray(start, end));
  }

  #hold(bytes: Uint8Array, commit: (() => void) | null): void {
    this.#held.push({ bytes, commit });
    this.#heldBytes += bytes.length;
  }

  #flushUnlessHolding(): void {
    if (!this.#holdMessage && !this.#holdBlock) this.#flush();
  }

  #flush(): void {
    for (const { bytes, commit } of this.#held) {
      this.#out.push(bytes);
      commit?.();
    }
    this.#held = [];
    this.#heldBytes = 0;
  }

  #dropHeld(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  #closeOpenBlocks(): void {
    for (const block of this.#blocks) {
      if (block.closed) continue;
      block.closed = true;
      this.#emit({ type: 'content_block_stop', index: block.index });
    }
  }

  #break(problem: StreamBreak): void {
    this.#closeUsage();
    this.#state = { type: 'broken', problem };
  }

  /** The attempt will not tell its output any more: estimate it from its text. */
  #closeUsage(): void {
    const current = this.#usage.at(-1);
    if (!current || this.#stop !== null) return;
    current.output = Math.max(current.output, estimateTokens(this.#added + this.#swallowed));
    current.estimated = true;
  }

  /** The usage of the whole answer: the sum over its attempts. */
  #totals(wire: Wire): Wire {
    const sum = (pick: (usage: AttemptUsage) => number): number => this.#usage.reduce((total, usage) => total + pick(usage), 0);
    return {
      ...wire,
      input_tokens: sum(({ input }) => input),
      cache_creation_input_tokens: sum(({ cacheCreation }) => cacheCreation),
      cache_read_input_tokens: sum(({ cacheRead }) => cacheRead),
      output_tokens: sum(({ output }) => output),
    };
  }

  #emit(event: Wire): void {
    this.#out.push(encode(event));
  }
}

const encode = (event: Wire): Uint8Array => encoder.encode(frame(event));
const isTool = (type: string): boolean => type === 'tool_use';
/** Other blocks arrive whole with their start. */
const hasDeltas = (type: string): boolean => ['text', 'thinking', 'tool_use', 'server_tool_use', 'mcp_tool_use', 'compaction'].includes(type);
const longest = (texts: readonly string[]): number => texts.reduce((most, { length }) => Math.max(most, length), 0);

/** The first stop sequence in `text` that ends after `from`. */
function firstStop(text: string, sequences: readonly string[], from: number): { at: number; sequence: string } | null {
  let first: { at: number; sequence: string } | null = null;
  for (const sequence of sequences) {
    if (sequence === '') continue;
    const at = text.indexOf(sequence, Math.max(0, from - sequence.length + 1));
    if (at !== -1 && (first === null || at < first.at)) first = { at, sequence };
  }
  return first;
}

const count = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0);

function usageFrom(wire: Wire | undefined): AttemptUsage {
  const usage: AttemptUsage = { input: 0, output: 0, cacheRead: 0, cacheCreation: 0, estimated: false };
  if (wire) readUsageInto(usage, wire);
  return usage;
}

/** Numbers are cumulative; what is absent keeps its value. */
function readUsageInto(usage: AttemptUsage, wire: Wire): void {
  if ('input_tokens' in wire) usage.input = count(wire['input_tokens']);
  if ('output_tokens' in wire) usage.output = count(wire['output_tokens']);
  if ('cache_read_input_tokens' in wire) usage.cacheRead = count(wire['cache_read_input_tokens']);
  if ('cache_creation_input_tokens' in wire) usage.cacheCreation = count(wire['cache_creation_input_tokens']);
}

