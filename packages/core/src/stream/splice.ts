// Joins upstream attempts into the one stream the reader sees: holds back what may still be withdrawn, hands on the rest as the
// bytes it came in, and knows at any moment what the reader has.

import { errorFacts } from '../wire/error-body.ts';
import type { ErrorFacts, StreamBreak } from '../policy/outcome.ts';
import { readUsageInto, usageFrom } from '../wire/usage.ts';
import { totalUsage } from './attempt-usage.ts';
import { Delivered, newBlock, type Block } from './delivered.ts';
import { DeltaShape, textMemberOf, textOfDelta } from './delta-shape.ts';
import {
  isBlock,
  isDelta,
  isEmptyForeign,
  isMessageStart,
  isMisspelt,
  isObject,
  isWholeInput,
  messageEventTypes,
  parseObject as parse,
} from './event-form.ts';
import { HeldBack } from './held-back.ts';
import { frame, replayEvents } from './message-events.ts';
import { Outbox } from './outbox.ts';
import { unfinishedMark } from './own-thinking.ts';
import { createSeam, type Seam, type SeamInput, type SeamOutcome, type SeamStep } from './seam.ts';
import { eventType, namedEvent, signOfLife } from '../wire/event-type.ts';
import { eventEnd, EventTail, maxEventBytes, readEvent } from '../wire/sse.ts';
import { StopWatch } from './stop-watch.ts';
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
  /** A stream that contradicts itself is broken. Otherwise it is handed on as it is, to be what its reader makes of it. */
  readonly strict: boolean;
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
  /** `by`: who said so. Upstream, the attempt is at its end too; the splice may have ended the answer before it. */
  | { readonly type: 'done'; readonly by: 'upstream' | 'splice' }
  | {
      readonly type: 'broken';
      readonly problem: StreamBreak | 'error' | 'no-seam' | 'nothing-new';
      readonly error?: ErrorFacts;
    };

const open: SpliceState = { type: 'open' };
const done: SpliceState = { type: 'done', by: 'splice' };
const doneUpstream: SpliceState = { type: 'done', by: 'upstream' };
const encoder = new TextEncoder();

/** More held back, or more in one block, is no answer any more. Bytes. */
const maxKeptBytes = 32 * 1024 * 1024;
/** Nor is more in all blocks together. Bytes. */
const maxMessageBytes = 64 * 1024 * 1024;
/** A block whose deltas look different each time is not worth more tries. */
const maxLessons = 4;

/**
 * A synchronous machine over bytes: `push` an attempt's chunks, `take` what the reader may have, and after a break `resume`
 * with the next attempt or `finish`.
 */
export class Splice {
  readonly #options: SpliceOptions;
  readonly #delivered: Delivered;
  readonly #out = new Outbox();
  #held = new HeldBack();
  /** Everything waits until the message is complete. */
  #holdMessage: boolean;
  /** The current block waits until it is complete. */
  #holdBlock = false;
  #state: SpliceState = open;

  // The attempt being read.
  #tail = new EventTail();
  #join: Join = { type: 'fresh' };
  /** Its entry in the usage, once it began. */
  #usage: AttemptUsage | null = null;
  #messageId: unknown = null;
  /** Its blocks by their own index; null for those the reader never sees. */
  #own = new Map<number, Block | null>();
  /** The one that has begun and not ended, by its own index. */
  #openIndex: number | null = null;
  /** Tool calls that had not ended when another block began: some gateways write calls side by side. */
  readonly #sideBySide = new Set<number>();
  /** The block that grows, and the bytes of all before it. */
  #growing: Block | null = null;
  #grown = 0;
  /** Nothing is known any more of what passes: a stream that is not healed is not ended for it. */
  #isBlind = false;
  #nextIndex = 0;
  #seam: Seam | null = null;
  #seamOutcome: SeamOutcome | null = null;
  /** How much text it gave the reader, and how much was read of it and never shown. */
  #added = 0;
  #swallowed = 0;
  #stopReason: string | null = null;
  /** Its end was told, with no reason for it: some gateways know none. */
  #endsWithoutReason = false;
  /** A tool call whose input is no JSON, and more than misspelt: the model may have been stopped in the middle of it, or the rest was lost. */
  #hasTruncatedTool = false;
  #stopWatch: StopWatch | null = null;
  #hasHeldPing = false;
  /** Its events have no names, as some gateways write them. In any other, an event without one has lost it on the way. */
  #isNameless = false;

