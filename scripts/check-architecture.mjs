// Who may import whom, and where nothing may wait. The rules a linter cannot say.
// Usage: node scripts/check-architecture.mjs [root]

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';

/** For each room: what its files may import at run time and, with `type`, for types only. */
const rooms = [
  { room: 'packages/core/src/policy/', may: ['policy', 'time'], types: ['policy', 'time'], pure: true },
  { room: 'packages/core/src/stream/', may: ['stream', 'policy'], types: ['stream', 'policy', 'time'], pure: true },
  {
    room: 'packages/core/src/telemetry/',
    may: ['telemetry', 'time', '@opentelemetry/api'],
    types: ['telemetry', 'policy', 'time', '@opentelemetry/api'],
  },
  {
    room: 'packages/core/src/engine/',
    may: ['engine', 'policy', 'stream', 'telemetry', 'time', 'root', 'node:'],
    types: ['engine', 'policy', 'stream', 'telemetry', 'time', 'root', '@anthropic-ai/sdk', '@opentelemetry/api'],
  },
  {
    room: 'packages/core/src/http/',
    may: ['http', 'policy', 'stream', 'time', 'node:'],
    types: ['http', 'policy', 'stream', 'telemetry', 'time', '@anthropic-ai/sdk', 'node:'],
  },
  {
    room: 'packages/express/src/',
    may: ['own', '@holdfast/core', 'express', 'node:'],
    types: ['own', '@holdfast/core', 'express', '@anthropic-ai/sdk', 'node:'],
  },
  {
    room: 'packages/nestjs/src/',
    may: ['own', '@holdfast/core', '@nestjs/', '@anthropic-ai/sdk', 'rxjs', 'node:'],
    types: ['own', '@holdfast/core', '@nestjs/', '@anthropic-ai/sdk', 'rxjs', 'node:'],
  },
  {
    room: 'packages/trpc/src/',
    may: ['own', '@holdfast/core', '@trpc/', 'node:'],
    types: ['own', '@holdfast/core', '@trpc/', '@anthropic-ai/sdk', 'node:'],
  },
  {
    room: 'packages/testing/src/',
    may: ['own', 'node:', '@anthropic-ai/sdk', 'vitest'],
    types: ['own', 'node:', '@anthropic-ai/sdk', 'vitest'],
  },
];

/** The one public file that presents an async class beside the policies it is made of. */
const exceptions = new Set(['packages/core/src/policy/index.ts -> engine']);

const importPattern = /^(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const awaiting = /\basync\b|\bawait\b|\bPromise\b/;

/** Every breach of the rules in `files`: a list of `{ path, text }`, paths with forward slashes. */
export function breaches(files) {
  const found = [];
  for (const { path, text } of files) {
    const rule = rooms.find(({ room }) => path.startsWith(room));
    if (!rule || /\.test\.ts$|\/src\/(.*\/)?testing\//.test(path)) continue;
    const at = (index) => `${path}:${text.slice(0, index).split('\n').length}`;
    for (const match of text.matchAll(importPattern)) {
      const onlyTypes = Boolean(match[1]) || /^(?:import|export)\s*\{(?:\s*type\s+[^,}]+,?)+\s*\}/.test(match[0]);
      const kind = kindOf(path, match[2]);
      const allowed = onlyTypes ? rule.types : rule.may;
      if (allowed.some((name) => kind === name || (/[/:]$/.test(name) && kind.startsWith(name)))) continue;
      if (exceptions.has(`${path} -> ${kind}`)) continue;
      found.push(`${at(match.index)}: ${onlyTypes ? 'types of' : ''} ${match[2]} (${kind}) may not be imported here`.replace(':  ', ': '));
    }
    if (rule.pure) {
      for (const [index, line] of text.split('\n').entries()) {
        if (awaiting.test(line.replace(/\/\/.*|\/\*.*|^\s*\*.*/, '')))
          found.push(`${path}:${index + 1}: nothing waits here: policies and stream logic are synchronous`);
      }
    }
  }
  return found;
}

function kindOf(path, specifier) {
  if (!specifier.startsWith('.')) {
    if (specifier.startsWith('@holdfast/core'))
      return specifier === '@holdfast/core' || specifier === '@holdfast/core/http' || specifier === '@holdfast/core/policy'
        ? '@holdfast/core'
        : specifier;
    return specifier.startsWith('@anthropic-ai/sdk') ? '@anthropic-ai/sdk' : specifier;
  }
  const target = posix.join(posix.dirname(path), specifier);
  const [, , , room = '', rest] = target.split('/');
  if (!target.startsWith('packages/core/src/')) return target.split('/')[1] === path.split('/')[1] ? 'own' : target;
  if (rest !== undefined) return room;
  return room === 'time.ts' ? 'time' : 'root';
}

function sources(root) {
  return readdirSync(join(root, 'packages'), { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() &&
        entry.name.endsWith('.ts') &&
        !entry.parentPath.includes('node_modules') &&
        entry.parentPath.includes(`${sep}src`),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(root, file).split(sep).join('/'), text: readFileSync(file, 'utf8') }));
}

if (process.argv[1] === import.meta.filename) {
  const found = breaches(sources(process.argv[2] ?? '.'));
  for (const breach of found) console.error(breach);
  console.log(found.length === 0 ? 'architecture: nobody imports what they may not' : `architecture: ${found.length} breaches`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
