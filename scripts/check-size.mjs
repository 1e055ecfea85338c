// What Holdfast adds to an application: bytes of its bundle, and what `npm install` brings along. Fails beyond the limits in
// `size-limits.json`; `--write` sets them a tenth above what is measured now. Reads `dist`: build first.

import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packAll } from './pack.mjs';

const limitsFile = 'scripts/size-limits.json';
const headroom = 1.1;

/** What applications import. A bundler leaves out what they do not. */
const bundles = [
  { title: 'holdfast alone', code: `export { holdfast } from '@holdfast/core'`, from: 'core' },
  { title: '@holdfast/core', code: `export * from '@holdfast/core'`, from: 'core' },
  { title: '@holdfast/core/policy', code: `export * from '@holdfast/core/policy'`, from: 'core' },
  { title: 'backoff alone', code: `export { backoff } from '@holdfast/core/policy'`, from: 'core' },
  { title: '@holdfast/core/http', code: `export * from '@holdfast/core/http'`, from: 'core' },
  { title: '@holdfast/express', code: `export * from '@holdfast/express'`, from: 'express' },
  { title: '@holdfast/nestjs', code: `export * from '@holdfast/nestjs'`, from: 'nestjs' },
  { title: '@holdfast/trpc', code: `export * from '@holdfast/trpc'`, from: 'trpc' },
  { title: '@holdfast/trpc/client', code: `export * from '@holdfast/trpc/client'`, from: 'trpc' },
];

/** Bytes of a bundle of one package, without its dependencies and peers. */
async function bundle({ code, from }) {
  const own = `@holdfast/${from}`;
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: resolve('packages', from) },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    plugins: [
      {
        name: 'others-stay-outside',
        setup: (plugin) =>
          plugin.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' || path === own || path.startsWith(`${own}/`) ? undefined : { path, external: true },
          ),
      },
    ],
  });
  const [{ contents }] = outputFiles;
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length };
}

/** How many packages come along, dependencies of dependencies included; peers are the application's own. */
function dependenciesOf(folder) {
  const args = ['list', '--prod', '--depth', 'Infinity', '--json'];
  const [list] = JSON.parse(execFileSync('pnpm', args, { cwd: join('packages', folder), encoding: 'utf8', timeout: 60_000 }));
  const found = new Set();
  const walk = ({ dependencies = {} }) => {
    for (const [name, dependency] of Object.entries(dependencies)) {
      found.add(`${name}@${dependency.version}`);
      walk(dependency);
    }
  };
  walk(list);
  return found.size;
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const roomFor = (bytes) => Math.ceil((bytes * headroom) / 100) * 100;
const line = (title, ...cells) => console.log(title.padEnd(24), ...cells.map((cell) => String(cell).padStart(12)));

const scratch = mkdtempSync(join(tmpdir(), 'holdfast-size-'));
try {
  const measured = { gzipped: {}, packed: {}, dependencies: {} };
  const limits = process.argv.includes('--write') ? null : JSON.parse(readFileSync(limitsFile, 'utf8'));

  line('bundle', 'minified', 'gzipped', 'limit');
  for (const one of bundles) {
    const { minified, gzipped } = await bundle(one);
    measured.gzipped[one.title] = gzipped;
    line(one.title, kib(minified), kib(gzipped), limits ? kib(limits.gzipped[one.title]) : '');
  }
  console.log();
  line('package', 'packed', 'limit', 'files', 'brings', 'limit');
  for (const { name, folder, size, files } of packAll(scratch)) {
    measured.packed[name] = size;
    measured.dependencies[name] = dependenciesOf(folder);
    const allowed = limits ? [kib(limits.packed[name]), limits.dependencies[name]] : ['', ''];
    line(name, kib(size), allowed[0], files.length, measured.dependencies[name], allowed[1]);
  }

  if (limits) {
    const beyond = Object.entries(measured).flatMap(([what, sizes]) =>
      Object.entries(sizes)
        .filter(([name, size]) => !(size <= limits[what][name]))
        .map(([name, size]) => `${name}: ${what} ${size}, limit ${limits[what][name]}`),
    );
    for (const problem of beyond) console.error(problem);
    if (beyond.length > 0) console.error('if it is worth it: pnpm check:size --write');
    process.exitCode = beyond.length === 0 ? 0 : 1;
  } else {
    const withRoom = (sizes) => Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, roomFor(size)]));
    const next = { gzipped: withRoom(measured.gzipped), packed: withRoom(measured.packed), dependencies: measured.dependencies };
    writeFileSync(limitsFile, `${JSON.stringify(next, null, 2)}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
