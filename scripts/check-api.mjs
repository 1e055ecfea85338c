// Compares what the published packages export with the reports in `api/`, one for each entry point, so that no change of the
// public API goes unnoticed. `--write` accepts the present API. Reads `dist`: build first.

import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const accept = process.argv.includes('--write');
const reports = 'api';
const scratch = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
const fresh = join(scratch, 'reports');
mkdirSync(fresh);

const compilerOptions = {
  target: 'es2023',
  lib: ['es2023', 'dom', 'dom.iterable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  skipLibCheck: true,
};

/** A doc comment that is added or left out changes no API. */
const notesOnComments = /^ *\/\/ \(undocumented\)\n| \(undocumented\)$|^\/\/ \(No @packageDocumentation.*\n\n/gm;

function entryPoints() {
  return readdirSync('packages').flatMap((name) => {
    const folder = resolve('packages', name);
    const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return Object.entries(exports)
      .filter(([, { types }]) => types)
      .map(([path, { types }]) => ({ folder, types: join(folder, types), report: [name, ...path.split('/').slice(1)].join('-') }));
  });
}

function write({ folder, types, report }) {
  const file = `${report}.api.md`;
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: join(folder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions, files: [types] } },
      // Types that are not exported but that exported ones are made of are part of the contract too.
      apiReport: {
        enabled: true,
        reportFolder: fresh,
        reportTempFolder: join(scratch, 'temp'),
        reportFileName: file,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { extractorMessageReporting: { default: { logLevel: 'none' } }, tsdocMessageReporting: { default: { logLevel: 'none' } } },
    },
  });
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = !['error', 'warning'].includes(message.logLevel) || message.messageId.startsWith('console-');
    },
  });
  if (!succeeded) throw new Error(`no report could be made of ${types}`);
  const text = readFileSync(join(fresh, file), 'utf8').replaceAll(notesOnComments, '');
  // API Extractor leaves out what a module declares globally.
  const declarations = readFileSync(types, 'utf8');
  const globals = declarations.includes('declare global') ? `\nThe module itself:\n\n\`\`\`ts\n${declarations}\n\`\`\`\n` : '';
  writeFileSync(join(fresh, file), text + globals);
  return file;
}

try {
  const files = entryPoints().map(write);
  mkdirSync(reports, { recursive: true });
  const { status } = spawnSync('git', ['--no-pager', 'diff', '--no-index', '--exit-code', reports, fresh], { stdio: 'inherit' });
  const changed = status !== 0;
  if (changed && accept) {
    rmSync(reports, { recursive: true });
    cpSync(fresh, reports, { recursive: true });
  }
  const verdict = !changed ? 'as accepted' : accept ? 'changes accepted' : 'changed; if you mean it: pnpm check:api --write';
  console.log(`api: ${files.length} entry points, ${verdict}`);
  process.exitCode = changed && !accept ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
