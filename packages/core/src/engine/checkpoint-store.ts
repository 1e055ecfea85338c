// Where unfinished answers are kept.

/** Anything with these three methods: the stores here, a `Map`, a Keyv instance. Values are text. */
export interface CheckpointStore {
  get(key: string): unknown;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

export interface MemoryCheckpointOptions {
  /** Most answers kept. Default 1000. */
  readonly maxEntries?: number;
  /** Most characters kept. Default 64 Mi. */
  readonly maxLength?: number;
}

/** Keeps checkpoints in this process: for tests, and for resuming after a break but not after a crash. */
export function memoryCheckpoints({ maxEntries = 1000, maxLength = 64 * 1024 * 1024 }: MemoryCheckpointOptions = {}): CheckpointStore {
  const values = new Map<string, string>();
  let length = 0;
  const remove = (key: string): void => {
    length -= values.get(key)?.length ?? 0;
    values.delete(key);
  };
  return {
    get: (key) => values.get(key),
    set(key, value) {
      remove(key);
      values.set(key, value);
      length += value.length;
      while (values.size > maxEntries || (length > maxLength && values.size > 1)) remove(values.keys().next().value as string);
    },
    delete: remove,
  };
}
