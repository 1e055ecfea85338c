// Prints every number that README and docs claim, from the commands that measure them, one after another. With names, only
// those. Fails if one of them does. Two are not among them, since each takes an hour: `check:matrix` and `mutate`.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

const verbose = '--reporter=verbose';
const claims = {
  demo: { says: 'README.md', command: ['demo'] },
  resume: { says: 'docs/streams.md', command: ['demo:resume'] },
  promises: {
    says: 'docs/retries.md, docs/sdk-retries.md, docs/breaker.md',
    command: ['exec', 'vitest', 'run', 'packages/core/test/promises.test.ts', verbose],
  },
  frameworks: { says: 'docs/adapters.md', command: ['exec', 'vitest', 'run', '--project', '@holdfast/bare-frameworks', verbose] },
  cost: { says: 'docs/limits.md', command: ['bench'] },
  size: { says: 'packages/core/README.md', command: ['check:size'] },
  simulator: { says: 'docs/simulator.md', command: ['simulate'] },
  patience: { says: 'docs/simulator.md', command: ['what-if', '--breaker.minimumFailures=8'] },
  day: { says: 'docs/simulator.md', command: ['simulate', '--day'] },
  goals: { says: 'docs/decisions/0004-waiting-for-circuits.md', command: ['simulate', '--goals'] },
  frontier: { says: 'docs/decisions/0004-waiting-for-circuits.md', command: ['simulate', '--frontier'] },
  docs: { says: 'docs/README.md', command: ['check:docs'] },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in claims));
if (unknown.length > 0) {
  console.error(`There is no claim ${unknown.join(', ')}. There are: ${Object.keys(claims).join(', ')}.`);
  process.exit(2);
}

const lineOf = (command, args) => execFileSync(command, args, { encoding: 'utf8' }).trim();
const { version: sdk } = JSON.parse(readFileSync('packages/core/node_modules/@anthropic-ai/sdk/package.json', 'utf8'));
console.log(
  `${new Date().toISOString().slice(0, 10)}, commit ${lineOf('git', ['rev-parse', '--short', 'HEAD'])}, Node.js ${process.version}, @anthropic-ai/sdk ${sdk}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'CPU'}`,
);

const rows = [];
for (const [name, { says, command }] of Object.entries(claims)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n== ${name} (${says}): pnpm ${command.join(' ')}`);
  const startedAt = Date.now();
  const { status } = spawnSync('pnpm', command, { stdio: ['ignore', 'inherit', 'inherit'], timeout: 30 * 60_000 });
  rows.push({ name, says, holds: status === 0, seconds: Math.round((Date.now() - startedAt) / 1000) });
}

console.log();
for (const { name, says, holds, seconds } of rows)
  console.log(`${holds ? 'shown ' : 'FAILED'}  ${name.padEnd(10)} ${`${seconds} s`.padStart(6)}  ${says}`);
const failed = rows.filter(({ holds }) => !holds).length;
console.log(`\n${rows.length - failed} shown, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
