// Reads what a module exports, with its doc comments, from its source. Exports carry their types: `isolatedDeclarations` wants it.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';

const cache = new Map();

function parse(path) {
  const known = cache.get(path);
  if (known) return known;
  const text = readFileSync(path, 'utf8');
  const { program, comments } = parseSync(path, text);
  const isDoc = ({ type, value }) => type === 'Block' && value.startsWith('*');
  const parsed = {
    path,
    text,
    body: program.body,
    docs: new Map(comments.filter(isDoc).map(({ end, value }) => [end, value])),
    remarks: new Map(comments.filter((comment) => !isDoc(comment)).map(({ start, end }) => [end, start])),
  };
  cache.set(path, parsed);
  return parsed;
}

/** The doc comment before a node, as text without its stars; empty without one. */
function docBefore({ text, docs, remarks }, node) {
  const decorators = node.declaration?.decorators ?? node.decorators ?? [];
  let at = Math.min(node.start, ...decorators.map(({ start }) => start));
  const skip = () => {
    while (at > 0 && /\s/.test(text[at - 1])) at -= 1;
  };
  skip();
  // A remark for those who read the source may stand between.
  while (remarks.has(at)) {
    at = remarks.get(at);
    skip();
  }
  return (docs.get(at) ?? '')
    .replace(/^\*/, '')
    .replaceAll(/^[ \t]*\* ?/gm, '')
    .trim();
}

/** Everything `path` exports, in the order of its source. */
export function exportsOf(path) {
  const module = parse(path);
  return module.body.flatMap((node) => {
    if (node.type === 'ExportNamedDeclaration' && node.source)
      return node.specifiers.map(({ local, exported }) => ({
        ...find(resolveFrom(path, node.source.value), local.name),
        name: exported.name,
      }));
    if (node.type === 'ExportNamedDeclaration' && node.declaration) return declarationsIn(module, node);
    return [];
  });
}

const resolveFrom = (path, source) => join(dirname(path), source);

function find(path, name) {
  const module = parse(path);
  for (const node of module.body) {
    if (node.type === 'ExportNamedDeclaration' && node.source) {
      const specifier = node.specifiers.find(({ exported }) => exported.name === name);
      if (specifier) return find(resolveFrom(path, node.source.value), specifier.local.name);
    }
  }
  const found = module.body
    .flatMap((node) => (node.type === 'ExportNamedDeclaration' && !node.declaration ? [] : declarationsIn(module, node)))
    .filter((declaration) => declaration.name === name);
  if (found.length === 0) throw new Error(`${path} does not declare ${name}`);
  return found[0];
}

function declarationsIn(module, node) {
  const declaration = node.type === 'ExportNamedDeclaration' ? node.declaration : node;
  const doc = docBefore(module, node);
  const { text } = module;
  const make = (name, rest) => ({ name, doc, path: module.path, ...rest });
  const cut = (start, end) => text.slice(start, end).trim();
  switch (declaration.type) {
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
      return [
        make(declaration.id.name, {
          kind: 'function',
          code: cut(declaration.start, declaration.body?.start ?? declaration.end).replace(/^async /, ''),
        }),
      ];
    case 'ClassDeclaration':
      return [
        make(declaration.id.name, {
          kind: 'class',
          code: cut(declaration.id.start, declaration.body.start).replace(/^/, 'class '),
          members: declaration.body.body.filter(isPublic).map((member) => memberOf(module, member)),
        }),
      ];
    case 'TSInterfaceDeclaration':
      return [
        make(declaration.id.name, {
          kind: 'interface',
          code: cut(declaration.start, declaration.body.start),
          members: declaration.body.body.map((member) => memberOf(module, member)),
        }),
      ];
    case 'TSTypeAliasDeclaration':
      return [make(declaration.id.name, { kind: 'type', code: cut(declaration.start, declaration.end).replace(/;$/, '') })];
    case 'VariableDeclaration':
      return declaration.declarations.map(({ id, init }) =>
        make(id.name, {
          kind: init?.type === 'ArrowFunctionExpression' ? 'function' : 'constant',
          code: `const ${variable(cut, id, init)}`,
        }),
      );
    default:
      return [];
  }
}

function variable(cut, id, init) {
  if (id.typeAnnotation || init?.type !== 'ArrowFunctionExpression') return cut(id.start, id.end);
  return `${id.name}: ${cut(init.start, init.body.start)
    .replace(/^async /, '')
    .replace(/\)\s*:\s*([^]*?)\s*=>$/, ') => $1')}`;
}

const isPublic = (member) =>
  member.accessibility !== 'private' && member.key?.type !== 'PrivateIdentifier' && member.type !== 'StaticBlock' && !member.computed;

function memberOf(module, member) {
  const { text } = module;
  const doc = docBefore(module, member);
  if (member.type === 'MethodDefinition')
    return {
      name: member.key.name,
      doc,
      code: text.slice(member.key.start, member.value.body?.start ?? member.end).trim(),
      static: member.static,
    };
  const name = member.key?.name ?? member.key?.value ?? '';
  const annotation = member.typeAnnotation?.typeAnnotation;
  const type = annotation && member.type !== 'TSMethodSignature' ? text.slice(annotation.start, annotation.end) : null;
  const optional = member.optional === true;
  const whole = text.slice(member.type === 'TSMethodSignature' ? member.key.start : member.start, member.end).replace(/[;,]$/, '');
  return { name, doc, type, optional, code: whole.trim() };
}
