// What Holdfast adds to a program: bytes of its bundle, and the time to load it. Fails when a module has outgrown its limit.

import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { median, table } from './report.ts';

const loads = 25;
const core = join(import.meta.dirname, '../../../packages/core');

async function bundled(code: string, external: string[]): Promise<{ minified: number; gzipped: number }> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    external,
  });
  const bytes = outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: bytes.length, gzipped: gzipSync(bytes).length };
}

/** Milliseconds of a fresh process that does nothing but load `modules`. */
function loadingMs(modules: string[]): number {
  const code = `const started = performance.now(); for (const name of ${JSON.stringify(modules)}) await import(name); console.log(performance.now() - started);`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { cwd: import.meta.dirname, encoding: 'utf8' });
  return Number(stdout);
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
const peers = ['@anthropic-ai/sdk', '@anthropic-ai/sdk/*', '@opentelemetry/api'];
const rows: string[][] = [];
for (const [name, code, external, limit] of [
  ['the SDK', `export { default } from '@anthropic-ai/sdk';`, ['@opentelemetry/api'], Infinity],
  ['@holdfast/core', `export { holdfast } from '${core}/dist/index.js';`, peers, 50],
  ['@holdfast/core/policy', `export * from '${core}/dist/policy/index.js';`, peers, 15],
  ['one policy: backoff', `export { backoff } from '${core}/dist/policy/index.js';`, peers, 1],
  ['@holdfast/core/http', `export * from '${core}/dist/http/index.js';`, peers, 20],
] as const) {
  const { minified, gzipped } = await bundled(code, [...external]);
  rows.push([name, kib(minified), kib(gzipped), Number.isFinite(limit) ? `${limit} KiB` : '']);
  if (gzipped > limit * 1024) {
    console.error(`${name} has outgrown its limit: ${kib(gzipped)} of ${limit} KiB`);
    process.exitCode = 1;
  }
}
console.log('Bundled by esbuild, without what it needs from others');
console.log(table(['module', 'minified', 'gzipped', 'limit'], rows));

const alone: number[] = [];
const added: number[] = [];
for (let i = 0; i < loads; i += 1) {
  const sdk = loadingMs(['@anthropic-ai/sdk']);
  alone.push(sdk);
  added.push(loadingMs(['@anthropic-ai/sdk', `${core}/dist/index.js`]) - sdk);
}
console.log(
  `\nLoading, medians of ${loads} processes: the SDK ${median(alone).toFixed(0)} ms, Holdfast ${median(added).toFixed(0)} ms more`,
);
