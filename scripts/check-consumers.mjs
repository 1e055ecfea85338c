// Installs the packed packages into an empty project and uses them as strangers do: from ESM and from CommonJS, on this Node.js
// and the lowest supported one, bundled by esbuild and by Vite, and through TypeScript 5.9, 6 and 7 with strict settings that
// check the declarations too. Reads `dist`: build first.

import { build as esbuild } from 'esbuild';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as vite } from 'vite';
import { packAll } from './pack.mjs';

const { engines, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const directory = mkdtempSync(join(tmpdir(), 'holdfast-consumer-'));
/** Outside the project: what runs here finds no package. */
const elsewhere = mkdtempSync(join(tmpdir(), 'holdfast-bundles-'));
const run = (command, args, cwd = directory) =>
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], timeout: 300_000 });

const platform = `${process.platform.replace('win32', 'win')}-${process.arch}`;
const nodePackage = Object.keys(optionalDependencies).find((name) => name.endsWith(platform));
const lowest = /\d[\d.]*/.exec(engines.node)[0];
const nodes = [process.execPath, join(directory, 'node_modules/lowest-node/bin', process.platform === 'win32' ? 'node.exe' : 'node')];
const typescripts = { typescript59: '5.9.3', typescript60: '6.0.3', typescript70: '7.0.2' };

function install() {
  mkdirSync(join(directory, 'tarballs'));
  const packed = packAll(join(directory, 'tarballs'));
  for (const { name, files } of packed)
    for (const file of ['LICENSE', 'README.md', ...(name === '@holdfast/core' ? ['skills/holdfast/SKILL.md'] : [])])
      assert.ok(files.includes(file), `${name} brings ${file}`);
  const tarballs = packed.map(({ name, tarball }) => [name, `file:${tarball}`]);
  const aliases = Object.entries(typescripts).map(([alias, version]) => [alias, `npm:typescript@${version}`]);
  const dependencies = {
    ...Object.fromEntries([...tarballs, ...aliases]),
    '@anthropic-ai/sdk': '1.12.0',
    '@nestjs/common': '12.5.1',
    '@nestjs/core': '12.5.1',
    '@nestjs/platform-express': '12.5.1',
    '@trpc/client': '11.25.2',
    '@trpc/server': '11.25.2',
    '@types/express': '5.0.6',
    '@types/node': '^24.0.0',
    express: '5.3.0',
    'lowest-node': `npm:${nodePackage}@~${lowest}`,
    'reflect-metadata': '0.2.2',
    rxjs: '7.8.2',
  };
  const overrides = tarballs.map(([name, at]) => `  '${name}': '${at}'\n`).join('');
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'consumer', private: true, dependencies }));
  writeFileSync(join(directory, 'pnpm-workspace.yaml'), `packages: []\nminimumReleaseAge: 0\noverrides:\n${overrides}`);
  run('pnpm', ['install', '--ignore-scripts', '--no-frozen-lockfile', '--reporter=append-only', '--loglevel=error']);
  cpSync('scripts/consumer', directory, { recursive: true });
  // The same program as an ES module sees the SDK's other set of types.
  cpSync('scripts/consumer/use.ts', join(directory, 'use-module.mts'));
}

/** Programs that ask for nothing but Node.js itself. */
async function bundle() {
  const common = { absWorkingDir: directory, bundle: true, platform: 'node', logLevel: 'error' };
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  await esbuild({ ...common, entryPoints: ['use.mjs'], format: 'esm', banner, outfile: join(elsewhere, 'esbuild.mjs') });
  await esbuild({ ...common, entryPoints: ['use.cjs'], format: 'cjs', outfile: join(elsewhere, 'esbuild.cjs') });
  await vite({
    root: directory,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: { ssr: 'use.mjs', outDir: elsewhere, emptyOutDir: false, rolldownOptions: { output: { entryFileNames: 'vite.mjs' } } },
  });
  // What runs in a browser must ask for nothing that only Node.js has.
  await esbuild({
    ...common,
    platform: 'browser',
    stdin: { contents: "export * from '@holdfast/trpc/client'; export * from '@holdfast/core/policy';", resolveDir: directory },
    format: 'esm',
    write: false,
  });
  return ['esbuild.mjs', 'esbuild.cjs', 'vite.mjs'];
}

try {
  install();
  for (const node of nodes) {
    // Before 22.13 Node.js says of every ES module that is required that this may change.
    for (const file of ['use.mjs', 'use.cjs']) run(node, ['--disable-warning=ExperimentalWarning', file]);
    console.log(`${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}: ESM and CommonJS`);
  }
  const bundles = await bundle();
  for (const file of bundles) run(process.execPath, [file], elsewhere);
  console.log(`bundled: ${bundles.join(', ')}, and for browsers`);
  for (const [alias, version] of Object.entries(typescripts))
    for (const [config, resolution] of [
      ['tsconfig.json', 'nodenext'],
      ['tsconfig.bundler.json', 'bundler'],
    ]) {
      run(process.execPath, [join('node_modules', alias, 'bin', 'tsc'), '-p', config]);
      console.log(`types: TypeScript ${version}, ${resolution}`);
    }
} finally {
  for (const made of [directory, elsewhere]) rmSync(made, { recursive: true, force: true });
}
