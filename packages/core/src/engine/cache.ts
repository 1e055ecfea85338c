// Answers from before, for when nobody answers now. A bad, foreign or old entry is a miss; a store in trouble is one too.

import { createHash } from 'node:crypto';
import { canonicalRequest } from '../policy/cache-key.ts';
import { withDefaults } from '../policy/defaults.ts';
import { isBlock, isObject, parseObject } from '../stream/event-form.ts';
import { wallNow, type Clock } from '../time.ts';
import { askStore } from './ask-store.ts';
import type { Call } from './call.ts';

/** Anything with these methods: a `Map`, a Keyv instance. Values are text; `ttlMs` may be ignored. */
export interface AnswerStore {
  get(key: string): unknown;
  set(key: string, value: string, ttlMs?: number): unknown;
  delete(key: string): unknown;
}

export interface AnswerCacheOptions {
  /** A `Map`, a Keyv instance, or anything with these methods. Required. */
  readonly store: AnswerStore;
  /** Older answers are not given. Milliseconds, default 24 h. */
  readonly maxAgeMs?: number;
  /** Larger answers are not kept. Bytes, default 256 KiB. */
  readonly maxEntryBytes?: number;
  /** A store that does not answer in this time has nothing. Milliseconds, default 250. */
  readonly patienceMs?: number;
}

/** What holds where nothing is set. */
export const cacheDefaults: Required<Omit<AnswerCacheOptions, 'store'>> = {
  maxAgeMs: 24 * 3600 * 1000,
  maxEntryBytes: 256 * 1024,
  patienceMs: 250,
};

type Message = Readonly<Record<string, unknown>>;

interface Entry {
  readonly version: 1;
  /** The whole key, so that a value put elsewhere by mistake or malice is recognised. */
  readonly key: string;
  /** Milliseconds since the Unix epoch. */
  readonly savedAt: number;
  readonly message: Message;
}

/** A store that hangs is given no more than so many answers. */
const mostWrites = 100;

export class AnswerCache {
  readonly #store: AnswerStore;
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #maxEntryBytes: number;
  readonly #patienceMs: number;
  /** Answers on their way to the store. */
  #writing = 0;

  constructor({ store, ...options }: AnswerCacheOptions, clock: Clock) {
    const { maxAgeMs, maxEntryBytes, patienceMs } = withDefaults(cacheDefaults, options);
    this.#store = store;
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
    this.#maxEntryBytes = maxEntryBytes;
    this.#patienceMs = patienceMs;
  }

  /** Keeps a good answer. Does not wait, does not fail: what cannot be kept is not there later. */
  store(call: Call, message: Message): void {
    if (!isWorthKeeping(message) || this.#writing >= mostWrites) return;
    this.#writing += 1;
    void this.#write(call, message)
      .catch(() => {})
      .finally(() => {
        this.#writing -= 1;
      });
  }

  async #write(call: Call, message: Message): Promise<void> {
    const key = keyOf(call);
    if (key === null) return;
    const value = JSON.stringify({ version: 1, key, savedAt: wallNow(this.#clock), message } satisfies Entry);
    if (Buffer.byteLength(value) > this.#maxEntryBytes) return;
    await this.#store.set(key, value, this.#maxAgeMs);
  }

  /** The answer given before to this very request of this tenant, and its age. `withinMs`: what is left of the caller's time. */
  async find(call: Call, withinMs: number = Infinity): Promise<{ message: Message; ageMs: number } | null> {
    const key = keyOf(call);
    if (key === null) return null;
    const value = await askStore(this.#clock, Math.min(this.#patienceMs, withinMs), () => this.#store.get(key)).catch(() => null);
    const entry = typeof value === 'string' && value.length <= this.#maxEntryBytes ? parse(value) : null;
    if (!entry || entry.key !== key) return null;
    const ageMs = wallNow(this.#clock) - entry.savedAt;
    return ageMs >= 0 && ageMs <= this.#maxAgeMs ? { message: entry.message, ageMs } : null;
  }
}

/** Hashed: keys of prompts would be long, and would show them to whoever lists the store. */
function keyOf({ body, tenant }: Call): string | null {
  const text = canonicalRequest(body ?? {}, tenant);
  return text === null ? null : `holdfast:answer:${createHash('sha256').update(text).digest('hex')}`;
}

/** Only whole answers that end by themselves, and ask for nothing to be run, mean the same later. */
function isWorthKeeping(message: Message): boolean {
  const reason = message['stop_reason'];
  return isMessage(message) && (reason === 'end_turn' || reason === 'stop_sequence');
}

/** What every reader takes for granted in a message. */
function isMessage(value: unknown): value is Message {
  if (!isObject(value)) return false;
  const { type, role, content, usage } = value;
  return (
    type === 'message' &&
    role === 'assistant' &&
    Array.isArray(content) &&
    content.every(isBlock) &&
    (usage === undefined || usage === null || isObject(usage))
  );
}

function parse(value: string): Entry | null {
  const found = parseObject(value);
  if (found?.['version'] !== 1 || typeof found['savedAt'] !== 'number') return null;
  const { message } = found;
  return isMessage(message) && isWorthKeeping(message) ? (found as unknown as Entry) : null;
}
