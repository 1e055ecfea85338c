// Gives every property of the tests a random seed and as many runs as fit into the time, one property after the other.
// Usage: pnpm fuzz [--seconds 60] [--seed n] [--path p] [--only 'part of a claim']. The last three see a failure again.

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, path: { type: 'string' }, only: { type: 'string' } },
});
const seconds = Number(values.seconds ?? 60);
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
if (!(seconds > 0) || !Number.isInteger(Number(seed))) {
  console.error('--seconds wants a number above 0, --seed a whole number.');
  process.exit(2);
}

const files = globSync('packages/*/{src,test}/**/*.property.test.ts');
const count = files.reduce((sum, file) => sum + readFileSync(file, 'utf8').match(/^\s*holds\(/gm).length, 0);
const each = Math.ceil((seconds * 1000) / (values.only === undefined ? count : 1));
console.log(`${count} properties, ${(each / 1000).toFixed(1)} s each, seed ${seed}`);

const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--no-file-parallelism',
    '--disable-console-intercept=true',
    ...(values.only === undefined ? [] : ['-t', values.only.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')]),
    ...files,
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      FUZZ_SEED: seed,
      ...(values.path === undefined ? { FUZZ_MS: String(each) } : { FUZZ_PATH: values.path }),
    },
  },
);
process.exit(status ?? 1);
