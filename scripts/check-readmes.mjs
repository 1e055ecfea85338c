// Does what the README of each adapter says, in an empty project, with the packed packages: install that line, save that
// program, start it, and ask it things while Claude fails.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = mkdtempSync(join(tmpdir(), 'holdfast-readmes-'));
const patienceMs = 60_000;

/** What somebody who reads the README has already: the framework, and a compiler. */
const nest = (version) => ({
  '@nestjs/common': version,
  '@nestjs/core': version,
  '@nestjs/platform-express': version,
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
});
const projects = [
  { name: 'express', has: { '@types/express': '5.0.6' }, ask: overHttp },
  { name: 'nestjs', title: 'NestJS 12', has: nest('^12.0.0'), ask: overHttp },
  { name: 'nestjs', title: 'NestJS 11', has: { ...nest('^11.0.0'), '@types/express': '5.0.6' }, edit: forNest11, ask: overHttp },
  { name: 'trpc', has: { '@trpc/client': '^11.0.0', zod: '^4.0.0' }, ask: overTrpc },
];

const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });

function pack() {
  const directory = join(root, 'tarballs');
  mkdirSync(directory);
  for (const name of readdirSync('packages')) run('pnpm', ['pack', '--pack-destination', directory], resolve('packages', name));
  return Object.fromEntries(
    readdirSync(directory).map((file) => [`@holdfast/${/^holdfast-([a-z]+)-/.exec(file)?.[1]}`, `file:${join(directory, file)}`]),
  );
}

/** The install line and the program of a README. */
function instructions(name) {
  const text = readFileSync(join('packages', name, 'README.md'), 'utf8');
  const [, line] = /```sh\nnpm install (.*)\n```/.exec(text) ?? [];
  const [, program] = /```ts\n([^]*?)```/.exec(text) ?? [];
  assert.ok(line && program, `the README of ${name} has an install line and a program`);
  return { install: line.split(' '), program };
}

/** What the README's table says for Nest 11, which returns no web Response. */
function forNest11(program) {
  return program
    .replace('claudeResponse, ', '')
    .replace('InjectClaude }', 'InjectClaude, sendStream }')
    .replace(
      "import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';",
      "import { Body, Controller, HttpCode, Module, Post, Res } from '@nestjs/common';\nimport type { Response } from 'express';",
    )
    .replace('chat(@Body()', 'chat(@Res() res: Response, @Body()')
    .replace('claudeResponse(', 'sendStream(res, ');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function prepare({ name, title = name, has, edit = (text) => text }, tarballs, port) {
  const directory = join(root, title.replace(' ', '-'));
  mkdirSync(directory);
  const { install, program } = instructions(name);
  const wanted = Object.fromEntries(install.map((dependency) => [dependency, tarballs[dependency] ?? 'latest']));
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({
      name: 'stranger',
      private: true,
      type: 'module',
      dependencies: {
        ...has,
        ...wanted,
        '@holdfast/testing': tarballs['@holdfast/testing'],
        '@types/node': '^24.0.0',
        typescript: '6.0.3',
      },
    }),
  );
  writeFileSync(
    join(directory, 'pnpm-workspace.yaml'),
    `packages: []\nminimumReleaseAge: 0\noverrides:\n${Object.entries(tarballs)
      .map(([dependency, at]) => `  '${dependency}': '${at}'\n`)
      .join('')}`,
  );
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        target: 'es2023',
        module: 'nodenext',
        types: ['node'],
        skipLibCheck: true,
        experimentalDecorators: true,
      },
      files: ['main.ts'],
    }),
  );
  writeFileSync(join(directory, 'main.ts'), edit(program).replace('3000', String(port)));
  run('pnpm', ['install', '--ignore-scripts', '--no-frozen-lockfile'], directory);
  run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc')], directory);
  return directory;
}

const post = (url, body) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(patienceMs),
  });

/** The text of a streamed answer, or the problem of a refused one. */
async function overHttp(url) {
  const response = await post(`${url}/chat`, { messages: [{ role: 'user', content: 'Tell me about the harbour.' }] });
  if (!response.ok) {
    const { code } = await response.json();
    return { status: response.status, kind: code, retryAfter: response.headers.get('retry-after') };
  }
  const events = [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data));
  return { text: events.map(({ delta }) => delta?.text ?? '').join('') };
}

async function overTrpc(url) {
  const response = await post(`${url}/summary`, { text: 'Tell me about the harbour.' });
  const { result, error } = await response.json();
  if (error) return { status: response.status, kind: error.data.claude.kind, retryAfter: response.headers.get('retry-after') };
  const operationId = crypto.randomUUID();
  assert.equal((await post(`${url}/ask`, { text: 'Tell me about the harbour.', operationId })).status, 200);
  const stream = await fetch(`${url}/answer?input=${encodeURIComponent(JSON.stringify({ operationId }))}`, {
    headers: { accept: 'text/event-stream' },
    signal: AbortSignal.timeout(patienceMs),
  });
  const events = [...(await stream.text()).matchAll(/^data: (\{"type".*)$/gm)].map(([, data]) => JSON.parse(data));
  const streamed = events.map(({ text }) => text ?? '').join('');
  assert.equal(streamed, result.data[0].text, 'the stream says what the call says');
  return { text: streamed };
}

async function listening(url, app) {
  for (const until = Date.now() + patienceMs; Date.now() < until;) {
    assert.equal(app.exitCode, null, 'the program runs');
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail('the program does not listen');
}

async function check(project, tarballs) {
  const port = await freePort();
  const directory = prepare(project, tarballs, port);
  const testing = await import(pathToFileURL(join(directory, 'node_modules/@holdfast/testing/dist/index.js')).href);
  const claude = await testing.fakeClaude();
  const whole = testing.referenceAnswer('text').content[0].text;
  const app = spawn(process.execPath, ['main.js'], {
    cwd: directory,
    env: { ...process.env, ANTHROPIC_API_KEY: 'sk-ant-stranger', ANTHROPIC_BASE_URL: claude.url },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(app, 'exit');
  const giveUp = setTimeout(() => app.kill('SIGKILL'), 3 * patienceMs);
  try {
    const url = `http://127.0.0.1:${port}`;
    await listening(url, app);
    for (const fault of [null, 'overloaded', testing.cut({ afterText: 200, how: 'reset' })]) {
      claude.script(fault);
      assert.deepEqual(await project.ask(url), { text: whole }, `whole with ${JSON.stringify(fault)}`);
    }
    claude.always('bad-key');
    const refused = await project.ask(url);
    assert.equal(refused.kind, 'upstream-auth');
    assert.equal(refused.status, 502);
    app.kill('SIGTERM');
    const [code, signal] = await exited;
    // Nest sends itself the signal again when its hooks have run; tRPC's standalone server is taken down by whoever starts it.
    assert.ok(code === 0 || signal === 'SIGTERM', `ends well on SIGTERM: ${code ?? signal}`);
    console.log(`${project.title ?? project.name}: its README works, word by word`);
  } finally {
    clearTimeout(giveUp);
    app.kill('SIGKILL');
    await claude.close();
  }
}

try {
  const tarballs = pack();
  const asked = process.argv.slice(2);
  for (const project of projects) if (asked.length === 0 || asked.includes(project.name)) await check(project, tarballs);
} finally {
  rmSync(root, { recursive: true, force: true });
}
