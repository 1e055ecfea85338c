// Runs one situation on one side, and writes down what happened.

import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic, * as sdk from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { fastClock } from './clock.ts';
import { answerOf, nothing, type Answer, type Failure, type Observation } from './observation.ts';
import { isObserved, type Observed, type Side, type Situation, type Surface, type World } from './situation.ts';

const defaultSpeed = 20;
/** In real time the waits between attempts are shorter, as the bare SDK's are made by `retry-after-ms`. */
const shortWaits = { baseMs: 20, throttledBaseMs: 20, capMs: 100 };
const defaultPatienceMs = 8000;
/** How long replies may still be open after a call has ended. */
const settleMs = 1500;

export const request = {
  model: 'claude-opus-5-5',
  max_tokens: 1024,
  messages: [{ role: 'user' as const, content: 'What do you see from the window?' }],
};

/** Whose rejection nobody handled: each run has a list of its own. */
const unhandledOf = new AsyncLocalStorage<string[]>();
let watching = false;

/** Catches what would end the process, and writes it down for the row it belongs to. */
function watchProcess(): void {
  if (watching) return;
  watching = true;
  const note = (error: unknown): void => {
    const list = unhandledOf.getStore();
    if (list) list.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    else console.error('unhandled, of no row:', error);
  };
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
}

/** What `side` makes of `row`, asked by `surface`. */
export function observe(row: Situation | Observed, surface: Surface, side: Side): Promise<Observation> {
  watchProcess();
  const unhandled: string[] = [];
  return unhandledOf.run(unhandled, async () => {
    const closes: (() => unknown)[] = [];
    try {
      const seen = isObserved(row) ? await observed(row, side, surface, closes) : await called(row, side, surface, closes);
      // Rejections are told of after the promises have run.
      await sleep(5);
      return { ...seen, unhandled: [...unhandled] };
    } finally {
      for (const close of closes.toReversed()) await close();
    }
  });
}

async function observed(row: Observed, side: Side, surface: Surface, closes: (() => unknown)[]): Promise<Observation> {
  const from = performance.now();
  const patience = new AbortController();
  const ended = row
    .observe(side, surface, closes)
    .catch((error: unknown): Partial<Observation> => ({ outcome: 'failed', failure: failureOf(error) }));
  const hung = sleep(row.patienceMs ?? defaultPatienceMs, nothing, { signal: patience.signal }).catch(() => nothing);
  const seen = await Promise.race([ended, hung]);
  patience.abort();
  return { ...nothing, ms: performance.now() - from, ...seen };
}

async function called(row: Situation, side: Side, surface: Surface, closes: (() => unknown)[]): Promise<Observation> {
  const upstream = await row.upstream();
  closes.push(() => upstream.close());
  const hold = side === 'held' ? await holdOf(row, closes) : null;
  const given = typeof row.sdk === 'function' ? row.sdk({ closes }) : row.sdk;
  const another: World['another'] = (options) =>
    new Anthropic({
      baseURL: upstream.url,
      apiKey: 'sk-ant-1',
      logLevel: 'off',
      ...(hold ? { middleware: [hold] } : {}),
      ...given,
      ...options,
    });
  const left = new AbortController();
  const world: World = { side, surface, upstream, client: another({}), another, hold, closes, signal: left.signal };
  await row.before?.(world).catch(() => {});
  const before = upstream.seen.length;
  const reading: Reading = { text: '' };
  const from = performance.now();
  const patience = setTimeout(() => left.abort(hung), row.patienceMs ?? defaultPatienceMs);
  const gaveUp = new Promise<typeof hung>((resolve) => {
    // One who hangs although it was told to stop is not waited for.
    left.signal.addEventListener('abort', () => setTimeout(() => resolve(hung), 300));
  });
  const outcome = await Promise.race([outcomeOf(row, world, reading), gaveUp]);
  const ms = performance.now() - from;
  clearTimeout(patience);
  const own = upstream.seen.slice(before).filter((seen) => row.counts?.(seen) ?? true);
  for (let waited = 0; upstream.open() > 0 && waited < settleMs; waited += 25) await sleep(25);
  const open = upstream.open();
  return {
    ...nothing,
    ...(left.signal.aborted || outcome === hung ? {} : outcome),
    partial: reading.text,
    requests: own.length,
    gaps: own.slice(1).map(({ at }, index) => at - (own[index]?.at ?? at)),
    ms,
    open,
  };
}

const hung = Symbol('hung');

async function holdOf(row: Situation, closes: (() => unknown)[]): Promise<ReturnType<typeof holdfast>> {
  const options = typeof row.hold === 'function' ? await row.hold({ closes }) : row.hold;
  const speed = row.speed ?? defaultSpeed;
  const hold = holdfast({ ...(speed === 1 ? { retry: shortWaits } : { clock: fastClock(speed) }), ...options });
  closes.push(() => hold.close());
  return hold;
}

