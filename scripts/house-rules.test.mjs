import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const imports = 'house(imports)';
const synchronous = 'house(synchronous)';
const globals = 'eslint(no-restricted-globals)';
const properties = 'eslint(no-restricted-properties)';
const modules = 'eslint(no-restricted-imports)';
const floating = 'typescript(no-floating-promises)';

/** What is tried, where it stands, its source, and the rules that must complain: none, if it is allowed. */
const rows = [
  // Who may import whom.
  ['a policy that imports the engine', 'core/src/policy', "export { x } from '../engine/attempt.ts';", [imports]],
  [
    'a policy that imports the SDK',
    'core/src/policy',
    "import Anthropic from '@anthropic-ai/sdk';\nexport const x = Anthropic;",
    [imports],
  ],
  ['a policy that imports types of the SDK', 'core/src/policy', "export type { Message } from '@anthropic-ai/sdk/resources';", [imports]],
  ['a policy that imports telemetry', 'core/src/policy', "import '../telemetry/log.ts';", [imports]],
  ['a policy that imports the HTTP boundary', 'core/src/policy', "export * from '../http/relay.ts';", [imports]],
  ['a policy that imports the stream', 'core/src/policy', "export { x } from '../stream/seam.ts';", [imports]],
  ['a policy that reads the wire', 'core/src/policy', "export { x } from '../wire/retry-after.ts';", []],
  ['the wire that imports a policy', 'core/src/wire', "export { x } from '../policy/classify.ts';", [imports]],
  ['the wire that reads a clock', 'core/src/wire', 'export const x = Date.now();', [globals]],
  ['a policy that imports types of the stream', 'core/src/policy', "export type { X } from '../stream/seam.ts';", []],
  [
    'a policy that marks only the names as types, which still loads the module',
    'core/src/policy',
    "export { type X } from '../stream/seam.ts';",
    [imports],
  ],
  ['a policy that imports on demand', 'core/src/policy', "export const x = (): unknown => import('../engine/attempt.ts');", [imports]],
  ['a policy that names a type in place', 'core/src/policy', "export type X = import('../engine/attempt.ts').X;", [imports]],
  ['a policy that imports another', 'core/src/policy', "export { x } from './breaker.ts';", []],
  ['a policy in a folder of its own', 'core/src/policy/fixtures', "export { x } from '../../engine/attempt.ts';", [imports]],
  ['stream logic that imports the engine', 'core/src/stream', "export { x } from '../engine/heal.ts';", [imports]],
  ['stream logic that imports telemetry', 'core/src/stream', "export { x } from '../telemetry/log.ts';", [imports]],
  ['stream logic that imports the SDK', 'core/src/stream', "export { x } from '@anthropic-ai/sdk';", [imports]],
  ['stream logic that imports a policy', 'core/src/stream', "export { x } from '../policy/models.ts';", []],
  ['stream logic that reads a clock', 'core/src/stream', "export { systemClock } from '../time.ts';", [imports]],
  ['stream logic that names the type of a clock', 'core/src/stream', "export type { Clock } from '../time.ts';", []],
  ['an engine that imports the HTTP boundary', 'core/src/engine', "export { relay } from '../http/relay.ts';", [imports]],
  ['an engine that imports the SDK', 'core/src/engine', "export { Anthropic } from '@anthropic-ai/sdk';", [imports]],
  ['an engine that imports types of the SDK', 'core/src/engine', "export type { Middleware } from '@anthropic-ai/sdk';", []],
  ['an engine that imports a policy', 'core/src/engine', "export { x } from '../policy/decide.ts';", []],
  ['telemetry that imports the engine', 'core/src/telemetry', "export { x } from '../engine/call.ts';", [imports]],
  ['an HTTP boundary that imports the engine', 'core/src/http', "export { x } from '../engine/call.ts';", [imports]],
  ['an HTTP boundary that imports types of the engine', 'core/src/http', "export type { X } from '../engine/call.ts';", []],
  ['an HTTP boundary that imports a policy', 'core/src/http', "export { x } from '../policy/classify.ts';", []],
  ['a core that loads the SDK', 'core/src', "export { Anthropic } from '@anthropic-ai/sdk';", [imports]],
  ['a core with another dependency', 'core/src', "export { x } from 'lodash';", [imports]],
  ['a core that imports the test server', 'core/src', "export { x } from '@holdfast/testing';", [imports]],
  ['an adapter that reaches into core by name', 'express/src', "export { x } from '@holdfast/core/engine';", [imports]],
  ['an adapter that reaches into core by path', 'trpc/src', "export { x } from '../../core/src/time.ts';", [imports]],
  ['an adapter that imports single policies', 'nestjs/src', "export { x } from '@holdfast/core/policy';", [imports]],
  ['an adapter that uses what is public', 'express/src', "export { x } from '@holdfast/core/http';", []],
  ['an adapter that uses its framework', 'nestjs/src', "export { x } from '@nestjs/common';", []],
  ['an adapter that uses another’s framework', 'trpc/src', "export { x } from 'express';", [imports]],
  ['a test server that depends on core', 'testing/src', "export { x } from '@holdfast/core';", [imports]],
  ['a test server that depends on types of core', 'testing/src', "export type { X } from '@holdfast/core';", [imports]],
  ['a test server that loads the SDK', 'testing/src', "export { x } from '@anthropic-ai/sdk';", [imports]],

  // Where nothing waits.
  ['a policy with an async function', 'core/src/policy', 'export async function f(): Promise<void> {}', [synchronous, synchronous]],
  ['a policy with an async arrow', 'core/src/policy', 'export const f = async () => 1;', [synchronous]],
  ['a policy with an async method', 'core/src/policy', 'export const f = { async g() {} };', [synchronous]],
  ['a policy with an async generator', 'core/src/policy', 'export async function* f() { yield 1; }', [synchronous]],
  ['stream logic that awaits', 'core/src/stream', 'export const x = await y;\ndeclare const y: unknown;', [synchronous]],
  [
    'stream logic that loops and waits',
    'core/src/stream',
    'declare const y: AsyncIterable<1>;\nfor await (const x of y) void x;\nexport const z = 1;',
    [synchronous],
  ],
  ['stream logic with a promise', 'core/src/stream', 'export const x: unknown = Promise.resolve();', [synchronous]],
  ['a comment that speaks of waiting', 'core/src/policy', '// async code calls this; await it\nexport const x = "await";', []],
  ['an engine that waits', 'core/src/engine', 'export async function f(): Promise<void> {}', []],

  // Time and chance.
  ['a policy that reads the clock', 'core/src/policy', 'export const x = Date.now();', [globals]],
  ['an engine that makes a date', 'core/src/engine', 'export const x = new Date();', [globals]],
  ['an engine that reads a fine clock', 'core/src/engine', 'export const x = performance.now();', [globals]],
  ['an engine that reads the process’s clock', 'core/src/engine', 'export const x = process.hrtime();', [properties]],
  ['an engine with a timer', 'core/src/engine', 'export const x = setTimeout(() => 1, 1);', [globals]],
  ['an engine with an interval', 'core/src/engine', 'export const x = setInterval(() => 1, 1);', [globals]],
  ['an engine that yields a turn', 'core/src/engine', 'export const x = setImmediate(() => 1);', [globals]],
  ['an engine with a timer by another name', 'core/src/engine', 'export const x = globalThis.setTimeout(() => 1, 1);', [properties]],
  ['an engine with an imported timer', 'core/src/engine', "export { setTimeout } from 'node:timers/promises';", [modules]],
  ['an engine with a signal that times out', 'core/src/engine', 'export const x = AbortSignal.timeout(1);', [properties]],
  ['a policy that rolls dice', 'core/src/policy', 'export const x = Math.random();', [properties]],
  ['an adapter that makes ids', 'express/src', 'export const x = crypto.randomUUID();', [properties]],
  ['an adapter that imports ids', 'express/src', "import { randomUUID } from 'node:crypto';\nexport const x = randomUUID();", [modules]],
  ['an adapter that hashes', 'express/src', "import { createHash } from 'node:crypto';\nexport const x = createHash('sha256');", []],
  ['a test server that tells the time', 'testing/src', 'export const x = Date.now();', []],

  [
    'a promise nobody waits for',
    'core/src/engine',
    'declare function f(): Promise<void>;\nexport function g(): void {\n  f();\n}',
    [floating],
  ],
];