  // The fast path: how the deltas of the current block look, and what becomes of them.
  #shape: DeltaShape | null = null;
  #shapeBlock: Block | null = null;
  /** What a delta begins with for the reader, where that is not how it came. */
  #renumbered: Uint8Array | null = null;
  #lessons = 0;

  constructor(options: SpliceOptions, delivered: Delivered = new Delivered()) {
    this.#options = options;
    this.#delivered = delivered;
    this.#holdMessage = options.holdAll;
  }

  /** A splice whose reader is new and first gets what `transcript` says was delivered before; then it is as after a break. */
  static replay(options: SpliceOptions, transcript: Transcript): Splice {
    const splice = new Splice(options, Delivered.from(transcript));
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

  /** `message_delta` with a stop reason was read and every tool call came whole: only `message_stop` is missing. */
  get stopKnown(): boolean {
    return this.#stopReason !== null;
  }

  /** Why the answer ended; null before it has. */
  get stopReason(): string | null {
    return this.#stopReason;
  }

  /** The message as the reader saw it begin; null before that. */
  get message(): Wire | null {
    return this.#delivered.message;
  }

  /** What the reader has, as plain JSON. A block is part of it once its start is; where more is held back, it has ended. */
  transcript(): Transcript {
    return this.#delivered.transcript();
  }

  /** What the attempts consumed; the last one's output is an estimate if it never told. */
  usage(): readonly AttemptUsage[] {
    return this.#delivered.usage;
  }

  /** Takes bytes of the current attempt. What the reader may have is then in `take`. */
  push(chunk: Uint8Array): SpliceState {
    if (this.#state !== open) return this.#state;
    if (this.#isBlind) {
      this.#out.put(chunk);
      return this.#state;
    }
    let at = 0;
    if (this.#tail.length > 0) {
      const completed = this.#tail.complete(chunk);
      if (completed === null) return this.#checkBounds();
      this.#events(completed.event, 0, true);
      at = completed.taken;
    }
    at = this.#events(chunk, at);
    if (at < chunk.length && this.#isBlind) this.#out.put(chunk.subarray(at));
    else if (at < chunk.length) this.#tail.keep(chunk, at);
    return this.#checkBounds();
  }

  /** How many bytes the reader may have. */
  get pending(): number {
    return this.#out.length;
  }

  /** The bytes for the reader since the last call; null if there are none. */
  take(): Uint8Array | null {
    return this.#out.take();
  }

  /** The attempt's body ended. */
  end(): SpliceState {
    const last = this.#state === open ? this.#tail.last() : null;
    if (last) this.#event(last, 0, last.length);
    if (this.#state === open && this.#isBlind) this.#state = doneUpstream;
    if (this.#state === open) this.#break('early-end');
    return this.#state;
  }

  /** Something outside broke the attempt. */
  fail(problem: StreamBreak): void {
    if (this.#state === open) this.#break(problem);
  }

  /** Withdraws what was held and begins to read another attempt. */
  resume(join: Join): void {
    this.#held.drop();
    this.#state = open;
    this.#tail = new EventTail();
    this.#join = join;
    this.#usage = null;
    this.#own = new Map();
    this.#openIndex = null;
    this.#sideBySide.clear();
    this.#growing = join.type === 'continue' ? this.#delivered.last : null;
    this.#grown = this.#delivered.blocks.reduce((sum, block) => sum + (block === this.#growing ? 0 : bytesOf(block)), 0);
    this.#stopReason = null;
    this.#endsWithoutReason = false;
    this.#hasTruncatedTool = false;
    this.#swallowed = 0;
    this.#added = 0;
    this.#holdBlock = false;
    this.#holdMessage = this.#options.holdAll;
    this.#seam = null;
    this.#seamOutcome = null;
    this.#stopWatch = null;
    this.#hasHeldPing = false;
    this.#isNameless = false;
    this.#forgetShape();
    switch (join.type) {
      case 'fresh':
        this.#nextIndex = 0;
        return;
      case 'restart':
        this.#nextIndex = join.nextIndex;
        this.#closeOpenBlocks();
        return;
      case 'continue': {
        this.#nextIndex = join.index + 1;
        this.#seam = createSeam(join.seam);
        const watch = new StopWatch(this.#options.stopSequences, join.seam.delivered);
        if (!watch.done) this.#stopWatch = watch;
      }
    }
  }

  /** Ends the message for the reader: what is missing of its last events is made up. */
  finish(stopReason: string | null): void {
    if (this.#stopReason !== null) this.#release();
    else this.#conclude(stopReason, null);
    this.#emit({ type: 'message_stop' });
    this.#state = done;
  }

  /** Reads the events of `bytes` from `from` on; returns where the unfinished one begins. `whole`: they are one, to their end. */
  #events(bytes: Uint8Array, from: number, whole = false): number {
    let at = from;
    let sent = from;
    while (at < bytes.length && this.#state === open && !this.#isBlind) {
      if (this.#shape !== null) {
        const flows = this.#shapeBlock !== null && this.#renumbered === null && this.#held.isEmpty;
        const next = flows ? this.#flow(this.#shape, this.#shapeBlock as Block, bytes, at) : this.#divert(this.#shape, bytes, at);
        if (next !== at) {
          at = next;
          if (!flows) sent = at;
          continue;
        }
      }
      const end = whole ? bytes.length : eventEnd(bytes, at);
      if (end === -1) break;
      if (sent < at) this.#out.put(bytes.subarray(sent, at));
      this.#event(bytes, at, end);
      sent = at = end;
    }
    if (sent < at) this.#out.put(sent === 0 && at === bytes.length ? bytes : bytes.subarray(sent, at));
    return at;
  }

  /** The way almost every event goes: more text for the open block, handed on as it came. Returns the position after them. */
  #flow(shape: DeltaShape, { log }: Block, bytes: Uint8Array, from: number): number {
    const before = log.length;
    const next = shape.read(bytes, from, log, Number.MAX_SAFE_INTEGER);
    this.#added += log.length - before;
    return next;
  }

  /** A delta of a known shape that is not handed on as it came. */
  #divert(shape: DeltaShape, bytes: Uint8Array, start: number): number {
    const block = this.#shapeBlock;
    const log = block?.log ?? new TextLog();
    const before = log.length;
    const end = shape.read(bytes, start, log, 1);
    if (end === start) return start;
    const length = log.length - before;
    if (block === null) {
      this.#swallowed += length;
      return end;
    }
    this.#added += length;
    const prefix = this.#renumbered;
    const from = prefix === null ? start : start + shape.prefixLength;
    if (this.#held.isEmpty) {
      if (prefix) this.#out.put(prefix);
      this.#out.put(bytes.subarray(from, end));
      return end;
    }
    if (prefix) this.#held.add(prefix, 0, prefix.length, null);
    this.#held.add(bytes, from, end, null);
    if (length > 0) this.#showIfLive(block);
    return end;
  }

  /** Any other event. */
  #event(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > maxEventBytes) return this.#tooLarge(bytes, start, end);
    const { name, data } = readEvent(bytes, start, end);
    if (name === 'error') return this.#error(data, bytes, start, end);
    if (name === 'ping') return this.#ping(bytes, start, end);
    // Comments, and events without data, which no reader looks at.
    if (data === '') return this.#out.put(bytes.subarray(start, end));
    const event = parse(data);
    const type = event?.['type'];
    const isOfMessage = messageEventTypes.has(type);
    const read = eventType(name, event);
    if (read === 'error') return this.#error(data, bytes, start, end);
    // The SDK passes over what has no name, and else goes by the type; other readers go by the name. An event of the message
    // must be one for all of them.
    if (name === '' && type === 'message_start') this.#isNameless = this.#usage === null;
    if (name === '' && isOfMessage && this.#isNameless && this.#options.strict) return this.#named(String(type), data);
    if (name === '' && !isOfMessage) return read === 'ping' ? this.#ping(bytes, start, end) : this.#out.put(bytes.subarray(start, end));
    if (event === null) return this.#misfit(bytes, start, end);
    if (name !== type && (messageEventTypes.has(name) || (name === '' && this.#options.strict))) return this.#misfit(bytes, start, end);
    if (isOfMessage && this.#stopReason !== null && type !== 'message_stop' && type !== 'message_delta') {
      // An end that more of the answer follows was none.
      this.#stopReason = null;
      return this.#misfit(bytes, start, end);
    }
    const index = event['index'];
    if (typeof index === 'string' && /^\d{1,6}$/.test(index) && isOfMessage && this.#options.strict)
      return this.#named(String(type), JSON.stringify({ ...event, index: Number(index) }));
    const own = this.#usage !== null;
    switch (type) {
      case 'message_start':
        return this.#messageStart(event, bytes, start, end);
      case 'content_block_start':
        return own ? this.#blockStart(event, bytes, start, end) : this.#misfit(bytes, start, end);
      case 'content_block_delta':
        return own ? this.#blockDelta(event, bytes, start, end) : this.#misfit(bytes, start, end);
      case 'content_block_stop':
        return own ? this.#blockStop(event, bytes, start, end) : this.#misfit(bytes, start, end);
      case 'message_delta':
        return own ? this.#messageDelta(event, bytes, start, end) : this.#misfit(bytes, start, end);
      case 'message_stop':
        return own ? this.#messageStop(bytes, start, end) : this.#misfit(bytes, start, end);
      default:
        // Tomorrow's events keep their place among the others.
        return this.#give(bytes, start, end, null);
    }
  }

  /** An event of the message that came without its name, or with its index as text. */
  #named(type: string, data: string): void {
    const bytes = encoder.encode(namedEvent(type, data));
    this.#event(bytes, 0, bytes.length);
  }

  /** Before the message begins for the reader, its first ping waits in its place; others are seen by the connection alone. */
  #ping(bytes: Uint8Array, start: number, end: number): void {
    if (this.#delivered.message !== null || !this.#options.strict) return this.#out.put(bytes.subarray(start, end));
    if (this.#held.isEmpty || this.#hasHeldPing) return this.#out.put(signOfLife);
    this.#hasHeldPing = true;
    this.#held.add(bytes, start, end, null);
  }

  #error(data: string, bytes: Uint8Array, start: number, end: number): void {
    // Where nothing is healed, the upstream says it itself.
    if (!this.#options.strict) this.#out.put(bytes.subarray(start, end));
    const parsed = parse(data);
    const error = parsed === null ? { message: data } : errorFacts(parsed);
    this.#estimateUsage();
    this.#state = { type: 'broken', problem: 'error', error };
  }

  #messageStart(event: Wire, bytes: Uint8Array, start: number, end: number): void {
    const message = event['message'];
    // A second beginning is a second answer, and two answers are never glued. The same one said twice is one.
    if (this.#usage !== null) {
      if (isMessageStart(message) && this.#own.size === 0 && message['id'] === this.#messageId && this.#options.strict) return;
      return this.#misfit(bytes, start, end);
    }
    if (!isMessageStart(message)) return this.#misfit(bytes, start, end);
    this.#messageId = message['id'];
    this.#usage = usageFrom(message['usage']);
    this.#delivered.usage.push(this.#usage);
    if (this.#join.type !== 'fresh') return;
    this.#hold(bytes, start, end, () => {
      this.#delivered.message = message;
    });
  }

  #blockStart(event: Wire, bytes: Uint8Array, start: number, end: number): void {
    const content = event['content_block'];
    const ownIndex = event['index'];
    if (!isBlock(content) || !isIndex(ownIndex) || this.#own.has(ownIndex)) return this.#misfit(bytes, start, end);
    if (!this.#leaveOpen()) this.#closeUnended();
    if (this.#state !== open) return;
    this.#endsWithoutReason = false;
    const { type } = content;
    const begun = beginning(type, content);
    this.#openIndex = ownIndex;
    if (this.#join.type === 'continue') {
      // Thinking is bound to the request that made it: in another request's answer it would poison the next turn.
      if (isThinking(type)) {
        this.#own.set(ownIndex, null);
        return;
      }
      if (this.#seam !== null && type === 'text') {
        this.#own.set(ownIndex, this.#delivered.last);
        this.#grow(this.#delivered.last);
        this.#toSeam(this.#seam.push(begun.text));
        return;
      }
      if (this.#seam !== null) {
        this.#toSeam(this.#seam.end());
        if (this.#state !== open) return;
        // No text came: the one that was to go on ends where it was.
        const continued = this.#delivered.last;
        if (continued)
          this.#holdEvent({ type: 'content_block_stop', index: continued.index }, () =>
            Object.assign(continued, { closed: true, complete: true }),
          );
      }
    }
    const block = newBlock(this.#options.strict ? this.#nextIndex : ownIndex, type, begun.start);
    this.#nextIndex += 1;
    this.#own.set(ownIndex, block);
    this.#grow(block);
    this.#grown += end - start;
    const live = this.#isLive(type);
    if (!live && !this.#holdMessage) {
      if (isTool(type) && this.#options.tools === 'message') this.#holdMessage = true;
      else this.#holdBlock = true;
    }
    const commit = (): void => {
      this.#delivered.blocks.push(block);
    };
    if (block.index === ownIndex) this.#hold(bytes, start, end, commit);
    else this.#holdEvent({ ...event, index: block.index }, commit);
    block.log.appendText(begun.text);
    if (!hasDeltas(type)) block.complete = true;
    // An empty text says nothing yet: it waits for its first words.
    if (begun.text !== '' || !growsVisibly(type)) this.#showIfLive(block);
  }

  #blockDelta(event: Wire, bytes: Uint8Array, start: number, end: number): void {
    const ownIndex = event['index'];
    const block = this.#openBlock(ownIndex);
    // Its beginning was lost on the way, and nobody knows what else.
    if (block === undefined) return this.#misfit(bytes, start, end);
    const delta = event['delta'];
    if (isEmptyForeign(delta, block?.type ?? 'thinking') && this.#options.strict) return;
    if (!isDelta(delta, block?.type ?? 'thinking')) return this.#misfit(bytes, start, end);
    const text = textOfDelta(delta);
    if (block === null) {
      this.#swallowed += text?.length ?? 0;
      this.#learn(bytes, start, end, event, null);
      return;
    }
    const continues = this.#join.type === 'continue' && block.index === this.#join.index;
    if (continues) {
      // Citations of a repeated text point at what the reader already has.
      if (delta['type'] === 'citations_delta') return;
      if (this.#seam !== null) {
        if (text === null) return;
        this.#swallowed += text.length;
        return this.#toSeam(this.#seam.push(text));
      }
      if (this.#stopWatch !== null && text !== null) return this.#addText(block, text);
    }
    this.#learn(bytes, start, end, event, block);
    this.#added += text?.length ?? 0;
    const { type } = delta;
    const commit = (): void => {
      if (type === 'citations_delta') block.citations = true;
      if (type === 'signature_delta') {
        block.complete = true;
        block.signature = String(delta['signature']);
      }
    };
    if (block.index === ownIndex) this.#give(bytes, start, end, commit);
    else this.#giveEvent({ ...event, index: block.index }, commit);
    const added = text ?? '';
    block.log.appendText(added);
    if (added !== '') this.#showIfLive(block);
  }

  #blockStop(event: Wire, bytes: Uint8Array, start: number, end: number): void {
    const ownIndex = event['index'];
    const block = this.#openBlock(ownIndex);
    if (block === undefined) return this.#misfit(bytes, start, end);
    if (ownIndex === this.#openIndex) this.#openIndex = null;
    else this.#sideBySide.delete(ownIndex as number);
    this.#forgetShape();
    if (block === null) return;
    if (this.#seam !== null) {
      this.#toSeam(this.#seam.end());
      if (this.#state !== open) return;
    }
    const isWhole = !isTool(block.type) || isWholeInput(block.log.text());
    if (!isWhole) {
      this.#hasTruncatedTool ||= !isMisspelt(block.log.text());
      if (this.#holdBlock) this.#holdMessage = true;
    }
    if (this.#holdBlock && !this.#holdMessage) {
      block.complete = true;
      this.#holdBlock = false;
      // Thinking nobody asked to see goes out with what follows it: until then the answer can begin anew unseen.
      if (isTool(block.type)) this.#release();
    }
    // It waits for the next event: until then the text can still go on.
    const commit = (): void => {
      block.closed = true;
      block.complete = isWhole;
    };
    if (block.index === ownIndex) this.#hold(bytes, start, end, commit);
    else this.#holdEvent({ ...event, index: block.index }, commit);
  }

  #messageDelta(event: Wire, bytes: Uint8Array, start: number, end: number): void {
    const change = event['delta'];
    if (!isObject(change)) return this.#misfit(bytes, start, end);
    this.#closeUnended();
    if (this.#state === open && this.#sideBySide.size > 0 && this.#options.strict) this.#break('malformed');
    if (this.#state !== open) return;
    const reason = change['stop_reason'] ?? null;
    if (typeof reason !== 'string' && reason !== null) return this.#misfit(bytes, start, end);
    if (this.#usage) readUsageInto(this.#usage, event['usage']);
    if (this.#seam !== null) {
      this.#toSeam(this.#seam.end());
      if (this.#state !== open) return;
    }
    if (reason !== null) {
      // It may mean that the answer was whole, or that the model gave up: an answer is never ended on a guess.
      if (this.#join.type === 'continue' && this.#added === 0 && this.#nextIndex === this.#join.index + 1)
        return this.#break('nothing-new');
      // No tool runs on half of its input: what a lost event leaves behind must not look like a call.
      if (this.#hasTruncatedTool && reason === 'tool_use' && this.#options.tools !== 'live') return this.#break('malformed');
      this.#stopReason = reason;
    } else this.#endsWithoutReason = change['stop_reason'] === null && this.#join.type !== 'continue' && !this.#hasTruncatedTool;
    if (this.#delivered.usage.length > 1) this.#holdEvent({ ...event, usage: totalUsage(this.#delivered.usage, event['usage']) }, null);
    else this.#hold(bytes, start, end, null);
  }

  #messageStop(bytes: Uint8Array, start: number, end: number): void {
    // Whoever ends an answer says why, or that there is no reason.
    if (this.#stopReason === null && !this.#endsWithoutReason && this.#options.strict) return this.#break('malformed');
    this.#release();
    this.#out.put(bytes.subarray(start, end));
    this.#state = doneUpstream;
  }

  /** A call that has not ended may go on beside the block that begins: whether it ever ends shows at the end of the message. */
  #leaveOpen(): boolean {
    const index = this.#openIndex;
    const block = index === null ? null : this.#own.get(index);
    if (index === null || !block || !isTool(block.type) || this.#options.tools === 'live') return false;
    this.#sideBySide.add(index);
    this.#openIndex = null;
    this.#forgetShape();
    // What is shown together is withdrawn together.
    if (this.#options.strict) this.#holdMessage = true;
    return true;
  }

  /** Some gateways leave out the end of a block. Where what follows can only come after it, the reader gets one. */
  #closeUnended(): void {
    const index = this.#openIndex;
    if (index === null || !this.#options.strict) return;
    const block = this.#own.get(index);
    // A call that never ended may have lost the rest of its input too.
    if (block && isTool(block.type)) return this.#break('malformed');
    const event = { type: 'content_block_stop', index };
    const bytes = encode(event);
    this.#blockStop(event, bytes, 0, bytes.length);
  }

  /** An event that contradicts what came before it. */
  #misfit(bytes: Uint8Array, start: number, end: number): void {
    if (this.#options.strict) this.#break('malformed');
    else this.#give(bytes, start, end, null);
  }

  /** The attempt's open block, or one beside it, if `ownIndex` is its; null for one the reader never sees, undefined for any other. */
  #openBlock(ownIndex: unknown): Block | null | undefined {
    const isOpen = ownIndex === this.#openIndex || this.#sideBySide.has(ownIndex as number);
    return isOpen ? this.#own.get(ownIndex as number) : undefined;
  }

  #toSeam(step: SeamStep): void {
    if (step.status === 'holding') return;
    if (step.status === 'failed') return this.#break('no-seam');
    this.#seam = null;
    this.#seamOutcome = step.outcome;
    const block = this.#delivered.last;
    // It was counted when it was read, and is counted again when it is given.
    this.#swallowed -= step.emit.length;
    if (block) this.#addText(block, step.emit);
  }

  /** Text of ours for the continued block; ends the answer at a stop sequence that began before the break. */
  #addText(block: Block, text: string): void {
    const stop = this.#stopWatch?.push(text) ?? null;
    const kept = stop === null ? text : text.slice(0, stop.keep);
    if (kept !== '') {
      this.#added += kept.length;
      const event = { type: 'content_block_delta', index: block.index, delta: { type: 'text_delta', text: kept } };
      this.#giveEvent(event, null);
      block.log.appendText(kept);
    }
    if (this.#stopWatch?.done) this.#stopWatch = null;
    if (stop === null) return;
    this.#estimateUsage();
    this.#conclude('stop_sequence', stop.sequence);
    this.#emit({ type: 'message_stop' });
    this.#state = done;
  }

  /** Learns how the deltas of a block look, so that the next ones need no parsing. `block` null: nobody sees them. */
  #learn(bytes: Uint8Array, start: number, end: number, event: Wire, block: Block | null): void {
    this.#lessons += 1;
    const shape = this.#lessons > maxLessons ? null : DeltaShape.learn(bytes, start, end, event);
    if (shape === null) return;
    this.#shape = shape;
    this.#shapeBlock = block;
    this.#renumbered = block === null || block.index === event['index'] ? null : prefixFor(event, block.index);
  }

  #forgetShape(): void {
    this.#shape = null;
    this.#shapeBlock = null;
    this.#renumbered = null;
    this.#lessons = 0;
  }

  #isLive(type: string): boolean {
    if (isThinking(type)) return this.#options.liveThinking;
    return isTool(type) ? this.#options.tools === 'live' : true;
  }

  /** Hands on, behind what is held back. */
  #give(bytes: Uint8Array, start: number, end: number, commit: (() => void) | null): void {
    if (!this.#held.isEmpty) return this.#held.add(bytes, start, end, commit);
    this.#out.put(bytes.subarray(start, end));
    commit?.();
  }

  #giveEvent(event: Wire, commit: (() => void) | null): void {
    const bytes = encode(event);
    this.#give(bytes, 0, bytes.length, commit);
  }

  /** Keeps back. `commit` tells what changes when the reader gets it. */
  #hold(bytes: Uint8Array, start: number, end: number, commit: (() => void) | null): void {
    // What is not healed need not be withdrawn.
    if (!this.#options.strict) return this.#give(bytes, start, end, commit);
    this.#held.add(bytes, start, end, commit);
  }

  #holdEvent(event: Wire, commit: (() => void) | null): void {
    const bytes = encode(event);
    this.#hold(bytes, 0, bytes.length, commit);
  }

  #showIfLive(block: Block): void {
    if (this.#isLive(block.type) && !this.#holdMessage && !this.#holdBlock) this.#release();
  }

  #release(): void {
    if (this.#held.isEmpty) return;
    for (const piece of this.#held.release()) this.#out.put(piece);
  }

  /** Closes the message for the reader with what they have. */
  #conclude(stopReason: string | null, stopSequence: string | null): void {
    this.#held.drop();
    this.#closeOpenBlocks();
    const delta = { stop_reason: stopReason, stop_sequence: stopSequence };
    this.#emit({ type: 'message_delta', delta, usage: totalUsage(this.#delivered.usage, null) });
  }

  #closeOpenBlocks(): void {
    for (const block of this.#delivered.blocks) {
      if (block.closed) continue;
      block.closed = true;
      // No signature will come: whoever sends it back as history is to be understood.
      if (block.type === 'thinking' && block.signature === null) {
        const delta = { type: 'signature_delta', signature: unfinishedMark };
        this.#emit({ type: 'content_block_delta', index: block.index, delta });
      }
      this.#emit({ type: 'content_block_stop', index: block.index });
    }
  }

  /** From here on `block` grows, and the one before it does not. */
  #grow(block: Block | null): void {
    if (block === this.#growing) return;
    this.#grown += this.#growing === null ? 0 : this.#growing.log.length;
    this.#growing = block;
  }

  #checkBounds(): SpliceState {
    if (this.#state !== open || this.#isBlind) return this.#state;
    const growing = this.#growing === null ? 0 : this.#growing.log.length;
    const isTooMuch = Math.max(this.#held.length, growing) > maxKeptBytes || growing + this.#grown > maxMessageBytes;
    if (isTooMuch || this.#tail.length > maxEventBytes) this.#tooLarge(nothing, 0, 0);
    return this.#state;
  }

  /** No answer is so large, and nobody keeps it. `bytes`: the event that is, where one is. */
  #tooLarge(bytes: Uint8Array, start: number, end: number): void {
    if (this.#options.strict) return this.#break('oversized');
    this.#isBlind = true;
    if (end > start) this.#out.put(bytes.subarray(start, end));
    const begun = this.#tail.take();
    if (begun.length > 0) this.#out.put(begun);
    this.#forgetShape();
  }

  #break(problem: StreamBreak | 'no-seam' | 'nothing-new'): void {
    this.#estimateUsage();
    this.#state = { type: 'broken', problem };
  }

  /** The attempt will not tell its output any more: it is estimated from its text. */
  #estimateUsage(): void {
    if (this.#usage === null || this.#stopReason !== null) return;
    this.#usage.output = Math.max(this.#usage.output, estimateTokens(this.#added + this.#swallowed));
    this.#usage.estimated = true;
  }

  #emit(event: Wire): void {
    this.#out.put(encode(event));
  }
}

const nothing = new Uint8Array(0);
/** What is kept of a delivered block. */
const bytesOf = ({ log, start }: Block): number => log.length + JSON.stringify(start).length;
const encode = (event: Wire): Uint8Array => encoder.encode(frame(event));
const isIndex = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
const isTool = (type: string): boolean => type === 'tool_use';
const isThinking = (type: string): boolean => type === 'thinking' || type === 'redacted_thinking';
/** Shown only by the text of its deltas. */
const growsVisibly = (type: string): boolean => type === 'text' || type === 'thinking';
/** Other blocks arrive whole with their start. */
const hasDeltas = (type: string): boolean =>
  ['text', 'thinking', 'tool_use', 'server_tool_use', 'mcp_tool_use', 'compaction'].includes(type);

/** What is kept of a block's beginning: text it begins with counts as text. */
function beginning(type: string, content: Wire): { start: Wire; text: string } {
  const text = growsVisibly(type) ? content[type] : undefined;
  return typeof text === 'string' ? { start: { ...content, [type]: '' }, text } : { start: content, text: '' };
}

/** What the deltas of a block begin with under another index: everything up to the text. */
function prefixFor({ delta, ...event }: Wire, index: number): Uint8Array {
  const text = textMemberOf(delta as Wire) as string;
  const { [text]: _, ...others } = delta as Wire;
  // The text goes last: a member that was there twice stands where it was first.
  const empty = frame({ ...event, index, delta: { ...others, [text]: '' } });
  return encoder.encode(empty.slice(0, empty.lastIndexOf('"')));
}
