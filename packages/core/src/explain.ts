// The typed story of a failure, read from whatever error reached the caller, by structure.

import type { EndKind } from './policy/endings.ts';
import { storyOfError, type Story } from './policy/story.ts';
import type { Ledger } from './telemetry/ledger.ts';
import type { Remembered } from './stories.ts';
import { readFailure } from './wire/sdk-error.ts';

/** What the reader of a broken stream had been given. */
export interface PartialAnswer {
  /** Content blocks as delivered; the last one may be unfinished. */
  readonly content: readonly { readonly type: string; readonly text: string; readonly complete: boolean }[];
  /** The delivered text of all text blocks. */
  readonly text: string;
}

export interface Explanation {
  /** The kind of failure; `unknown` for an error that is not Claude's or Holdfast's. */
  readonly kind: EndKind | 'unknown';
  /** The error code, or the row of the table that decided. */
  readonly reason: string;
  /** What to do about it, one sentence. */
  readonly action: string;
  /** The same call may succeed later. */
  readonly retryable: boolean;
  /** When, milliseconds from the failure, if known. */
  readonly retryAfterMs: number | null;
  /** Id of the logical call, when the error came through Holdfast. */
  readonly callId: string | null;
  /** Every attempt, when this instance still remembers the call. */
  readonly ledger: Ledger | null;
  /** What had been delivered, for a stream that broke. */
  readonly partial: PartialAnswer | null;
  /** What was thrown behind it, such as a credential provider's error, when this instance still remembers the call. */
  readonly cause: unknown;
}

const unknown: Omit<Story, 'kind'> & { readonly kind: 'unknown' } = {
  kind: 'unknown',
  reason: 'unknown',
  action: 'This error did not come from Claude or Holdfast.',
  retryable: false,
  retryAfterMs: null,
};

/** What the caller remembers of the call, if anything. */
export interface Memory {
  readonly ledger: Ledger | null;
  readonly partial: PartialAnswer | null;
  readonly ending: Remembered | undefined;
}

/**
 * Explains any error.
 *
 * @param now milliseconds since the Unix epoch, to read dates in `retry-after`
 */
export function explainError(error: unknown, { ledger, partial, ending }: Memory, now: number): Explanation {
  const failure = readFailure(error);
  const story = storyOfError(failure, now) ?? unknown;
  // Several calls may share an id: what is remembered counts where it is of this end.
  const isThis = ending !== undefined && ending.story.kind === story.kind && ending.story.reason === story.reason;
  return {
    ...(isThis ? { ...ending.story, retryAfterMs: story.retryAfterMs ?? ending.story.retryAfterMs } : story),
    callId: ledger?.callId ?? failure.callId ?? null,
    ledger,
    partial,
    cause: isThis ? ending.cause : undefined,
  };
}

/** The logical call an error belongs to, from our label or our details. */
export const callIdOf = (error: unknown): string | null => readFailure(error).callId ?? null;
