// Remembers what the readers of the last broken streams had been given. Bounded by count and by size.

import type { PartialAnswer } from './explain.ts';

export interface PartialBook {
  set(callId: string, partial: PartialAnswer): void;
  get(callId: string): PartialAnswer | undefined;
}

const maxEntries = 100;
/** A longer answer is remembered by its blocks only up to here, in characters. */
const maxCharacters = 1024 * 1024;

export function createPartialBook(): PartialBook {
  const byId = new Map<string, PartialAnswer>();
  return {
    set(callId, partial) {
      byId.delete(callId);
      byId.set(callId, partial.text.length > maxCharacters ? { content: [], text: partial.text.slice(0, maxCharacters) } : partial);
      if (byId.size > maxEntries) byId.delete(byId.keys().next().value as string);
    },
    get: (callId) => byId.get(callId),
  };
}
