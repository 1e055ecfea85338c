// Type-checks every TypeScript snippet of the README files and the docs, strictly, and checks that links lead somewhere.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'AGENTS.md',
  ...readdirSync('docs', { recursive: true })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
  ...readdirSync('packages').map((name) => join('packages', name, 'README.md')),
];
let failed = 0;
const snippets = new Map();

for (const page of pages) {
  const text = readFileSync(page, 'utf8');
  for (const [, target] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
    if (/^https?:/.test(target) || existsSync(resolve(dirname(page), target))) continue;
    failed += 1;
    console.error(`${page}: the link ${target} leads nowhere`);
  }
  // A snippet is checked where its package's dependencies are.
  const home = /^packages\/([^/]+)\//.exec(page)?.[1] ?? 'core';
  let number = 0;
  for (const [, code] of text.matchAll(/```ts\n([\s\S]*?)```/g)) {
    number += 1;
    const list = snippets.get(home) ?? [];
    list.push({ name: `${page.replaceAll(/[/.]/g, '-')}-${number}.ts`, code: `${code}\nexport {};\n` });
    snippets.set(home, list);
  }
}

let checked = 0;
for (const [home, list] of snippets) {
  const directory = join('packages', home, '.docs-check');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  try {
    for (const { name, code } of list) writeFileSync(join(directory, name), code);
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../../tsconfig.base.json',
        compilerOptions: {
          noEmit: true,
          experimentalDecorators: true,
          emitDecoratorMetadata: true,
          erasableSyntaxOnly: false,
          declaration: false,
          declarationMap: false,
        },
        include: ['*.ts'],
      }),
    );
    execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', join(directory, 'tsconfig.json')], {
      stdio: 'inherit',
    });
    checked += list.length;
  } catch {
    failed += 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
console.log(`docs: ${checked} snippets compile in ${pages.length} pages, ${failed} failures`);
process.exitCode = failed === 0 ? 0 : 1;
