// The upstream of the suite: a Messages API over a real socket that does to each prompt what was planned for it.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly code?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** Default: one that names the account, the key and the model. */
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What happens to a prompt, every time it is asked. */
export type Plan =
  /** The answer, one delta per word, and then how the stream goes on. */
  | { readonly type: 'answer'; readonly words: readonly string[]; readonly then?: Then }
  /** `late`: not before `release`. */
  | { readonly type: 'refuse'; readonly refusal: Refusal; readonly late?: true }
  /** No byte is ever sent. */
  | { readonly type: 'silent' }
  /** The connection is reset instead of an answer. */
  | { readonly type: 'reset' };

export type Then =
  /** As a whole answer ends. The default. */
  | 'end'
  /** An `error` event: overloaded. */
  | 'error-event'
  /** The body ends too early. */
  | 'early-end'
  | 'reset'
  /** Nothing more until `release`, then the end. */
  | 'wait'
  /** Words without end, as fast as they are taken. */
  | 'endless';

/** One request the upstream saw. */
export interface UpstreamCall {
  readonly prompt: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytesSent: () => number;
  /** Resolves when the request is over; true when the other side left before the answer was whole. */
  readonly left: Promise<boolean>;
}

export interface ScriptedUpstream {
  readonly url: string;
  plan(prompt: string, plan: Plan): void;
  calls(prompt: string): readonly UpstreamCall[];
  /** Lets answers to `prompt` that wait go on to their end. */
  release(prompt: string): void;
  close(): Promise<void>;
}

/** Everything a reply about a failure must not contain. */
export const upstreamSecrets: readonly string[] = ['org-4f1c', 'req_upstream', 'ratelimit', 'x-organization'];

export async function scriptedUpstream(): Promise<ScriptedUpstream> {
  const plans = new Map<string, Plan>();
  const calls = new Map<string, UpstreamCall[]>();
  const waiting = new Map<string, (() => void)[]>();

  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const { prompt, stream } = await readRequest(request);
    const { socket } = response;
    const before = socket?.bytesWritten ?? 0;
    const left = new Promise<boolean>((resolve) => response.once('close', () => resolve(!response.writableFinished)));
    const call = { prompt, headers: request.headers, left, bytesSent: () => (socket?.bytesWritten ?? before) - before };
    calls.set(prompt, [...(calls.get(prompt) ?? []), call]);
    const plan = plans.get(prompt) ?? { type: 'refuse', refusal: { status: 404, type: 'not_found_error' } };
    switch (plan.type) {
      case 'silent':
        return;
      case 'reset':
        socket?.resetAndDestroy();
        return;
      case 'refuse':
        if (plan.late) await released(prompt);
        refuse(response, plan.refusal);
        return;
      case 'answer':
        if (stream) await answer(response, plan.words, plan.then ?? 'end', () => released(prompt));
        else if (plan.then === 'wait') void released(prompt).then(() => answerWhole(response, plan.words));
        else answerWhole(response, plan.words);
    }
  }

  function released(prompt: string): Promise<void> {
    return new Promise((resolve) => waiting.set(prompt, [...(waiting.get(prompt) ?? []), resolve]));
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plan: (prompt, plan) => void plans.set(prompt, plan),
    calls: (prompt) => calls.get(prompt) ?? [],
    release(prompt) {
      for (const resolve of waiting.get(prompt) ?? []) resolve();
      waiting.delete(prompt);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<{ prompt: string; stream: boolean }> {
  let text = '';
  request.setEncoding('utf8');
  for await (const part of request) text += part;
  // The first user turn names the plan, so that retries and continuations find it too.
  const body = JSON.parse(text) as { messages: [{ content: string | [{ text: string }] }]; stream?: boolean };
  const { content } = body.messages[0];
  return { prompt: typeof content === 'string' ? content : content[0].text, stream: body.stream === true };
}

const accountHeaders = { 'request-id': 'req_upstream', 'anthropic-ratelimit-requests-limit': '50', 'x-organization': 'org-4f1c' };

function refuse(response: ServerResponse, { status, type, code, details, message, headers }: Refusal): void {
  const error = {
    type,
    message: message ?? 'organization org-4f1c (request req_upstream) was refused',
    ...(code || details ? { details: { ...(code ? { error_code: code } : {}), ...details } } : {}),
  };
  response.writeHead(status, { 'content-type': 'application/json', ...accountHeaders, ...headers });
  response.end(JSON.stringify({ type: 'error', error, request_id: 'req_upstream' }));
}

function answerWhole(response: ServerResponse, words: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'application/json', ...accountHeaders });
  response.end(JSON.stringify(message([{ type: 'text', text: words.join('') }], 'end_turn')));
}

async function answer(response: ServerResponse, words: readonly string[], then: Then, released: () => Promise<void>): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...accountHeaders });
  response.flushHeaders();
  if (words.length > 0) {
    response.write(event('message_start', { message: message([], null) }));
    response.write(event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }));
    for (const word of words) await write(response, delta(word));
  }
  switch (then) {
    case 'error-event':
      response.end('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"organization org-4f1c"}}\n\n');
      return;
    case 'early-end':
      response.end();
      return;
    case 'reset':
      // What was written must be on the wire before the reset.
      response.write('', () => response.socket?.resetAndDestroy());
      return;
    case 'endless':
      for (const filler = delta('x'.repeat(16 * 1024)); !response.destroyed;) await write(response, filler);
      return;
    case 'wait':
      await released();
      break;
    case 'end':
      break;
  }
  response.write(event('content_block_stop', { index: 0 }));
  response.write(
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: words.length } }),
  );
  response.end(event('message_stop', {}));
}

function write(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle);
      response.off('close', settle);
      resolve();
    };
    response.on('drain', settle);
    response.on('close', settle);
  });
}

const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;

const delta = (text: string): string => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });

const message = (content: readonly object[], stopReason: string | null): object => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-conformance-9',
  content,
  stop_reason: stopReason,
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 1 },
});
