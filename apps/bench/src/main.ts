// Every number the documentation claims about cost, from one command, one after another in processes of their own.
// Usage: pnpm bench [names…]

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';

const benchmarks: Readonly<Record<string, string>> = {
  calls: 'call-cost.ts',
  pieces: 'call-pieces.ts',
  streams: 'stream-cost.ts',
  sockets: 'stream-sockets.ts',
  healing: 'stream-healing.ts',
  memory: 'stream-memory.ts',
  policies: 'policy-cost.ts',
  size: 'size.ts',
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benchmarks));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${Object.keys(benchmarks).join(', ')}.`);
  process.exit(2);
}

function versionOf(name: string): string {
  const description = readFileSync(join(import.meta.dirname, '../node_modules', name, 'package.json'), 'utf8');
  return `${name} ${(JSON.parse(description) as { version: string }).version}`;
}

console.log(
  `${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'CPU'}`,
);
console.log(['@anthropic-ai/sdk', 'cockatiel', 'opossum', 'ai', '@ai-sdk/anthropic'].map(versionOf).join(', '));

let failed = false;
for (const [name, file] of Object.entries(benchmarks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n# ${name}`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', '--conditions=@holdfast/source', join(import.meta.dirname, file)], {
    stdio: 'inherit',
    timeout: 600_000,
  });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
