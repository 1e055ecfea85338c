// The version step of a release: changesets become versions and changelogs, and what repeats a version follows.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const pnpm = (...args) => execFileSync('pnpm', args, { stdio: 'inherit', timeout: 300_000 });
const manifestOf = (folder) => JSON.parse(readFileSync(`packages/${folder}/package.json`, 'utf8'));

/** Where the packages live, as the workflow knows it: npm accepts provenance only from the repository a package names. */
function nameHome(url) {
  for (const folder of readdirSync('packages')) {
    const manifest = {
      ...manifestOf(folder),
      homepage: `${url}/tree/main/packages/${folder}#readme`,
      bugs: `${url}/issues`,
      repository: { type: 'git', url: `git+${url}.git`, directory: `packages/${folder}` },
    };
    writeFileSync(`packages/${folder}/package.json`, JSON.stringify(manifest, null, 2));
  }
}

pnpm('exec', 'changeset', 'version');

const file = 'packages/core/src/version.ts';
writeFileSync(file, readFileSync(file, 'utf8').replace(/'[^']*'/, `'${manifestOf('core').version}'`));

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
if (server && repository) nameHome(`${server}/${repository}`);

pnpm('install', '--lockfile-only', '--no-frozen-lockfile');
pnpm('format');
