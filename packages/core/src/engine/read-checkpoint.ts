// What an earlier process left behind of an answer.

import { HoldfastConfigError } from '../config-error.ts';
import type { Settings } from '../settings.ts';
import { checkpointKey, decodeCheckpoint, type Checkpoint } from '../stream/checkpoint.ts';
import { wallNow } from '../time.ts';
import { askStore } from './ask-store.ts';
import { CheckpointStoreError } from './checkpoint-store.ts';

/** Whoever resumes waits for the store no longer than this, milliseconds. */
const patienceMs = 2_000;

/**
 * The checkpoint of a call; null if there is none, or none that can be believed.
 *
 * @throws {HoldfastConfigError} without a store
 * @throws {CheckpointStoreError} when the store fails or hangs
 */
export async function readCheckpoint({ clock, streams }: Settings, requestId: string, tenant: string | null): Promise<Checkpoint | null> {
  const { checkpoints: store, checkpointTtlMs } = streams;
  if (!store)
    throw new HoldfastConfigError([
      { code: 'HOLDFAST_OPTION_MISSING', path: 'streams.checkpoints', message: 'is needed to resume an answer' },
    ]);
  let value: unknown;
  try {
    value = await askStore(clock, patienceMs, () => store.get(checkpointKey(requestId, tenant)));
  } catch (error) {
    throw new CheckpointStoreError(error);
  }
  const decoded = decodeCheckpoint(value, requestId, tenant);
  if (decoded.type === 'bad') return null;
  return wallNow(clock) - decoded.checkpoint.savedAt > checkpointTtlMs ? null : decoded.checkpoint;
}
