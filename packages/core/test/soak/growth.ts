// Whether numbers grow: from samples, never from one look.

import type { Readings } from './load.ts';

/** Most of each that a quiet moment may have. What is not here may not have any. */
export const bounds: Readings = {
  // The HTTP client's own, and the one that waits to look again.
  'other timers and handles': 6,
  // Connections that are kept for the next call.
  'sockets, client': 260,
  'sockets, server': 260,
  'ledgers kept': 2_000,
  'partial answers kept': 100,
  circuits: 256,
  'checkpoint files': 105,
  'cached answers': 300,
};

/** The names of what was ever beyond its bound. */
export function beyond(samples: readonly Readings[]): string[] {
  const names = Object.keys(samples[0] ?? {});
  return names.filter((name) => samples.some((sample) => (sample[name] ?? 0) > (bounds[name] ?? 0)));
}

/** By the call: the median of the slopes between any two samples, and the middle half of them. */
export interface Slope {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The straight line through samples that were taken after so many calls, by Theil and Sen: a sample that was taken at a bad
 * moment does not turn it. https://en.wikipedia.org/wiki/Theil%E2%80%93Sen_estimator
 */
export function slopeOf(calls: readonly number[], values: readonly number[]): Slope {
  const slopes = calls.flatMap((after, i) =>
    calls.slice(0, i).map((before, j) => ((values[i] ?? 0) - (values[j] ?? 0)) / (after - before)),
  );
  const sorted = slopes.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { middle: at(0.5), low: at(0.25), high: at(0.75) };
}
