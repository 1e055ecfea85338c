// Packs the published packages as `npm publish` would.

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One tarball in `directory` for each package. Reads `dist`: build first. Sizes in bytes. */
export function packAll(directory) {
  return readdirSync('packages').map((folder) => {
    const args = ['--config.ignore-scripts=true', 'pack', '--json', '--pack-destination', directory];
    const { name, filename, size, files } = JSON.parse(
      execFileSync('pnpm', args, { cwd: join('packages', folder), encoding: 'utf8', timeout: 60_000 }),
    );
    return { name, folder, tarball: filename, size, files: files.map(({ path }) => path) };
  });
}
