// What the attempts of one answer consumed, and the sum the reader is told.

import type { AttemptUsage } from './transcript.ts';

type Wire = Readonly<Record<string, unknown>>;

const members = {
  input_tokens: 'input',
  output_tokens: 'output',
  cache_read_input_tokens: 'cacheRead',
  cache_creation_input_tokens: 'cacheCreation',
} as const;

/** The usage an attempt begins with. */
export function usageFrom(wire: unknown): AttemptUsage {
  const usage: AttemptUsage = { input: 0, output: 0, cacheRead: 0, cacheCreation: 0, estimated: false };
  readUsageInto(usage, wire);
  return usage;
}

/** Numbers are cumulative; what is absent or null keeps its value. */
export function readUsageInto(usage: AttemptUsage, wire: unknown): void {
  if (typeof wire !== 'object' || wire === null) return;
  for (const [name, member] of Object.entries(members)) {
    const value = (wire as Wire)[name];
    if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) usage[member] = value;
  }
}

/** `wire` with the counts of all attempts; what else it says is the last attempt's. */
export function totalUsage(attempts: readonly AttemptUsage[], wire: unknown): Wire {
  const totals: Record<string, unknown> = { ...(typeof wire === 'object' ? wire : null) };
  for (const [name, member] of Object.entries(members)) totals[name] = attempts.reduce((sum, usage) => sum + usage[member], 0);
  return totals;
}
