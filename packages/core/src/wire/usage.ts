// Reads token counts from the wire's `usage` objects: the one reading of them.

import type { TokenCount } from '../telemetry/ledger.ts';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The wire's names of what is counted. */
export const usageMembers = {
  input_tokens: 'input',
  output_tokens: 'output',
  cache_read_input_tokens: 'cacheRead',
  cache_creation_input_tokens: 'cacheCreation',
} as const;

/** The usage that a `usage` object tells; nothing of anything else. */
export function usageFrom(wire: unknown): Mutable<TokenCount> {
  const usage = { input: 0, output: 0, cacheRead: 0, cacheCreation: 0, estimated: false };
  readUsageInto(usage, wire);
  return usage;
}

/** Numbers are cumulative; what is absent, null or no count keeps its value. */
export function readUsageInto(usage: Mutable<TokenCount>, wire: unknown): void {
  if (typeof wire !== 'object' || wire === null) return;
  for (const [name, member] of Object.entries(usageMembers)) {
    const value = (wire as Readonly<Record<string, unknown>>)[name];
    if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) usage[member] = value;
  }
}

/** The usage of a complete message; null when there is none. */
export function usageOf({ usage }: Readonly<Record<string, unknown>>): TokenCount | null {
  return typeof usage === 'object' && usage !== null ? usageFrom(usage) : null;
}
