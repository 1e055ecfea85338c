// Remembers what the readers of the last broken streams had been given. Bounded by count and by size.

import type { PartialAnswer } from './explain.ts';
import type { Ledger } from './telemetry/ledger.ts';

export interface PartialBook {
  set(of: Ledger, partial: PartialAnswer): void;
  /** Of the last call with that id, where its ledger is forgotten. */
  get(of: Ledger | null, callId: string | null): PartialAnswer | undefined;
}

const maxEntries = 100;
/** A longer answer is remembered by its blocks only up to here, in characters. */
const maxCharacters = 1024 * 1024;

export function createPartialBook(): PartialBook {
  // By the call itself: several calls of one request share its id.
  const byCall = new Map<Ledger, PartialAnswer>();
  return {
    set(of, partial) {
      byCall.delete(of);
      byCall.set(of, partial.text.length > maxCharacters ? { content: [], text: partial.text.slice(0, maxCharacters) } : partial);
      if (byCall.size > maxEntries) byCall.delete(byCall.keys().next().value as Ledger);
    },
    get: (of, callId) => byCall.get(of ?? ([...byCall.keys()].findLast((ledger) => ledger.callId === callId) as Ledger)),
  };
}
