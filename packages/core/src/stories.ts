// What `explain` is told of calls that failed, beyond their ledgers.

import type { Story } from './policy/story.ts';
import type { Ledger } from './telemetry/ledger.ts';

export interface Remembered {
  readonly story: Story;
  /** The error behind it, where one was thrown. */
  readonly cause: unknown;
}

/** Of every call whose ledger is still remembered. */
export type StoryBook = WeakMap<Ledger, Remembered>;
