// Answers from before, for when nobody answers now. A bad, foreign or old entry is a miss; a store in trouble is one too.

import { createHash } from 'node:crypto';
import { canonicalRequest } from '../policy/cache-key.ts';
import { wallNow, type Clock } from '../time.ts';
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

type Message = Readonly<Record<string, unknown>>;

interface Entry {
  readonly version: 1;
  /** The whole key, so that a value put elsewhere by mistake or malice is recognised. */
  readonly key: string;
  /** Milliseconds since the Unix epoch. */
  readonly savedAt: number;
  readonly message: Message;
}

export class AnswerCache {
  readonly #store: AnswerStore;
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #maxEntryBytes: number;
  readonly #patienceMs: number;

  constructor({ store, maxAgeMs = 24 * 3600 * 1000, maxEntryBytes = 256 * 1024, patienceMs = 250 }: AnswerCacheOptions, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
    this.#maxEntryBytes = maxEntryBytes;
    this.#patienceMs = patienceMs;
  }

  /** Keeps a good answer. Does not wait, does not fail. */
  store(call: Call, message: Message): void {
    if (!isWorthKeeping(message)) return;
    const key = keyOf(call);
    const value = JSON.stringify({ version: 1, key, savedAt: wallNow(this.#clock), message } satisfies Entry);
    if (Buffer.byteLength(value) > this.#maxEntryBytes) return;
    void (async () => this.#store.set(key, value, this.#maxAgeMs))().catch(() => {});
  }

  /** The answer given before to this very request of this tenant, and its age. `withinMs`: what is left of the caller's time. */
  async find(call: Call, withinMs: number = Infinity): Promise<{ message: Message; ageMs: number } | null> {
    const key = keyOf(call);
    const value = await this.#get(key, Math.min(this.#patienceMs, withinMs));
    const entry = typeof value === 'string' && value.length <= this.#maxEntryBytes ? parse(value) : null;
    if (!entry || entry.key !== key) return null;
    const ageMs = wallNow(this.#clock) - entry.savedAt;
    return ageMs >= 0 && ageMs <= this.#maxAgeMs ? { message: entry.message, ageMs } : null;
  }

  async #get(key: string, patienceMs: number): Promise<unknown> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(patienceMs, () => resolve(null));
      (async () => this.#store.get(key))().then(
        (value) => {
          cancel();
          resolve(value);
        },
        () => {
          cancel();
          resolve(null);
        },
      );
    });
  }
}

/** Hashed: keys of prompts would be long, and would show them to whoever lists the store. */
const keyOf = ({ body, tenant }: Call): string =>
  `holdfast:answer:${createHash('sha256')
    .update(canonicalRequest(body ?? {}, tenant))
    .digest('hex')}`;

/** Only whole answers that end by themselves, and ask for nothing to be run, mean the same later. */
function isWorthKeeping(message: Message): boolean {
  const reason = message['stop_reason'];
  return isMessage(message) && (reason === 'end_turn' || reason === 'stop_sequence');
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null) return false;
  const { type, role, content } = value as Message;
  return (
    type === 'message' &&
    role === 'assistant' &&
    Array.isArray(content) &&
    content.every((block) => typeof (block as Message | null)?.['type'] === 'string')
  );
}

function parse(value: string): Entry | null {
  try {
    const found = JSON.parse(value) as Partial<Entry> | null;
    return found?.version === 1 && typeof found.savedAt === 'number' && isMessage(found.message) ? (found as Entry) : null;
  } catch {
    return null;
  }
}