const root = mkdtempSync(join(tmpdir(), 'house-rules-'));
const pathOf = (index) => join('packages', rows[index][1], `case-${index}.ts`);
const place = (path, text) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
let complaints;

beforeAll(() => {
  copyFileSync('.oxlintrc.json', join(root, '.oxlintrc.json'));
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  place('scripts/house-rules.mjs', readFileSync('scripts/house-rules.mjs'));
  place('tsconfig.json', JSON.stringify({ extends: resolve('tsconfig.base.json'), include: ['packages'] }));
  for (const [index, [, , text]] of rows.entries()) place(pathOf(index), text);
  place(
    'packages/core/src/time.ts',
    'export const now = (): number => Date.now();\nexport const x = Math.random() + Number(crypto.randomUUID());\n',
  );
  place('packages/core/src/engine/egg.ts', "import { hen } from './hen.ts';\nexport const egg = (): unknown => hen;\n");
  place('packages/core/src/engine/hen.ts', "import { egg } from './egg.ts';\nexport const hen = (): unknown => egg;\n");
  place('packages/core/src/policy/any.test.ts', "export { x } from '../engine/attempt.ts';\nexport const y = Date.now();\n");
  complaints = lint();
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The rules that complained, by file. */
function lint() {
  const oxlint = resolve('node_modules/oxlint/bin/oxlint');
  const output = run(process.execPath, [oxlint, '--format', 'json', 'packages']);
  const found = new Map();
  for (const { filename, code } of JSON.parse(output).diagnostics) found.set(filename, [...(found.get(filename) ?? []), code]);
  return found;
}

function run(command, args) {
  try {
    return execFileSync(command, args, { cwd: root, encoding: 'utf8' });
  } catch (error) {
    return error.stdout;
  }
}

describe('the house rules', () => {
  it.each(rows.map(([name, , , rules], index) => [rules.length > 0 ? 'refuse' : 'allow', name, index, rules]))(
    '%s %s',
    (_, __, index, rules) => {
      expect(complaints.get(pathOf(index)) ?? []).toEqual(rules);
    },
  );

  it('let time.ts touch clock and chance', () => {
    expect(complaints.get(join('packages', 'core', 'src', 'time.ts'))).toBeUndefined();
  });

  it('refuse modules that import each other', () => {
    expect(complaints.get(join('packages', 'core', 'src', 'engine', 'hen.ts'))).toEqual(['import(no-cycle)']);
  });

  it('let tests do as they like', () => {
    expect(complaints.get(join('packages', 'core', 'src', 'policy', 'any.test.ts'))).toBeUndefined();
  });
});
