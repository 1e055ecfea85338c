// A lockfile made where a registry lacks some platforms' binaries silently leaves those platforms out. This compares every
// locked package that has platform packages with what the registry says it should have.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const lock = readFileSync('pnpm-lock.yaml', 'utf8');

/** `name@version` of every locked package that lists optional dependencies. */
const withPlatforms = [
  ...lock.matchAll(
    /^ {2}'?((?:@[^@'/]+\/)?[^@'\s]+)@([^:('\s]+)(?:\([^:]*\))?'?:\n(?: {4}.*\n)*? {4}optionalDependencies:\n((?: {6}.*\n)+)/gm,
  ),
].map(([, name, version, block]) => ({
  name,
  version,
  locked: new Set([...block.matchAll(/^ {6}'?([^':]+)'?:/gm)].map(([, dependency]) => dependency)),
}));

let incomplete = 0;
let unknown = 0;
for (const { name, version, locked } of withPlatforms) {
  const wanted = await optionalDependencies(`${name}@${version}`);
  if (!wanted) unknown += 1;
  else {
    const missing = wanted.filter((dependency) => !locked.has(dependency));
    if (missing.length > 0) {
      incomplete += 1;
      console.error(`${name}@${version} is locked without ${missing.join(', ')}`);
    }
  }
}
if (unknown > 0) console.error(`NOT CHECKED: the registry did not answer for ${unknown} of ${withPlatforms.length} packages`);
console.log(`lockfile: ${withPlatforms.length} packages with platform builds, ${incomplete} incomplete`);
process.exitCode = incomplete > 0 ? 1 : 0;

async function optionalDependencies(spec) {
  try {
    const { stdout } = await run('npm', ['view', spec, 'optionalDependencies', '--json'], { timeout: 60_000 });
    return stdout.trim() === '' ? [] : Object.keys(JSON.parse(stdout));
  } catch {
    return null;
  }
}
