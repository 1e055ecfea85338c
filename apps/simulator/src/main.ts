// `pnpm simulate` and `pnpm what-if`: policies in trouble, in virtual time.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { frontier, sweptOptions } from './frontier.ts';
import { reached } from './goals.ts';
import { plots } from './plots.ts';
import { policies, type Policy } from './policies.ts';
import { comparison, frontierTable, goalTable, table } from './report.ts';
import { day, scenarioNamed, scenarios } from './scenarios.ts';
import { simulate } from './simulate.ts';
import { UsageError } from './usage-error.ts';
import { whatIf } from './what-if.ts';

const help = `pnpm simulate                        every scenario under every policy
pnpm simulate --scenario outage      one of them
pnpm simulate --goals                what the default policy should reach, and what it does
pnpm simulate --frontier             how the goals pull against each other
pnpm simulate --day                  a day of 100 calls a second
pnpm simulate --svg <dir>            the pictures of docs/simulator.md
pnpm what-if --breaker.cooldownMs=30000  two configurations side by side; any option of retry, budget and breaker
--seed <n>                           another seed (default 1), with all but --goals, --frontier and --svg`;

const holdfastDefault = policies.find(({ name }) => name === 'Holdfast') as Policy;

function main(args: readonly string[]): void {
  const [seed, rest] = takeSeed(args);
  if (rest[0] === 'what-if') {
    const other = whatIf(rest.slice(1));
    for (const scenario of scenarios) console.log(comparison(simulate(scenario, holdfastDefault, seed), simulate(scenario, other, seed)));
    return;
  }
  const { values } = parseArgs({
    args: [...rest],
    options: {
      scenario: { type: 'string' },
      goals: { type: 'boolean' },
      frontier: { type: 'boolean' },
      day: { type: 'boolean' },
      svg: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(help);
  if (values.goals) return console.log(goalTable(reached()));
  if (values.frontier) return sweptOptions.forEach((option) => console.log(frontierTable(frontier(option))));
  if (values.day) return showDay(seed);
  if (values.svg !== undefined) return draw(values.svg);
  for (const scenario of values.scenario === undefined ? scenarios : [scenarioNamed(values.scenario)])
    console.log(table(policies.map((policy) => simulate(scenario, policy, seed))));
}

/** The seed, and the arguments without it. */
function takeSeed(args: readonly string[]): [seed: number, rest: string[]] {
  const rest = [...args];
  const at = rest.findIndex((arg) => arg === '--seed' || arg.startsWith('--seed='));
  if (at < 0) return [1, rest];
  const [given = ''] = rest.splice(at, rest[at] === '--seed' ? 2 : 1).slice(-1);
  const seed = Number(given.replace('--seed=', ''));
  if (!Number.isSafeInteger(seed) || seed < 1) throw new UsageError('--seed must be a whole number from 1 on');
  return [seed, rest];
}

function showDay(seed: number): void {
  const startedAt = performance.now();
  const run = simulate(day, holdfastDefault, seed);
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(table([run]));
  console.log(`${run.tally.ended.toLocaleString('en')} calls in ${seconds.toFixed(1)} s`);
}

function draw(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of plots()) {
    writeFileSync(join(directory, name), content);
    console.log(join(directory, name));
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  if (!isUsage) throw error;
  console.error(`${(error as Error).message}\n\n${help}`);
  process.exitCode = 2;
}
