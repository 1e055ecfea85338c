// Reads token counts from the wire's `usage` object.

import type { TokenCount } from '../telemetry/ledger.ts';

const count = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0);

/** The usage of a complete message; null when there is none. */
export function usageOf(message: Readonly<Record<string, unknown>>): TokenCount | null {
  const { usage } = message;
  if (typeof usage !== 'object' || usage === null) return null;
  const wire = usage as Record<string, unknown>;
  return {
    input: count(wire['input_tokens']),
    output: count(wire['output_tokens']),
    cacheRead: count(wire['cache_read_input_tokens']),
    cacheCreation: count(wire['cache_creation_input_tokens']),
    estimated: false,
  };
}
