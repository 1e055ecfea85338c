// Measures as lines of text.

import type { Point } from './frontier.ts';
import type { Reached } from './goals.ts';
import type { Measures, Run } from './simulate.ts';

type Column = readonly [title: string, text: (measures: Measures) => string];

const number =
  (digits: number, unit = '', factor = 1): ((value: number) => string) =>
  (value) =>
    Number.isNaN(value) ? '–' : `${(value * factor).toFixed(digits)}${unit}`;
const percent = number(1, ' %', 100);
const seconds = (value: number): string => (Number.isNaN(value) ? 'never' : `${value} s`);

const columns: readonly Column[] = [
  ['requests/call', ({ amplification }) => number(2)(amplification)],
  ['goodput', ({ goodput }) => percent(goodput)],
  ['completed', ({ completed }) => number(2, ' %', 100)(completed)],
  ['rescued', ({ rescued }) => percent(rescued)],
  ['after', ({ goodputAfter }) => percent(goodputAfter)],
  ['recovery', ({ recoverySeconds }) => seconds(recoverySeconds)],
  ['p50', ({ p50 }) => number(1, ' s', 0.001)(p50)],
  ['p99', ({ p99 }) => number(1, ' s', 0.001)(p99)],
  ['M tokens', ({ megatokens }) => number(1)(megatokens)],
];

/** One scenario: a line for each run. */
export function table(runs: readonly Run[]): string {
  const { scenario } = runs[0] as Run;
  const rows = runs.map(({ policy, measures }) => [policy.name, ...columns.map(([, text]) => text(measures))]);
  return `${scenario.name}: ${scenario.title}\n${align([['', ...columns.map(([title]) => title)], ...rows])}\n`;
}

/** One scenario, two policies: a line for each measure. */
export function comparison(one: Run, other: Run): string {
  const rows = columns.map(([title, text]) => [title, text(one.measures), text(other.measures)]);
  return `${one.scenario.name}: ${one.scenario.title}\n${align([['', one.policy.name, other.policy.name], ...rows])}\n`;
}

export function goalTable(goals: readonly Reached[]): string {
  const rows = goals.map(({ what, atMost, atLeast, value, met, measure, price }) => {
    const text = measure === 'recoverySeconds' ? seconds : measure === 'amplification' ? number(2) : number(2, ' %', 100);
    const limit = atMost === undefined ? `≥ ${text(atLeast as number)}` : `≤ ${text(atMost)}`;
    return [what, limit, text(value), met ? 'met' : `not met${price ? `: ${price}` : ''}`];
  });
  const met = goals.filter((goal) => goal.met).length;
  return `${align([['goal', 'wanted', 'reached', ''], ...rows])}\n\n${met} of ${goals.length} goals met.`;
}

/** One option over its range. */
export function frontierTable(points: readonly Point[]): string {
  const rows = points.map(({ value, measures }) => [
    String(value),
    number(2)(measures.outage.amplification),
    seconds(measures.outage.recoverySeconds),
    number(2)(measures['brown-out'].amplification),
    percent(measures['brown-out'].goodput),
    seconds(measures['brown-out'].recoverySeconds),
    number(2, ' %', 100)(measures['faults 10 %'].completed),
    percent(measures['faults 30 %'].completed),
    number(2)(measures['thin outage'].amplification),
  ]);
  const titles = ['outage', 'recovery', 'brown-out', 'goodput', 'recovery', '10 % faults', '30 % faults', 'thin outage'];
  return `${align([[(points[0] as Point).option, ...titles], ...rows])}\n`;
}

/** Columns under each other: the first and the last to the left if they are words, numbers to the right. */
function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] as readonly string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const cell = (text: string, column: number): string => {
    if (column === 0) return text.padEnd(widths[column] as number);
    return /met/.test(text) ? text : text.padStart(widths[column] as number);
  };
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
