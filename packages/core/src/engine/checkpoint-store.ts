// Where unfinished answers are kept.

import { backgroundClock, type Clock } from '../time.ts';

/**
 * Anything with these three methods: the stores here, a `Map`, a Keyv instance. Values are text. `ttlMs`: nobody needs the value
 * after so many milliseconds; a store that does not heed it, as a `Map`, keeps what readers left behind until it is deleted.
 */
export interface CheckpointStore {
  get(key: string): unknown;
  set(key: string, value: string, ttlMs?: number): unknown;
  delete(key: string): unknown;
}

export interface MemoryCheckpointOptions {
  /** Most answers kept. Default 1000. */
  readonly maxEntries?: number;
  /** Most characters kept. Default 64 Mi. */
  readonly maxLength?: number;
  /** Time, for tests. Default: the machine's. */
  readonly clock?: Clock;
}

/** `resume` could not ask the checkpoint store: whether there is anything to finish is unknown. The store's own error is its cause. */
export class CheckpointStoreError extends Error {
  readonly code = 'holdfast_checkpoint_store';

  constructor(cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    super(`The checkpoint store could not be asked: ${said}`, { cause });
    this.name = 'CheckpointStoreError';
  }
}

interface Kept {
  readonly value: string;
  readonly until: number;
}

/** Keeps checkpoints in this process: for tests, and for resuming after a break but not after a crash. */
export function memoryCheckpoints({
  maxEntries = 1000,
  maxLength = 64 * 1024 * 1024,
  clock = backgroundClock,
}: MemoryCheckpointOptions = {}): CheckpointStore {
  const entries = new Map<string, Kept>();
  let length = 0;
  const remove = (key: string): void => {
    length -= entries.get(key)?.value.length ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const kept = entries.get(key);
      if (kept !== undefined && kept.until <= clock.now()) remove(key);
      return entries.get(key)?.value;
    },
    set(key, value, ttlMs = Infinity) {
      remove(key);
      const now = clock.now();
      // The oldest come first: those that are over are among them.
      for (const [old, { until }] of entries) {
        if (until > now) break;
        remove(old);
      }
      entries.set(key, { value, until: now + ttlMs });
      length += value.length;
      while (entries.size > maxEntries || (length > maxLength && entries.size > 1)) remove(entries.keys().next().value as string);
    },
    delete: remove,
  };
}
