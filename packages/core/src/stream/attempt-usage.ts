// What the attempts of one answer consumed, as the sum that the reader is told.

import { usageMembers } from '../wire/usage.ts';
import type { AttemptUsage } from './transcript.ts';

type Wire = Readonly<Record<string, unknown>>;

/** `wire` with the counts of all attempts; what else it says is the last attempt's. */
export function totalUsage(attempts: readonly AttemptUsage[], wire: unknown): Wire {
  const totals: Record<string, unknown> = { ...(typeof wire === 'object' ? wire : null) };
  for (const [name, member] of Object.entries(usageMembers)) totals[name] = attempts.reduce((sum, usage) => sum + usage[member], 0);
  return totals;
}
