// Every TypeScript snippet compiles, strictly. One that is marked "ts run" is run as well, against a fake Claude that is
// overloaded when it is asked first: what the docs advise must survive that.

import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { fakeClaude } from '../../packages/testing/src/index.ts';

/** Pages whose snippets need what only this workspace has; others are checked with their package, or with core. */
const homes = { 'docs/migration.md': 'apps/bench' };
const homeOf = (page) => homes[page] ?? /^packages\/[^/]+/.exec(page)?.[0] ?? 'packages/core';

const patienceMs = 60_000;

export async function checkSnippets(pages) {
  const byHome = Map.groupBy([...pages].flatMap(snippetsOf), ({ home }) => home);
  const problems = [];
  let compiled = 0;
  let ran = 0;
  for (const [home, snippets] of byHome) {
    const directory = join(home, '.docs-check');
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    try {
      for (const { file, code } of snippets) writeFileSync(join(directory, file), code);
      if (!compiles(directory)) problems.push(`${home}: snippets do not compile`);
      compiled += snippets.length;
      for (const snippet of snippets.filter(({ runs }) => runs)) {
        problems.push(...(await run(snippet, directory)));
        ran += 1;
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return { problems, compiled, ran };
}

function snippetsOf([page, text]) {
  return [...text.matchAll(/^```ts( run)?\n([^]*?)^```$/gm)].map(([, runs, code], index) => ({
    home: homeOf(page),
    page,
    file: `${page.replaceAll(/[/.]/g, '-')}-${index + 1}.ts`,
    code: `${code}\nexport {};\n`,
    runs: runs !== undefined,
  }));
}

function compiles(directory) {
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
  try {
    execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', join(directory, 'tsconfig.json')], {
      stdio: 'inherit',
    });
    return true;
  } catch {
    return false;
  }
}

async function run({ page, file, code }, directory) {
  const claude = await fakeClaude();
  claude.script('overloaded');
  // The AI SDK wants the version of the API in its base URL, the other SDKs do not.
  const url = code.includes('@ai-sdk/anthropic') ? `${claude.url}/v1` : claude.url;
  try {
    await promisify(execFile)(process.execPath, ['--conditions=@holdfast/source', file], {
      cwd: directory,
      env: { ...process.env, ANTHROPIC_API_KEY: 'sk-ant-docs', ANTHROPIC_BASE_URL: url },
      timeout: patienceMs,
    });
    // None: the program has a fake of its own.
    return claude.requests.length === 1 ? [`${page}: ${file} did not ask again after the failure`] : [];
  } catch (error) {
    return [`${page}: ${file} fails when it is run: ${error.stderr || error.message}`];
  } finally {
    await claude.close();
  }
}
