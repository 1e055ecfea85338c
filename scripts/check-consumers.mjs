// Installs the packed packages into an empty project and uses them as strangers do: from ESM, from CommonJS, and through
// TypeScript 5.9, 6 and 7 with strict settings.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const packages = readdirSync('packages');
const directory = mkdtempSync(join(tmpdir(), 'holdfast-consumer-'));
const run = (command, args, cwd = directory) => execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });

try {
  mkdirSync(join(directory, 'tarballs'));
  for (const name of packages) run('pnpm', ['pack', '--pack-destination', join(directory, 'tarballs')], resolve('packages', name));
  const tarballs = readdirSync(join(directory, 'tarballs'));
  const local = Object.fromEntries(
    packages.map((name) => [`@holdfast/${name}`, `file:./tarballs/${tarballs.find((file) => file.startsWith(`holdfast-${name}-`))}`]),
  );
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({
      name: 'consumer',
      private: true,
      dependencies: {
        ...local,
        '@anthropic-ai/sdk': '1.12.0',
        '@types/express': '5.0.6',
        '@types/node': '^24.0.0',
        express: '5.3.0',
        ...(packages.includes('nestjs')
          ? {
              '@nestjs/common': '12.5.1',
              '@nestjs/core': '12.5.1',
              '@nestjs/platform-express': '12.5.1',
              'reflect-metadata': '0.2.2',
              rxjs: '7.8.2',
            }
          : {}),
        ...(packages.includes('trpc') ? { '@trpc/server': '11.25.2', '@trpc/client': '11.25.2' } : {}),
        typescript59: 'npm:typescript@5.9.3',
        typescript60: 'npm:typescript@6.0.3',
        typescript70: 'npm:typescript@7.0.2',
      },
    }),
  );
  writeFileSync(
    join(directory, 'pnpm-workspace.yaml'),
    `packages: []\nminimumReleaseAge: 0\noverrides:\n${Object.entries(local)
      .map(([name, at]) => `  '${name}': '${at}'\n`)
      .join('')}`,
  );
  run('pnpm', ['install', '--ignore-scripts', '--no-frozen-lockfile']);
  cpSync('scripts/consumer', directory, { recursive: true });
  // The same program as an ES module sees the SDK's other set of types.
  cpSync('scripts/consumer/use.ts', join(directory, 'use-module.mts'));
  run(process.execPath, ['use.mjs']);
  run(process.execPath, ['use.cjs']);
  for (const version of ['typescript59', 'typescript60', 'typescript70']) {
    console.log(`types under ${version}`);
    run(process.execPath, [join('node_modules', version, 'bin', 'tsc'), '-p', 'tsconfig.json']);
  }
  console.log('consumers: ESM, CommonJS and three TypeScripts are content');
} finally {
  rmSync(directory, { recursive: true, force: true });
}