interface Reading {
  text: string;
}

async function outcomeOf(row: Situation, world: World, reading: Reading): Promise<Partial<Observation>> {
  try {
    const message = await (row.call ? row.call(world) : ask(world, row.body ?? {}, reading));
    return { outcome: 'answered', answer: isAnswer(message) ? message : answerOf(message) };
  } catch (error) {
    return { outcome: 'failed', failure: failureOf(error, world.hold) };
  }
}

const isAnswer = (value: unknown): value is Answer => typeof value === 'object' && value !== null && 'whole' in value;

/** Asks by the surface of `world`. */
export async function ask(
  world: World,
  more: Readonly<Record<string, unknown>> = {},
  reading: Reading = { text: '' },
  client = world.client,
): Promise<Answer> {
  const body = { ...request, ...more };
  const options = { signal: world.signal, ...world.options };
  switch (world.surface) {
    case 'create':
      return answerOf(await client.messages.create(body, options));
    case 'helper': {
      const stream = client.messages.stream(body, options);
      stream.on('text', (piece) => (reading.text += piece));
      return answerOf(await stream.finalMessage());
    }
    case 'stream':
      return readEvents(await client.messages.create({ ...body, stream: true }, options), reading);
  }
}

type Json = Record<string, unknown>;

/** Puts the events of a stream together as a simple reader would. */
async function readEvents(stream: AsyncIterable<unknown>, reading: Reading): Promise<Answer> {
  const content: Json[] = [];
  const input = new Map<number, string>();
  let whole = false;
  let stopReason: unknown = null;
  let usage: Json = {};
  for await (const raw of stream) {
    const event = raw as Json & { index: number };
    const delta = (event['delta'] ?? {}) as Json;
    const block = content[event.index] ?? {};
    if (event['type'] === 'message_start') usage = { ...((event['message'] as Json)['usage'] as Json) };
    if (event['type'] === 'content_block_start') content[event.index] = { ...(event['content_block'] as Json) };
    if (event['type'] === 'content_block_delta') {
      if (typeof delta['text'] === 'string') reading.text += delta['text'];
      for (const key of ['text', 'thinking', 'signature'])
        if (typeof delta[key] === 'string') block[key] = key === 'signature' ? delta[key] : String(block[key] ?? '') + delta[key];
      if (delta['type'] === 'citations_delta') block['citations'] = [...((block['citations'] as unknown[]) ?? []), delta['citation']];
      if (typeof delta['partial_json'] === 'string') input.set(event.index, (input.get(event.index) ?? '') + delta['partial_json']);
    }
    if (event['type'] === 'message_delta') {
      stopReason = delta['stop_reason'];
      usage = { ...usage, ...(event['usage'] as Json) };
    }
    if (event['type'] === 'message_stop') whole = true;
  }
  for (const [index, partial] of input) if (partial !== '') (content[index] ??= {})['input'] = parsed(partial);
  return answerOf({ content, stop_reason: stopReason, usage }, whole);
}

function parsed(partial: string): unknown {
  try {
    return JSON.parse(partial);
  } catch {
    return partial;
  }
}

const sdkClasses = Object.entries(sdk).filter(
  ([, value]) => typeof value === 'function' && (value === sdk.AnthropicError || value.prototype instanceof sdk.AnthropicError),
) as [string, new () => unknown][];

/** `error.error` is the body: `{ type: 'error', error: { type, message } }`, or whatever the upstream sent. */
function wordsOf(fields: Record<string, unknown>): string {
  const body = fields['error'] as { error?: { message?: unknown } } | null | undefined;
  const said = body?.error?.message;
  return typeof said === 'string' ? said : String(fields['message']);
}

/** An error as data. */
export function failureOf(error: unknown, hold: World['hold'] = null): Failure {
  const fields = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const classes = sdkClasses
    .filter(([, kind]) => error instanceof kind)
    .sort(([, a], [, b]) => (a.prototype instanceof b ? -1 : b.prototype instanceof a ? 1 : 0));
  const explaining = hold ?? holdfast();
  const { kind, retryable } = explaining.explain(error);
  if (!hold) explaining.close();
  return {
    classes:
      classes.length > 0 ? [...new Set(classes.map(([name]) => name))] : [error instanceof Error ? error.constructor.name : typeof error],
    status: typeof fields['status'] === 'number' ? fields['status'] : null,
    type: typeof fields['type'] === 'string' ? fields['type'] : null,
    message: typeof fields['message'] === 'string' ? fields['message'] : String(error),
    words: wordsOf(fields),
    requestId: typeof fields['requestID'] === 'string' ? fields['requestID'] : null,
    kind,
    retryable,
  };
}
