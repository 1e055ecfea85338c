// Medians, spreads and tables.

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export interface Ratio {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

/** The ratios of neighbouring measurements: their median, and the range of the middle half. */
export function ratios(ours: readonly number[], bare: readonly number[]): Ratio {
  const each = ours.map((value, i) => value / (bare[i] ?? Number.NaN));
  return { middle: median(each), low: quantile(each, 0.25), high: quantile(each, 0.75) };
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, widths.map((width) => '-'.repeat(width)), ...rows]
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}
