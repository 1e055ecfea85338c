// Writes what the reader has to a checkpoint store, at intervals and at every break. Never delays or fails the stream.

import type { Settings, StreamSettings } from '../settings.ts';
import { checkpointKey, encodeCheckpoint } from '../stream/checkpoint.ts';
import { isTooDeep } from '../stream/nesting.ts';
import type { Splice } from '../stream/splice.ts';
import type { Transcript } from '../stream/transcript.ts';
import { wallNow } from '../time.ts';
import { askStore } from './ask-store.ts';
import type { Call } from './call.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { CheckpointOwners } from './checkpoint-owners.ts';
import { tell } from './tell.ts';

/** A store that takes longer has failed, milliseconds. */
const patienceMs = 10_000;
/** The checkpoint stands around the request: that much deeper it is. */
const levelsAround = 2;

export class Checkpointer {
  readonly #settings: Settings;
  readonly #options: StreamSettings;
  readonly #store: CheckpointStore;
  readonly #call: Call;
  readonly #key: string;
  readonly #owners: CheckpointOwners;
  #lastAt: number;
  /** There is a checkpoint of this answer. */
  #saved: boolean;
  /** Writes happen one after another; a slow store skips some. */
  #writing: Promise<void> | null = null;
  /** Null until it is known. */
  #isTooDeep: boolean | null = null;

  constructor(settings: Settings, options: StreamSettings, store: CheckpointStore, call: Call, saved: boolean) {
    this.#settings = settings;
    this.#options = options;
    this.#store = store;
    this.#call = call;
    this.#saved = saved;
    this.#lastAt = settings.clock.now();
    this.#key = checkpointKey(call.checkpointId, call.tenant);
    this.#owners = CheckpointOwners.of(store);
  }

  progress(splice: Splice): void {
    if (this.#writing) return;
    const now = this.#settings.clock.now();
    if (now - this.#lastAt < this.#options.checkpointEveryMs) return;
    this.write(splice.transcript());
  }

  write(transcript: Transcript): void {
    if (transcript.blocks.length === 0) return;
    this.#lastAt = this.#settings.clock.now();
    if (this.#refuses() || !this.#owners.claim(this.#key, this)) return;
    this.#saved = true;
    const { checkpointId: callId, tenant, body } = this.#call;
    const savedAt = wallNow(this.#settings.clock);
    this.#run(() =>
      this.#store.set(
        this.#key,
        encodeCheckpoint({ callId, tenant, body: body as Record<string, unknown>, transcript, savedAt }),
        this.#options.checkpointTtlMs,
      ),
    );
  }

  /** The answer is complete: nobody needs it any more. What is there by another answer of the same id stays. */
  clear(): void {
    const isOwner = this.#owners.release(this.#key, this);
    if (this.#saved && isOwner) this.#run(() => this.#store.delete(this.#key));
  }

  /** The stream ended before its answer: what was written last stays. */
  leave(): void {
    this.#owners.release(this.#key, this);
  }

  /** A request that no reader of checkpoints would take is not written. */
  #refuses(): boolean {
    if (this.#isTooDeep === null) {
      const { body } = this.#call.request;
      this.#isTooDeep = typeof body === 'string' && isTooDeep(body, levelsAround);
      if (this.#isTooDeep) this.#tellFailed('too-deep');
    }
    return this.#isTooDeep;
  }

  #run(work: () => unknown): void {
    const before = this.#writing;
    const run = (async () => {
      await before;
      try {
        await askStore(this.#settings.clock, patienceMs, work);
      } catch (error) {
        this.#tellFailed(nameOf(error));
      }
    })();
    this.#writing = run;
    void run.then(() => {
      if (this.#writing === run) this.#writing = null;
    });
  }

  #tellFailed(reason: string): void {
    tell(this.#settings, this.#call, () => ({
      type: 'checkpoint-failed',
      callId: this.#call.id,
      at: this.#settings.clock.now(),
      reason,
    }));
  }
}

/** What a store says may quote what it was given to keep, which is the answer. */
function nameOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return String(code ?? name ?? 'unknown');
}
