// Decides what a request is answered with, down to the byte and the way it ends. Sends nothing.

import { continuationOf, interruptionOf, type Misbehaviour } from './continue.ts';
import { errorTypeOf, type Fault } from './faults.ts';
import { ruleBreach, sizeBreach } from './rules.ts';
import { referenceAnswer, type Answer, type Scenario } from './scenarios.ts';
import { eventsFor, messageBody, type Usage, type WireEvent } from './wire.ts';

type Json = Readonly<Record<string, unknown>>;

/** A reply to be carried out by a transport. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What is written, write by write. */
  readonly chunks: readonly Uint8Array[];
  /** How it ends after the last chunk. */
  readonly ending: 'end' | 'reset' | 'stall';
  /** Something happens instead of a reply. */
  readonly instead: 'reset' | 'reset-in-headers' | 'stall' | null;
  readonly delayMs: number;
  readonly delayPerChunkMs: number;
  readonly billed: Usage | null;
  readonly continues: 'prefill' | 'user-turn' | null;
}

export interface ReplyInput {
  readonly method: string;
  readonly path: string;
  readonly body: Json | null;
  /** The version of the API that the request is written in, if it says. */
  readonly version: string | undefined;
  /** How long the body was on the wire. */
  readonly bytes: number;
  readonly fault: Fault | null;
  readonly scenario: Scenario;
  readonly misbehaviour: Misbehaviour | null;
  readonly seed: number;
  readonly size: number;
  readonly number: number;
  readonly models: readonly string[];
}

const encoder = new TextEncoder();
const json = { 'content-type': 'application/json' };

export function replyTo(input: ReplyInput): Reply {
  const { fault } = input;
  const ids = { 'request-id': `req_fake_${input.number}` };
  const delays = { delayMs: fault?.delayMs ?? 0, delayPerChunkMs: fault?.delayPerEventMs ?? 0 };
  const simple = (status: number, body: string, headers: Record<string, string>, more: Partial<Reply> = {}): Reply => ({
    status,
    headers: { ...ids, ...headers, ...fault?.headers },
    chunks: body === '' ? [] : [encoder.encode(body)],
    ending: 'end',
    instead: null,
    billed: null,
    continues: null,
    ...delays,
    ...more,
  });
  if (fault?.connection) return simple(0, '', {}, { instead: fault.connection });
  if (fault?.redirect) return simple(307, '', { location: fault.redirect });
  if (fault?.status !== undefined) {
    if (fault.body === 'html') return simple(fault.status, htmlPage(fault.status), { 'content-type': 'text/html' });
    if (fault.body === 'empty') return simple(fault.status, '', {});
    return simple(
      fault.status,
      errorBody(fault.errorType ?? errorTypeOf(fault.status), fault.message ?? 'Something went wrong.', fault.errorCode, ids['request-id']),
      json,
    );
  }
  if (input.method === 'GET' && input.path === '/v1/models') return document(modelList(input.models), fault, simple);
  const counts = input.path === '/v1/messages/count_tokens';
  if (input.method !== 'POST' || (input.path !== '/v1/messages' && !counts))
    return simple(404, errorBody('not_found_error', 'Not found', undefined, ids['request-id']), json);

  const breach = sizeBreach(input.bytes) ?? ruleBreach(counts ? { max_tokens: 1, ...input.body } : input.body, input.version);
  if (breach) return simple(breach.status, errorBody(breach.type, breach.message, breach.code, ids['request-id']), json);
  const body = input.body as Json;
  if (counts) return document(JSON.stringify({ input_tokens: inputTokens(body) }), fault, simple);
  return answer(input, body, simple);
}

type Simple = (status: number, body: string, headers: Record<string, string>, more?: Partial<Reply>) => Reply;

