// Mutation tests: `pnpm mutate` for both pure folders, `pnpm mutate policy` for one, `pnpm mutate 'src/stream/s*.ts'` for some
// files of one. Options behind it are Stryker's: `pnpm mutate policy --concurrency 1`.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const pureFolders = ['policy', 'stream'];
const core = fileURLToPath(new URL('../packages/core', import.meta.url));
const stryker = fileURLToPath(new URL('bin/stryker.js', import.meta.resolve('@stryker-mutator/core/package.json')));

const options = process.argv.slice(2);
const named = options[0]?.startsWith('-') ? undefined : options.shift();
const what = named?.replace(/^packages\/core\//, '');
const folders = what === undefined ? pureFolders : pureFolders.filter((folder) => what === folder || what.startsWith(`src/${folder}/`));
if (folders.length === 0) {
  console.error(`Nothing to mutate in ${named}: name ${pureFolders.join(' or ')}, or files of one as in 'src/policy/route*.ts'.`);
  process.exitCode = 2;
}

for (const folder of folders) {
  const files = what === undefined || what === folder ? {} : { MUTATE_FILES: what };
  const { status } = spawnSync(process.execPath, [stryker, 'run', ...options], {
    cwd: core,
    stdio: 'inherit',
    env: { ...process.env, MUTATE_FOLDER: folder, ...files },
  });
  if (status !== 0) process.exitCode = status ?? 1;
}
