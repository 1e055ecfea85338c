// `pnpm no-harm`: prints the do-no-harm table.

import './decorators.ts';
import { parseArgs } from 'node:util';
import { summaryOf, tableOf } from './report.ts';
import { idOf, rowsOf, runTable } from './table.ts';

const help = `pnpm no-harm                 the bare SDK and Holdfast in every situation, side by side
pnpm no-harm --only <text>   only rows whose name holds this text
pnpm no-harm --red           print only rows that are red
pnpm no-harm --json          the results as JSON
Ends with 1 if a row is red. What the rule is: docs/do-no-harm.md`;

const { values } = parseArgs({
  options: { only: { type: 'string' }, red: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}

// Loaded late: the hook for decorators has to be there before Nest's files are.
const { subjects } = await import('./situations/index.ts');
const only = values.only?.toLowerCase() ?? '';
const rows = rowsOf(subjects).filter((row) => idOf(row).toLowerCase().includes(only));
const results = await runTable(rows);
const red = results.filter((result) => result.findings.length > 0);
const brief = (_key: string, value: unknown): unknown =>
  typeof value === 'string' && value.length > 500 ? `${value.slice(0, 500)}…` : value;
if (values.json)
  console.log(
    JSON.stringify(
      results.map((result) => ({ ...result, situation: undefined, id: idOf(result) })),
      brief,
    ),
  );
else console.log(`${tableOf(values.red ? red : results)}\n\n${summaryOf(results)}`);
// Rows about hanging leave sockets and timers behind on the bare side.
process.exit(red.length > 0 ? 1 : 0);
