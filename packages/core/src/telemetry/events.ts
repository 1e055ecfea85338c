// What happens inside a call, as it happens: one tagged union that feeds logs, metrics and listeners.

import type { SurfaceReason } from '../policy/endings.ts';
import type { FailureKind, Verdict } from '../policy/verdict.ts';
import type { Ledger, LedgerAttempt } from './ledger.ts';

/** Common to every event of a call. */
interface OfCall {
  /** Id of the logical call, the same over all its attempts. */
  readonly callId: string;
  /** When, on the clock that only goes forward (`Clock.now`): the difference of two is the time between them, whatever is done to the date. */
  readonly at: number;
}

export type HoldfastEvent =
  | (OfCall & {
      readonly type: 'call-started';
      readonly route: string;
      readonly model: string | null;
      readonly stream: boolean;
      readonly deadlineAt: number | null;
    })
  | (OfCall & { readonly type: 'attempt-started'; readonly attempt: LedgerAttempt })
  | (OfCall & { readonly type: 'attempt-ended'; readonly attempt: LedgerAttempt; readonly verdict: Verdict })
  /** A further attempt will follow after `delayMs`. */
  | (OfCall & {
      readonly type: 'retry-scheduled';
      readonly delayMs: number;
      readonly where: 'here' | 'elsewhere';
      readonly kind: Verdict['kind'];
    })
  /** The next attempt goes to another target or model. */
  | (OfCall & {
      readonly type: 'target-switched';
      readonly from: string;
      readonly to: string;
      readonly model: string;
      readonly why: string;
    })
  /** An attempt was not made: the circuit is open, the budget is empty, or no target may be asked. */
  | (OfCall & {
      readonly type: 'attempt-refused';
      readonly reason: RefusalReason;
      readonly target: string | null;
      readonly retryAfterMs: number | null;
    })
  /**
   * Nothing can be asked yet, and nothing else can answer: the call waits for an open circuit, for the end of a hint that
   * another call was given, or for the retry budget, and looks again after `waitMs`. Once per call and reason.
   */
  | (OfCall & {
      readonly type: 'turn-awaited';
      readonly target: string;
      readonly why: 'circuit' | 'rate-limit' | 'budget' | 'backoff';
      readonly waitMs: number;
    })
  /** A target outside the fence would have been next and was not asked. */
  | (OfCall & { readonly type: 'fence-denied'; readonly target: string; readonly why: string })
  /** A target cannot take this request at all. */
  | (OfCall & { readonly type: 'target-ineligible'; readonly target: string; readonly why: string })
  /** A target refused a request that only our adaptation made different: its configuration here is wrong. */
  | (OfCall & {
      readonly type: 'target-misconfigured';
      readonly target: string;
      readonly model: string;
      readonly status: number;
      readonly reason: string;
    })
  | (OfCall & {
      readonly type: 'stream-broke';
      readonly kind: Verdict['kind'];
      readonly reason: string;
      readonly plan: string;
      readonly deliveredBlocks: number;
      readonly deliveredCharacters: number;
    })
  /** A continuation found its place, or did not. */
  | (OfCall & { readonly type: 'stream-resumed'; readonly form: string; readonly seam: string })
  | (OfCall & { readonly type: 'answer-degraded'; readonly rung: string; readonly why: string })
  | (OfCall & { readonly type: 'checkpoint-failed'; readonly reason: string })
  | (OfCall & { readonly type: 'call-ended'; readonly ledger: Ledger })
  /** Not of a call: a circuit changed its state. */
  | {
      readonly type: 'breaker-changed';
      readonly at: number;
      readonly target: string;
      /** The model, with `+fast` for fast mode. */
      readonly circuit: string;
      readonly from: string;
      readonly to: string;
      readonly retryAfterMs: number | null;
    }
  /** Not of a call: a target became slow by its own standards, or quick again. Times to the first content, milliseconds. */
  | {
      readonly type: 'target-pace-changed';
      readonly at: number;
      readonly target: string;
      /** The model, with `+fast` for fast mode and `/whole` for answers that are not streamed. */
      readonly key: string;
      readonly slow: boolean;
      readonly recentMs: number;
      readonly usualMs: number;
    }
  | {
      readonly type: 'target-disabled';
      readonly at: number;
      readonly target: string;
      readonly kind: FailureKind | 'success';
      readonly until: number | null;
    };

/** Why a request was not sent: the end that follows, or no budget for another try. */
export type RefusalReason = SurfaceReason | 'budget-empty';

/** Hears events. Each is a copy of what was: it does not change later, and cannot be changed. */
export type Listener = (event: HoldfastEvent) => void;
