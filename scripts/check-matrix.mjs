// Runs all tests in a copy of the last commit under other versions of Node.js and of the SDK than the workspace's own, and
// prints one table. Without options: every cell below. `--node 22`, `22.12.0` or `lowest` and `--sdk lowest`, `newest` or a
// version choose one cell; what is not named stays as the workspace has it.

import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values: chosen } = parseArgs({ options: { node: { type: 'string' }, sdk: { type: 'string' } } });
const own = 'locked';
const allCells = [
  { node: 'lowest', sdk: own },
  { node: '22', sdk: own },
  { node: '24', sdk: own },
  { node: '26', sdk: own },
  { node: own, sdk: 'lowest' },
  { node: own, sdk: 'newest' },
];
const cells = chosen.node || chosen.sdk ? [{ node: chosen.node ?? own, sdk: chosen.sdk ?? own }] : allCells;
const patienceMs = 45 * 60_000;

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const byVersion = (a, b) => a.localeCompare(b, 'en', { numeric: true });

/** The published versions that a range allows, oldest first. */
function versionsOf(range) {
  const answer = JSON.parse(execFileSync('npm', ['view', range, 'version', '--json'], { encoding: 'utf8', timeout: 60_000 }));
  return [answer].flat().toSorted(byVersion);
}

function sdkVersion(wanted) {
  if (/^\d/.test(wanted)) return wanted;
  const versions = versionsOf(`@anthropic-ai/sdk@${readJson('packages/core/package.json').peerDependencies['@anthropic-ai/sdk']}`);
  return versions.at(wanted === 'lowest' ? 0 : -1);
}

/** Installs the Node.js binary for this machine from the package that the workspace's own one comes from. */
function installNode(wanted, directory) {
  const platform = process.platform.replace('win32', 'win');
  const name = Object.keys(readJson('package.json').optionalDependencies).find((known) => known.endsWith(`${platform}-${process.arch}`));
  const version =
    wanted === 'lowest' ? versionsOf(`${name}@${readJson('package.json').engines.node}`).at(0) : versionsOf(`${name}@${wanted}`).at(-1);
  mkdirSync(directory);
  writeFileSync(join(directory, 'package.json'), '{ "private": true }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `${name}@${version}`], {
    cwd: directory,
    timeout: 300_000,
  });
  return join(directory, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** A copy of the last commit, with all it needs installed and nothing of what this checkout has lying about. */
function copyOfCommit(directory, sdk) {
  mkdirSync(directory);
  const archive = execFileSync('git', ['archive', '--format=tar', 'HEAD'], { maxBuffer: 512 * 1024 * 1024 });
  execFileSync('tar', ['-x', '-C', directory], { input: archive });
  if (sdk !== own) {
    const file = join(directory, 'pnpm-workspace.yaml');
    const version = sdkVersion(sdk);
    // For the SDKs of the clouds too, which would keep the locked one for themselves.
    const text = readFileSync(file, 'utf8')
      .replace(/^( {2}'@anthropic-ai\/sdk': ).*$/m, `$1${version}`)
      .replace(/^overrides:$/m, `$&\n  '@anthropic-ai/sdk': ${version}`);
    // The newest SDK may be younger than pnpm likes.
    writeFileSync(file, `${text}\nminimumReleaseAge: 0\n`);
  }
  const lockfile = sdk === own ? '--frozen-lockfile' : '--no-frozen-lockfile';
  execFileSync('npx', ['-y', 'pnpm@12', 'install', lockfile], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
}

function runTests(node, directory, log) {
  // pnpm names the folders of the workspace's tools in PATH, its Node.js among them; the wanted one goes first.
  const env = { ...process.env, CI: '1', PATH: [dirname(node), process.env.PATH].join(delimiter) };
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', '--outputFile.json=report.json'];
  return new Promise((done) => {
    const tests = spawn(node, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: patienceMs });
    const out = createWriteStream(log);
    tests.stdout.pipe(out, { end: false });
    tests.stderr.pipe(out, { end: false });
    tests.on('close', (code) => out.end(() => done(code)));
  });
}

function failuresOf(report, directory) {
  return report.testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(directory, name);
    const failed = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => `${file}: ${fullName}`);
    return failed.length === 0 && message ? [`${file}: ${message}`] : failed;
  });
}

async function runCell(cell, root) {
  const home = join(root, `node-${cell.node}-sdk-${cell.sdk}`);
  mkdirSync(home);
  const directory = join(home, 'copy');
  copyOfCommit(directory, cell.sdk);
  const node = cell.node === own ? resolve(directory, 'node_modules/.bin/node') : installNode(cell.node, join(home, 'node'));
  const started = Date.now();
  const code = await runTests(node, directory, join(home, 'tests.log'));
  const seconds = Math.round((Date.now() - started) / 1000);
  const found = {
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    sdk: readJson(join(directory, 'packages/core/node_modules/@anthropic-ai/sdk/package.json')).version,
    seconds,
  };
  try {
    const report = readJson(join(directory, 'report.json'));
    for (const failure of failuresOf(report, directory)) console.error(`Node.js ${found.node}, SDK ${found.sdk}: ${failure}`);
    return { ...found, ok: code === 0, passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests };
  } catch {
    console.error(`Node.js ${found.node}, SDK ${found.sdk}: no report\n${readFileSync(join(home, 'tests.log'), 'utf8').slice(-4000)}`);
    return { ...found, ok: false, passed: 0, failed: 0, skipped: 0 };
  }
}

const asRow = ({ node, sdk, passed, failed, skipped, seconds }) => `| ${[node, sdk, passed, failed, skipped, seconds].join(' | ')} |`;

const root = mkdtempSync(join(tmpdir(), 'holdfast-matrix-'));
const rows = [];
try {
  for (const cell of cells) {
    console.log(`Node.js ${cell.node}, SDK ${cell.sdk} ...`);
    rows.push(await runCell(cell, root));
    console.log(asRow(rows.at(-1)));
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

const day = new Date().toISOString().slice(0, 10);
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
console.log(`\n${day}, commit ${commit}, ${process.platform}-${process.arch}\n`);
console.log('| Node.js | SDK | Tests passed | Failed | Skipped | Seconds |\n|---|---|---|---|---|---|');
for (const row of rows) console.log(asRow(row));
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
