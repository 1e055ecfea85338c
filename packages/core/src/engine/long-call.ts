// Long calls that were not asked for as streams are streamed upstream all the same: a body that is silent for 300 s is cut by
// the platform's own limits, and a stream can heal.

import { MessageAssembler } from '../stream/assemble.ts';
import { reasonOfCode } from '../policy/endings.ts';
import { errorDetailsIn, readErrorEvent } from '../wire/error-body.ts';
import { isEventStream } from '../wire/event-type.ts';
import { ownAnswer, type OwnErrorDetails } from './answers.ts';
import type { Call } from './call.ts';
import { labels, relabel } from './labels.ts';

/** From so many tokens on an answer may take minutes. */
const longTokens = 8_000;

/** True for a call that should be streamed upstream and put together here. */
export function isLong(call: Call): boolean {
  const maxTokens = call.body?.['max_tokens'];
  return call.route === 'messages' && !call.stream && !call.thread && typeof maxTokens === 'number' && maxTokens >= longTokens;
}

/** The same call, streamed. */
export const asStream = (call: Call): Call => ({ ...call, stream: true, rewritten: true, body: { ...call.body, stream: true } });

/** Reads the streamed answer to its end and answers as if it had never been one. */
export async function assembled(call: Call, response: Response): Promise<Response> {
  if (!response.ok || !response.body || !isEventStream(response.headers.get('content-type'))) return response;
  const assembler = new MessageAssembler();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) assembler.push(chunk);
  if (assembler.error !== null) return brokenAnswer(call, assembler.error);
  const message = assembler.message();
  if (message === null) return ownAnswer('bad-answer', { call_id: call.id, attempts: call.ledger.attempts.length }, labels(call, null));
  return relabel(response, JSON.stringify(message), { 'content-type': 'application/json' });
}

/** The stream ended in an error that could not be mended: a proper status, with what the stream said of it. */
function brokenAnswer(call: Call, data: string): Response {
  const { code, type, message } = readErrorEvent(data);
  const own = reasonOfCode(code) ?? 'stream-broken';
  const { kind, reason, retryable, retry_after_ms, cause } = (errorDetailsIn(data) ?? {}) as Partial<OwnErrorDetails>;
  const details = { call_id: call.id, attempts: call.ledger.attempts.length, kind, reason, retryable, retry_after_ms, cause };
  return ownAnswer(own, details, labels(call, null), own === 'stream-broken' ? { type, message } : undefined);
}
