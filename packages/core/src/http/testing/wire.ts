// Answers for the tests of this folder: bodies that end, break or wait on command, read by the real SDK.

import Anthropic from '@anthropic-ai/sdk';
import type { Clock } from '../../time.ts';

export const sse = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;

export const messageStart: string = sse('message_start', {
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 1 },
  },
});
export const blockStart: string = sse('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
export const textDelta = (text: string): string => sse('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
export const ending: string =
  sse('content_block_stop', { index: 0 }) +
  sse('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } }) +
  sse('message_stop', {});
export const overloaded: string = `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"organization org-4f1c"}}\n\n`;

export const wholeAnswer = (...words: string[]): string => messageStart + blockStart + words.map(textDelta).join('') + ending;

/** A body that is written by hand. */
export interface HandBody {
  readonly response: Response;
  send(text: string): void;
  end(): void;
  break(error?: Error): void;
  /** The reader, or the signal of the request, cancelled it. */
  readonly cancelled: Promise<void>;
  readonly isCancelled: () => boolean;
  /** How often the body was asked for more. */
  readonly pulls: () => number;
}

export function handBody(signal?: AbortSignal): HandBody {
  const encoder = new TextEncoder();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let cancelled = false;
  let pulls = 0;
  let onCancelled = (): void => {};
  const cancelling = new Promise<void>((resolve) => {
    onCancelled = () => {
      cancelled = true;
      resolve();
    };
  });
  const body = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given;
      },
      pull: () => {
        pulls += 1;
      },
      cancel: () => onCancelled(),
    },
    { highWaterMark: 0 },
  );
  signal?.addEventListener('abort', () => {
    onCancelled();
    try {
      controller.error(new DOMException('This operation was aborted', 'AbortError'));
    } catch {
      // Closed already.
    }
  });
  return {
    response: new Response(body, { headers: { 'content-type': 'text/event-stream', 'request-id': 'req_upstream' } }),
    send: (text) => controller.enqueue(encoder.encode(text)),
    end: () => controller.close(),
    break: (error = new TypeError('terminated')) => controller.error(error),
    cancelled: cancelling,
    isCancelled: () => cancelled,
    pulls: () => pulls,
  };
}

/** A client whose every request is answered by `answer`. */
export function clientOf(answer: (signal: AbortSignal | undefined) => Response | Promise<Response>): Anthropic {
  return new Anthropic({ apiKey: 'test', maxRetries: 0, fetch: async (_url, init) => answer(init?.signal ?? undefined) });
}

export const request: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-sonnet-5-5',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'Hello' }],
};

/** A clock that moves when told to. */
export function handClock(): Clock & { advance(ms: number): void; readonly pending: () => number } {
  let now = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => now,
    after(delayMs, callback) {
      const timer = { at: now + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        now = due.at;
        timers.delete(due);
        due.callback();
      }
      now = until;
    },
    pending: () => timers.size,
  };
}

export interface Resolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

export function withResolvers<T>(): Resolvers<T> {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((given) => {
    resolve = given;
  });
  return { promise, resolve };
}