/** A JSON document under 200, with what a fault makes of its body. */
function document(text: string, fault: Fault | null, simple: Simple, more: Partial<Reply> = {}): Reply {
  const unbilled = { ...more, billed: null };
  switch (fault?.body) {
    case 'html':
      return simple(200, htmlPage(200), { 'content-type': 'text/html' }, unbilled);
    case 'empty':
      return simple(200, '', {}, unbilled);
    case 'error-envelope':
      return simple(200, errorBody('overloaded_error', 'Overloaded', undefined, 'req_fake'), json, unbilled);
    case 'truncated':
      return simple(200, text.slice(0, Math.floor(text.length * 0.6)), json, more);
    case 'pings':
    case undefined:
  }
  if (!fault?.cut) return simple(200, text, json, more);
  const bytes = encoder.encode(text);
  return simple(
    200,
    '',
    { ...json, 'content-length': String(bytes.length) },
    {
      ...more,
      chunks: [bytes.slice(0, fault.cut.afterBytes ?? Math.floor(bytes.length / 2))],
      ending: fault.cut.how === 'end' ? 'reset' : fault.cut.how,
    },
  );
}

function answer(input: ReplyInput, body: Json, simple: Simple): Reply {
  const { fault, seed } = input;
  const whole = referenceAnswer(input.scenario, seed, input.size);
  const interruption = interruptionOf(body, whole);
  const given = limited(interruption ? continuationOf(whole, interruption, input.misbehaviour, seed) : whole, body['max_tokens'] as number);
  const message = {
    id: `msg_fake_${String(input.number).padStart(8, '0')}`,
    model: String(body['model']),
    answer: given,
    usage: usageOf(body, charactersOf(given)),
  };
  const base = { continues: interruption?.form ?? null } as const;
  if (body['stream'] !== true || ['html', 'empty', 'error-envelope'].includes(fault?.body ?? ''))
    return document(JSON.stringify(messageBody(message)), fault, simple, { ...base, billed: message.usage });
  const events = withFaults(fault?.body === 'pings' ? pings() : eventsFor(message, seed), fault);
  const { bytes, ending, characters } = cutAt(events, fault);
  return simple(
    200,
    '',
    { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    {
      ...base,
      chunks: chunksOf(bytes, events, fault),
      ending: fault?.body === 'pings' ? 'stall' : ending,
      billed: {
        ...message.usage,
        output_tokens: ending === 'end' && characters === null ? message.usage.output_tokens : outputTokens(characters ?? 0),
      },
    },
  );
}

/** The seeded model stops at `max_tokens`, like a real one. */
function limited(given: Answer, maxTokens: number): Answer {
  let left = maxTokens * charactersPerToken;
  if (charactersOf(given) <= left) return given;
  const content = [];
  for (const block of given.content) {
    const text = String(block['text'] ?? '');
    if (block.type === 'text' && text.length > left) {
      content.push({ ...block, text: text.slice(0, left) });
      break;
    }
    content.push(block);
    left -= charactersOf({ content: [block], stopReason: '' });
    if (left <= 0) break;
  }
  return { content, stopReason: 'max_tokens' };
}

function withFaults(events: readonly WireEvent[], fault: Fault | null): WireEvent[] {
  let list = [...events];
  if (fault?.unknownEvents) {
    list = list.flatMap((event, index) => (index > 1 && index % 3 === 0 ? [unknownEvent(index), event] : [event]));
  }
  if (fault?.hugeFrameBytes)
    list.splice(Math.min(4, list.length), 0, {
      name: 'huge',
      text: `event: huge\ndata: {"type":"huge","padding":"${'x'.repeat(fault.hugeFrameBytes)}"}\n\n`,
      characters: 0,
    });
  if (fault?.streamError) {
    const { type, message = 'Overloaded', afterEvents, afterText } = fault.streamError;
    const at = positionOf(list, afterEvents, afterText) ?? 1;
    const error = {
      name: 'error',
      text: `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message, details: null }, request_id: 'req_fake_stream' })}\n\n`,
      characters: 0,
    };
    list = [...list.slice(0, at), error];
  }
  return list;
}

/** The index of the first event beyond so many events or characters. */
function positionOf(events: readonly WireEvent[], afterEvents: number | undefined, afterText: number | undefined): number | null {
  if (afterEvents !== undefined) return Math.min(afterEvents, events.length);
  if (afterText === undefined) return null;
  let characters = 0;
  const at = events.findIndex((event) => (characters += event.characters) > afterText);
  return at === -1 ? null : at;
}

/** `characters`: how much of the answer was generated before the end; null for all of it. */
function cutAt(
  events: readonly WireEvent[],
  fault: Fault | null,
): { bytes: Uint8Array; ending: Reply['ending']; characters: number | null } {
  const text = (list: readonly WireEvent[]): string => list.map((event) => event.text).join('');
  const whole = encoder.encode(fault?.crlf ? text(events).replaceAll('\n', '\r\n') : text(events));
  const broken = fault?.streamError !== undefined;
  const generated = (list: readonly WireEvent[]): number => list.reduce((sum, event) => sum + event.characters, 0);
  if (!fault?.cut) return { bytes: whole, ending: 'end', characters: broken ? generated(events) : null };
  const { how, afterBytes } = fault.cut;
  if (afterBytes !== undefined) {
    let bytes = 0;
    const passed = events.filter((event) => (bytes += encoder.encode(event.text).length) <= afterBytes);
    return { bytes: whole.slice(0, afterBytes), ending: how, characters: generated(passed) };
  }
  const kept = events.slice(0, positionOf(events, fault.cut.afterEvents, fault.cut.afterText) ?? events.length);
  const part = text(kept);
  return { bytes: encoder.encode(fault.crlf ? part.replaceAll('\n', '\r\n') : part), ending: how, characters: generated(kept) };
}

function chunksOf(bytes: Uint8Array, events: readonly WireEvent[], fault: Fault | null): Uint8Array[] {
  const { chunking = 'event' } = fault ?? {};
  if (chunking === 'whole') return [bytes];
  const chunks: Uint8Array[] = [];
  if (typeof chunking === 'number') {
    for (let at = 0; at < bytes.length; at += chunking) chunks.push(bytes.slice(at, at + chunking));
    return chunks;
  }
  let at = 0;
  for (const event of events) {
    if (at >= bytes.length) break;
    const length = encoder.encode(fault?.crlf ? event.text.replaceAll('\n', '\r\n') : event.text).length;
    chunks.push(bytes.slice(at, at + length));
    at += length;
  }
  return chunks;
}

const unknownEvent = (index: number): WireEvent => ({
  name: 'weather',
  text: `event: weather\ndata: {"type":"weather","index":${index},"sky":"clear"}\n\n`,
  characters: 0,
});

function pings(): WireEvent[] {
  return Array.from({ length: 3 }, () => ({ name: 'ping', text: 'event: ping\ndata: {"type": "ping"}\n\n', characters: 0 }));
}

function errorBody(type: string, message: string, code: string | undefined, requestId: string): string {
  return JSON.stringify({
    type: 'error',
    error: { type, message, details: code === undefined ? null : { error_code: code } },
    request_id: requestId,
  });
}

const htmlPage = (status: number): string =>
  `<html>\r\n<head><title>${status} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>${status} Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;

const modelList = (models: readonly string[]): string =>
  JSON.stringify({
    data: models.map((id) => ({ type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z' })),
    has_more: false,
    first_id: models[0] ?? null,
    last_id: models.at(-1) ?? null,
  });

const charactersPerToken = 4;
const outputTokens = (characters: number): number => Math.ceil(characters / charactersPerToken);

/** The deterministic count of this server: four characters a token. */
export const inputTokens = (body: Json): number =>
  Math.ceil(JSON.stringify([body['system'] ?? '', body['messages'] ?? [], body['tools'] ?? []]).length / charactersPerToken);

function charactersOf({ content }: Answer): number {
  return content.reduce(
    (sum, block) =>
      sum +
      String(block['text'] ?? block['thinking'] ?? '').length +
      (block['input'] === undefined ? 0 : JSON.stringify(block['input']).length),
    0,
  );
}

/** Whoever marks something for the prompt cache finds a half of the request there, and adds a quarter. */
function usageOf(body: Json, characters: number): Usage {
  const input = inputTokens(body);
  const cached = JSON.stringify(body).includes('"cache_control"');
  const read = cached ? Math.floor(input / 2) : 0;
  const created = cached ? Math.floor(input / 4) : 0;
  return {
    input_tokens: input - read - created,
    output_tokens: outputTokens(characters),
    cache_creation_input_tokens: created,
    cache_read_input_tokens: read,
  };
}
