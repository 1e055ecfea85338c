// What the reader of a splice has of the message.

import type { AttemptUsage, Transcript, TranscriptBlock } from './transcript.ts';
import { TextLog } from './text-log.ts';

type Wire = Readonly<Record<string, unknown>>;

/** A block of the answer under the index the reader knows. */
export interface Block {
  readonly index: number;
  readonly type: string;
  readonly start: Wire;
  readonly log: TextLog;
  /** Its `content_block_stop` was delivered. */
  closed: boolean;
  citations: boolean;
  complete: boolean;
  signature: string | null;
}

export function newBlock(index: number, type: string, start: Wire): Block {
  return { index, type, start, log: new TextLog(), closed: false, citations: false, complete: false, signature: null };
}

export class Delivered {
  /** The first message as `message_start` announced it; null before it was delivered. */
  message: Wire | null = null;
  readonly blocks: Block[] = [];
  /** One entry per attempt that began. */
  readonly usage: AttemptUsage[] = [];

  static from(transcript: Transcript): Delivered {
    const delivered = new Delivered();
    delivered.message = transcript.message;
    delivered.usage.push(...transcript.usage.map((usage) => ({ ...usage })));
    delivered.blocks.push(...transcript.blocks.map(blockOf));
    return delivered;
  }

  get last(): Block | null {
    return this.blocks.at(-1) ?? null;
  }

  /** As plain JSON. */
  transcript(): Transcript {
    return { version: 1, message: this.message, blocks: this.blocks.map(recordOf), usage: this.usage.map((usage) => ({ ...usage })) };
  }
}

function blockOf({ index, type, text, start, closed, citations, complete, signature }: TranscriptBlock): Block {
  const block = newBlock(index, type, start);
  block.log.appendText(text);
  return Object.assign(block, { closed, citations, complete, signature: signature ?? null });
}

function recordOf({ index, type, log, closed, citations, complete, start, signature }: Block): TranscriptBlock {
  return { index, type, text: log.text(), closed, citations, complete, start, ...(signature === null ? {} : { signature }) };
}
