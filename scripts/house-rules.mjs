// Two lint rules of this repository, run by oxlint: who may import whom, and where nothing waits.

import { posix, relative, sep } from 'node:path';

/**
 * For each room of the house: what its files may import at run time, and what beyond that for types only.
 * Names without a scope are rooms of core (`root` is the files directly in src); a trailing `:` or `/` allows all that begins so.
 */
const rooms = [
  { room: 'packages/core/src/wire/', runtime: ['wire', 'time'], types: ['policy', 'telemetry'] },
  { room: 'packages/core/src/policy/', runtime: ['policy', 'wire', 'time'], types: ['stream'] },
  { room: 'packages/core/src/stream/', runtime: ['stream', 'policy', 'wire'], types: ['time'] },
  { room: 'packages/core/src/telemetry/', runtime: ['telemetry', 'time', '@opentelemetry/api'], types: ['policy', 'stream'] },
  {
    room: 'packages/core/src/engine/',
    runtime: ['engine', 'policy', 'stream', 'telemetry', 'wire', 'time', 'root', 'node:'],
    types: ['@anthropic-ai/sdk', '@opentelemetry/api'],
  },
  {
    room: 'packages/core/src/http/',
    runtime: ['http', 'policy', 'telemetry', 'wire', 'time', 'node:'],
    types: ['stream', 'engine', 'root', '@anthropic-ai/sdk'],
  },
  {
    room: 'packages/core/src/',
    runtime: ['root', 'engine', 'policy', 'stream', 'telemetry', 'http', 'wire', 'time', 'node:', '@opentelemetry/api'],
    types: ['@anthropic-ai/sdk'],
  },
  {
    room: 'packages/express/src/',
    runtime: ['own', '@holdfast/core', '@holdfast/core/http', 'express', 'node:'],
    types: ['@anthropic-ai/sdk', 'express-serve-static-core'],
  },
  {
    room: 'packages/nestjs/src/',
    runtime: ['own', '@holdfast/core', '@holdfast/core/http', '@nestjs/', 'rxjs', 'node:'],
    types: ['@anthropic-ai/sdk'],
  },
  {
    room: 'packages/trpc/src/',
    runtime: ['own', '@holdfast/core', '@holdfast/core/http', '@trpc/', 'node:'],
    types: ['@anthropic-ai/sdk'],
  },
  { room: 'packages/testing/src/', runtime: ['own', 'node:', 'vitest'], types: ['@anthropic-ai/sdk'] },
];

/** The one public list of policies that shows an asynchronous class beside the policies it is made of. */
const exceptions = new Set(['packages/core/src/policy/index.ts -> engine']);

const imports = {
  meta: { type: 'problem', docs: { description: 'Each room imports only what it may.' }, schema: [] },
  create(context) {
    const path = pathOf(context);
    const rule = rooms.find(({ room }) => path.startsWith(room));
    if (!rule) return {};
    const check = (node, source, onlyTypes) => {
      if (typeof source?.value !== 'string') return;
      const target = targetOf(path, source.value);
      const allowed = onlyTypes ? [...rule.runtime, ...rule.types] : rule.runtime;
      if (allowed.some((name) => target === name || (/[/:]$/.test(name) && target.startsWith(name)))) return;
      if (exceptions.has(`${path} -> ${target}`)) return;
      const how =
        !onlyTypes && rule.types.includes(target)
          ? 'at run time: import its types only'
          : `here: ${rule.room} may use ${rule.runtime.join(', ')}`;
      context.report({ node, message: `${source.value} (${target}) may not be imported ${how}` });
    };
    const declaration = (node) => check(node, node.source, onlyForTypes(node));
    return {
      ImportDeclaration: declaration,
      ExportNamedDeclaration: declaration,
      ExportAllDeclaration: declaration,
      ImportExpression: (node) => check(node, node.source, false),
      TSImportType: (node) => check(node, node.source, true),
      TSImportEqualsDeclaration: (node) => check(node, node.moduleReference.expression, node.importKind === 'type'),
    };
  },
};

const synchronous = {
  meta: { type: 'problem', docs: { description: 'What decides does not wait: no async, no await, no promises.' }, schema: [] },
  create(context) {
    const report = (node) => context.report({ node, message: 'nothing waits here: policies and stream logic are synchronous' });
    const functions = (node) => node.async && report(node);
    return {
      FunctionDeclaration: functions,
      FunctionExpression: functions,
      ArrowFunctionExpression: functions,
      AwaitExpression: report,
      ForOfStatement: (node) => node.await && report(node),
      Identifier: (node) => /^(?:Promise|PromiseLike|queueMicrotask)$/.test(node.name) && report(node),
    };
  },
};

/** `import { type A }` does not count: it still loads the module at run time. */
const onlyForTypes = (node) => (node.importKind ?? node.exportKind) === 'type';

/** The room of core, the scoped package or the module that `specifier` leads to from the file at `path`. */
function targetOf(path, specifier) {
  if (!specifier.startsWith('.')) return specifier.startsWith('@anthropic-ai/sdk/') ? '@anthropic-ai/sdk' : specifier;
  const target = posix.join(posix.dirname(path), specifier);
  if (!target.startsWith('packages/core/src/')) return target.split('/')[1] === path.split('/')[1] ? 'own' : target;
  const [room, ...rest] = target.slice('packages/core/src/'.length).split('/');
  if (rest.length > 0) return room;
  return room === 'time.ts' ? 'time' : 'root';
}

const pathOf = (context) => relative(context.cwd, context.filename).split(sep).join('/');

export default { meta: { name: 'house' }, rules: { imports, synchronous } };
