// What Holdfast adds to a program: bytes of its bundle, and the time to load it, beside the SDK's own. `pnpm check:size` holds them to limits.

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
for (const [name, code, external] of [
  ['the SDK', `export { default } from '@anthropic-ai/sdk';`, ['@opentelemetry/api']],
  ['@holdfast/core', `export { holdfast } from '${core}/dist/index.js';`, peers],
  ['@holdfast/core/policy', `export * from '${core}/dist/policy/index.js';`, peers],
  ['one policy: backoff', `export { backoff } from '${core}/dist/policy/index.js';`, peers],
  ['@holdfast/core/http', `export * from '${core}/dist/http/index.js';`, peers],
] as const) {
  const { minified, gzipped } = await bundled(code, [...external]);
  rows.push([name, kib(minified), kib(gzipped)]);
}
console.log('Bundled by esbuild, without what it needs from others');
console.log(table(['module', 'minified', 'gzipped'], rows));

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
