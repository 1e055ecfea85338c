// What a failure means and what may be done about it: the output of `classify`, the vocabulary of every other policy.

/** The kind of failure, in the words users meet in `explain`, logs and metrics. */
export type FailureKind =
  | 'invalid-request'
  | 'too-large'
  | 'auth'
  | 'permission'
  | 'billing'
  | 'not-found'
  | 'conflict'
  | 'rate-limited'
  | 'overloaded'
  | 'upstream-error'
  | 'unreachable'
  | 'timeout'
  | 'stream-broken'
  | 'bad-answer'
  | 'thread-state'
  | 'account-state'
  | 'unsupported'
  /** No credentials could be had: an expired login, a token provider that is down. */
  | 'credentials'
  /** The program's own code, or the SDK, refused without asking anybody. */
  | 'local-error'
  | 'aborted';

/** `here`: the same target may be asked again (and so may another). `elsewhere`: only another target can help. */
export type Retry = 'here' | 'elsewhere' | 'never';

/** How far a failure reaches: this request only, one speed of a model, one model on the target, the whole target, or its account. */
export type Scope = 'request' | 'speed' | 'model' | 'target' | 'account';

/**
 * What the breaker and health make of it. `weak` counts half; `throttled` closes the target for a time without being
 * a failure; `neutral` says nothing about the target's health but releases a probe.
 */
export type CountsAs = 'success' | 'failure' | 'weak' | 'throttled' | 'neutral';

export interface Verdict {
  readonly kind: FailureKind | 'success';
  readonly retry: Retry;
  readonly scope: Scope;
  readonly countsAs: CountsAs;
  /** No earlier retry will succeed: the server's own hint, or the time its documentation names. Milliseconds, finite, uncapped. */
  readonly waitMs?: number | undefined;
  /**
   * The target cannot serve until then: `'month-end'` (monthly spend limits), until its `'credentials'` change, or until
   * an `'operator'` changes something about the account. Nothing a server says about retrying overrules it.
   */
  readonly disable?: 'month-end' | 'credentials' | 'operator' | undefined;
  /** The same call may succeed later, although it is not repeated here: it may have been done already. Default: as `retry` says. */
  readonly transient?: boolean | undefined;
  /** Whether the attempt may have cost money. */
  readonly billed: 'no' | 'maybe' | 'yes';
  /** The upstream's `error_code`, or what identifies the row of the table that decided. */
  readonly reason: string;
  /** What a human should do about it, one sentence. */
  readonly action: string;
}
