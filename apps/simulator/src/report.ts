// Measures as lines of text.

import type { Measures, Run } from './simulate.ts';

type Column = readonly [title: string, text: (measures: Measures) => string];

const number =
  (digits: number, unit = ''): ((value: number) => string) =>
  (value) =>
    Number.isNaN(value) ? '–' : `${value.toFixed(digits)}${unit}`;
const percent = (value: number): string => number(1, ' %')(value * 100);

const columns: readonly Column[] = [
  ['requests/call', ({ amplification }) => number(2)(amplification)],
  ['goodput', ({ goodput }) => percent(goodput)],
  ['completed', ({ completed }) => number(2, ' %')(completed * 100)],
  ['rescued', ({ rescued }) => percent(rescued)],
  ['after', ({ goodputAfter }) => percent(goodputAfter)],
  ['recovery', ({ recoverySeconds }) => (Number.isNaN(recoverySeconds) ? 'never' : `${recoverySeconds} s`)],
  ['p50', ({ p50 }) => number(1, ' s')(p50 / 1000)],
  ['p99', ({ p99 }) => number(1, ' s')(p99 / 1000)],
  ['M tokens', ({ megatokens }) => number(1)(megatokens)],
];

/** One scenario: a line for each run. */
export function table(runs: readonly Run[]): string {
  const { scenario } = runs[0] as Run;
  const rows = [['', ...columns.map(([title]) => title)], ...runs.map(rowOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length))) ?? [];
  const lines = rows.map((row) => row.map((text, column) => pad(text, widths[column] as number, column)).join('  '));
  return `${scenario.name}: ${scenario.title}\n${lines.join('\n')}\n`;
}

const rowOf = ({ policy, measures }: Run): string[] => [policy.name, ...columns.map(([, text]) => text(measures))];
const pad = (text: string, width: number, column: number): string => (column === 0 ? text.padEnd(width) : text.padStart(width));
