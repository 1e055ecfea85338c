// What a listener is given of an event: a fact, which neither changes behind its back nor changes the call.

import type { HoldfastEvent } from './events.ts';
import type { Ledger, LedgerAttempt } from './ledger.ts';

/** `event` as it is now. The attempt and the account in it go on changing; this does not, whoever tries. */
export function snapshotOf(event: HoldfastEvent): HoldfastEvent {
  switch (event.type) {
    case 'attempt-started':
      return Object.freeze({ ...event, attempt: attemptNow(event.attempt) });
    case 'attempt-ended':
      return Object.freeze({ ...event, attempt: attemptNow(event.attempt), verdict: Object.freeze({ ...event.verdict }) });
    case 'call-ended':
      return Object.freeze({ ...event, ledger: ledgerNow(event.ledger) });
    default:
      return Object.freeze({ ...event });
  }
}

const attemptNow = (attempt: LedgerAttempt): LedgerAttempt =>
  Object.freeze({
    ...attempt,
    leftOut: Object.freeze([...attempt.leftOut]),
    usage: attempt.usage && Object.freeze({ ...attempt.usage }),
  });

const ledgerNow = (ledger: Ledger): Ledger =>
  Object.freeze({
    ...ledger,
    attempts: Object.freeze(ledger.attempts.map(attemptNow)) as LedgerAttempt[],
    notes: Object.freeze([...ledger.notes]) as string[],
  });
