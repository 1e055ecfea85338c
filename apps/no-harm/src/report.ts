// The table as text, 80 columns wide.

import { told } from './judge.ts';
import { situationOf, type Result } from './table.ts';

const width = 80;
const columns = { name: 39, side: 16 };

/** The table: grouped by subject, and under each red row what is wrong. */
export function tableOf(results: readonly Result[]): string {
  const lines: string[] = [];
  let subject = '';
  for (const result of results) {
    if (result.subject !== subject) {
      subject = result.subject;
      lines.push('', subject.toUpperCase(), rowOf('', 'bare SDK', 'Holdfast', ''));
    }
    const { findings } = result;
    const verdict = findings.length === 0 ? 'ok' : 'RED';
    lines.push(rowOf(`${result.name}, ${result.surface}`, told(result.bare), told(result.held), verdict));
    for (const { harm, what } of findings) lines.push(...wrapped(`${harm}: ${what}`));
  }
  return lines.join('\n');
}

/** How many rows there are, and how many are red. */
export function summaryOf(results: readonly Result[]): string {
  const red = results.filter(({ findings }) => findings.length > 0).length;
  const situations = new Set(results.map(situationOf)).size;
  return `${situations} situations, ${results.length} rows, ${results.length - red} ok, ${red} red`;
}

function rowOf(name: string, bare: string, held: string, verdict: string): string {
  return `${cell(name, columns.name)} ${cell(bare, columns.side)} ${cell(held, columns.side)} ${verdict}`.trimEnd();
}

const cell = (text: string, size: number): string => (text.length > size ? `${text.slice(0, size - 1)}…` : text.padEnd(size));

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length + 1 <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`    ${word}`);
  }
  return lines;
}
