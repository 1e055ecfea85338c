// Writes what the reader has to a checkpoint store, at intervals and at every break. Never delays or fails the stream.

import type { Settings, StreamSettings } from '../settings.ts';
import { checkpointKey, encodeCheckpoint } from '../stream/checkpoint.ts';
import type { Splice } from '../stream/splice.ts';
import type { Transcript } from '../stream/transcript.ts';
import type { Call } from './call.ts';
import { tell } from './tell.ts';

export class Checkpointer {
  readonly #settings: Settings;
  readonly #options: StreamSettings;
  readonly #call: Call;
  #lastAt: number;
  /** There is a checkpoint of this answer. */
  #saved: boolean;
  /** Writes happen one after another; a slow store skips some. */
  #writing: Promise<void> | null = null;

  constructor(settings: Settings, options: StreamSettings, call: Call, saved: boolean) {
    this.#settings = settings;
    this.#options = options;
    this.#call = call;
    this.#saved = saved;
    this.#lastAt = settings.clock.now();
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
    this.#saved = true;
    const { id, tenant, body } = this.#call;
    const value = encodeCheckpoint({ callId: id, tenant, body: body as Record<string, unknown>, transcript, savedAt: this.#lastAt });
    this.#run((store) => store.set(checkpointKey(id, tenant), value));
  }

  /** The answer is complete: nobody needs it any more. What is there by another answer of the same request stays. */
  clear(): void {
    if (!this.#saved) return;
    const { id, tenant } = this.#call;
    this.#run((store) => store.delete(checkpointKey(id, tenant)));
  }

  #run(work: (store: NonNullable<StreamSettings['checkpoints']>) => unknown): void {
    const store = this.#options.checkpoints;
    if (!store) return;
    const run = (async () => {
      await this.#writing;
      try {
        await work(store);
      } catch (error) {
        tell(this.#settings, this.#call, () => ({
          type: 'checkpoint-failed',
          callId: this.#call.id,
          at: this.#settings.clock.now(),
          reason: nameOf(error),
        }));
      }
    })();
    this.#writing = run;
    void run.then(() => {
      if (this.#writing === run) this.#writing = null;
    });
  }
}

/** What a store says may quote what it was given to keep, which is the answer. */
function nameOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return String(code ?? name ?? 'unknown');
}
