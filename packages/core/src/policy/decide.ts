// What follows a failed attempt: repeat it here, go elsewhere, or give up. Gives reasons; waits for nothing.

import type { Verdict } from './verdict.ts';

export interface DecideInput {
  readonly verdict: Verdict;
  /** Attempts made so far in this logical call, on all targets. */
  readonly attempts: number;
  /** No more than this many in total. */
  readonly maxAttempts: number;
  /** Another target or model of the same rung may be asked and has not been in this call. */
  readonly elsewhere: boolean;
  /** The same target may be asked again: its circuit is not open and it is not the caller's choice to ask once only. */
  readonly here: boolean;
  /** What backoff asks to wait before asking here again, milliseconds; never below the server's hint. */
  readonly delayMs: number;
  /** A hint longer than this is not slept. */
  readonly maxRetryAfterMs: number;
  /** Milliseconds left until the deadline; Infinity without one. */
  readonly remainingMs: number;
  /** The least time an attempt is expected to take, milliseconds. */
  readonly estimateMs: number;
  /** The shared retry budget has something left. */
  readonly budget: boolean;
}

export type GiveUpReason = 'permanent' | 'attempts' | 'budget' | 'deadline' | 'hint-too-long' | 'circuit-open' | 'aborted';

export type Decision =
  | { readonly type: 'retry'; readonly where: 'here' | 'elsewhere'; readonly delayMs: number }
  | { readonly type: 'give-up'; readonly reason: GiveUpReason };

/**
 * Decides what follows a failed attempt.
 *
 * Going elsewhere needs no wait and no budget (the other target is not the one in trouble), only a try that is left and
 * time for it. Asking here again needs all of them.
 */
export function decide(input: DecideInput): Decision {
  const { verdict } = input;
  if (verdict.kind === 'aborted') return giveUp('aborted');
  if (verdict.retry === 'never') return giveUp('permanent');
  if (input.attempts >= input.maxAttempts) return giveUp('attempts');
  if (input.elsewhere && prefersElsewhere(verdict)) {
    return input.estimateMs <= input.remainingMs ? { type: 'retry', where: 'elsewhere', delayMs: 0 } : giveUp('deadline');
  }
  if (verdict.retry === 'elsewhere') return giveUp('permanent');
  if (!input.here) return giveUp('circuit-open');
  if ((verdict.waitMs ?? 0) > input.maxRetryAfterMs) return giveUp('hint-too-long');
  if (input.delayMs + input.estimateMs > input.remainingMs) return giveUp('deadline');
  if (!input.budget) return giveUp('budget');
  return { type: 'retry', where: 'here', delayMs: input.delayMs };
}

/** A failure of this one request says nothing against the target: a second try here keeps the prompt cache. */
const prefersElsewhere = (verdict: Verdict): boolean => verdict.scope !== 'request' || verdict.retry === 'elsewhere';

const giveUp = (reason: GiveUpReason): Decision => ({ type: 'give-up', reason });
