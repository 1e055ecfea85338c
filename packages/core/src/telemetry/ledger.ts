// The account of one logical call: every attempt it took, what each cost and what came of it.

import type { FailureKind, Retry, Verdict } from '../policy/verdict.ts';

/** Tokens as the wire reported them. `estimated`: an attempt broke before it told its output, which is guessed from its text. */
export interface TokenCount {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheCreation: number;
  readonly estimated: boolean;
}

export interface LedgerAttempt {
  /** 1 for the first. */
  readonly number: number;
  readonly target: string;
  readonly model: string | null;
  /** What this attempt is: the call itself, a repetition, or the continuation of a broken stream. */
  readonly purpose: 'first' | 'retry' | 'failover' | 'fallback' | 'resume';
  /**
   * Why this target: `order` or `weight` among those that are well, `sticky` or `preferred` for the prompt cache it holds,
   * `quicker` because others are slow, `look` to see whether a slow one still is, `again` when all were asked, `least-bad`
   * when none is well.
   */
  readonly why: string;
  /** What the request had to leave out for this target or model, such as `speed`. */
  readonly leftOut: readonly string[];
  /** On the clock that only goes forward (`Clock.now`), milliseconds. */
  readonly startedAt: number;
  /** Milliseconds waited before it was sent. */
  readonly waitedMs: number;
  /** Milliseconds until response headers, and until the first content of a stream. */
  headersMs: number | null;
  firstContentMs: number | null;
  durationMs: number | null;
  status: number | null;
  /** The upstream's request id. */
  requestId: string | null;
  /** `'success'`, a failure kind, or null while it runs. */
  result: FailureKind | 'success' | null;
  /** The table row or error code behind `result`. */
  reason: string | null;
  retry: Retry | null;
  /** The server's hint in milliseconds. */
  retryAfterMs: number | null;
  /** Whether it cost money, as far as its end tells; null while it runs. */
  billed: Verdict['billed'] | null;
  /** Null: the wire told nothing of it. */
  usage: TokenCount | null;
  /** Nothing of this attempt reached the reader. */
  discarded: boolean;
}

export interface Ledger {
  readonly callId: string;
  /** The id by which `resume` finds what was delivered until the answer is whole; null where no checkpoints are written. */
  checkpointId: string | null;
  /** `messages`, `count_tokens` or `other`. */
  readonly route: string;
  readonly model: string | null;
  readonly stream: boolean;
  readonly tenant: string | null;
  readonly startedAt: number;
  durationMs: number | null;
  readonly attempts: LedgerAttempt[];
  /** How the call ended; null while it runs. */
  result: 'delivered' | 'failed' | 'aborted' | null;
  /** Why it failed, in `explain`'s words; null unless it failed. */
  failure: string | null;
  /** The rung of the ladder that answered; null for a full answer. */
  degraded: string | null;
  /** How often a broken stream was continued. */
  resumes: number;
  /** How the answer of a stream differs from one whole generation, for example thinking shown and then begun anew. */
  readonly notes: string[];
}

/** Keeps the ledgers of the last calls, found by call id, upstream request id or message id. Bounded. */
export interface LedgerBook {
  add(ledger: Ledger): void;
  /** Makes `ledger` findable under a further id. */
  index(id: string, ledger: Ledger): void;
  find(id: string): Ledger | undefined;
}

export function createLedgerBook(maxEntries = 2_000): LedgerBook {
  // Written three times in every call and read now and then: two arrays, round and round, and a look through them, newest
  // first. A map of the same size, with an entry to forget for each that comes, was the dearest part of a healthy call.
  const ids: string[] = [];
  const ledgers: Ledger[] = [];
  let next = 0;
  const put = (id: string, ledger: Ledger): void => {
    ids[next] = id;
    ledgers[next] = ledger;
    next = (next + 1) % maxEntries;
  };
  return {
    add: (ledger) => put(ledger.callId, ledger),
    index: put,
    find(id) {
      const newest = ids.lastIndexOf(id, next - 1);
      return ledgers[newest >= 0 ? newest : ids.lastIndexOf(id)];
    },
  };
}

/**
 * Sums what all attempts of a call consumed, delivered or not. `estimated`: some of it is not as the wire told, because an
 * attempt broke before it did, or may have been billed without a word.
 */
export function ledgerTotal(ledger: Ledger): TokenCount {
  const total = { input: 0, output: 0, cacheRead: 0, cacheCreation: 0, estimated: false };
  for (const { usage, billed } of ledger.attempts) {
    if (!usage) {
      // Counting tokens and everything else but messages costs none.
      total.estimated ||= ledger.route === 'messages' && billed !== 'no';
      continue;
    }
    total.input += usage.input;
    total.output += usage.output;
    total.cacheRead += usage.cacheRead;
    total.cacheCreation += usage.cacheCreation;
    total.estimated ||= usage.estimated;
  }
  return total;
}
