// Makes docs/api.md and docs/api/ from the doc comments of everything the packages export. Run by itself it writes them;
// check:docs says when they are not what would be written.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exportsOf } from './declarations.mjs';
import { anchorsOf } from './pages.mjs';

const order = ['core', 'testing', 'express', 'nestjs', 'trpc'];

/** Every entry of every package, by the name users import. */
function entries() {
  return order.flatMap((directory) => {
    const { name, exports } = JSON.parse(readFileSync(join('packages', directory, 'package.json'), 'utf8'));
    return Object.entries(exports)
      .filter(([, targets]) => targets['@holdfast/source'])
      .map(([path, targets]) => ({
        name: name + path.slice(1),
        page: `${directory}${path.slice(1).replace('/', '-')}.md`,
        declarations: exportsOf(join('packages', directory, targets['@holdfast/source'])),
      }))
      .filter(({ declarations }) => declarations.length > 0)
      .map((entry) => ({ ...entry, declarations: [...values(entry.declarations), ...types(entry.declarations)] }));
  });
}

const isType = ({ kind }) => kind === 'interface' || kind === 'type';
const values = (declarations) => declarations.filter((declaration) => !isType(declaration));
const types = (declarations) => declarations.filter(isType);

const made = 'Made from the doc comments by `npx -y pnpm@12 docs:api`; `check:docs` fails when it is out of date.';

function indexPage(all) {
  const sections = all.map(({ name, page, declarations }) => {
    // Names that differ in case only share a slug, so it is taken from the page as it will be.
    const [, ...anchors] = anchorsOf(entryPage({ name, declarations }));
    const linkTo = (declaration) => `[\`${declaration.name}\`](api/${page}#${anchors[declarations.indexOf(declaration)]})`;
    const rows = values(declarations).map((declaration) => `| ${linkTo(declaration)} | ${firstSentence(declaration.doc)} |`);
    const names = types(declarations).map(linkTo);
    return [
      `## ${name}`,
      ...(rows.length > 0 ? [['| Export | What for |', '| --- | --- |', ...rows].join('\n')] : []),
      ...(names.length > 0 ? [`Types: ${names.join(' · ')}`] : []),
    ].join('\n\n');
  });
  return `# API\n\n${made} Every export of every package; each leads to its parameters and members.\n\n${sections.join('\n\n')}\n`;
}

function entryPage({ name, declarations }) {
  const sections = declarations.map(sectionOf);
  return `# ${name}\n\n${made} All packages: [API](../api.md).\n\n${sections.join('\n\n')}\n`;
}

function sectionOf({ name, doc, kind, code, members = [] }) {
  const { text, items } = read(doc);
  const head = members.length > 0 && kind === 'interface' && !/ extends |</.test(code) ? [] : [`\`\`\`typescript\n${code}\n\`\`\``];
  return [
    `## ${name}`,
    ...(text ? [text] : []),
    ...head,
    ...(items.length > 0 ? [items.map((item) => `- ${item}`).join('\n')] : []),
    ...(members.length > 0 ? [membersTable(members)] : []),
  ].join('\n\n');
}

/** A doc comment: its paragraphs, and its tags as items. Examples are left to the chapters. */
function read(doc) {
  const [prose = '', ...rest] = doc.split(/^@(?=\w)/m);
  const items = rest
    .map((part) => /^(\w+)\s*([^]*)$/.exec(part.trim().replaceAll(/\s*\n\s*/g, ' ')))
    .filter(([, tag]) => tag in tags)
    .map(([, tag, said]) => tags[tag](said));
  return { text: paragraphs(prose), items };
}

const tags = {
  param: (said) => said.replace(/^(\w+)\s+-?\s*/, '`$1`: '),
  returns: (said) => `Returns ${said}`,
  throws: (said) => `Throws ${said.replace(/^\{(\w+)\}/, '`$1`')}`,
};

const paragraphs = (prose) =>
  prose
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replaceAll(/\s*\n\s*/g, ' '))
    .join('\n\n');

const firstSentence = (doc) => cell(/^[^]*?[.:](?=\s|$)/.exec(read(doc).text)?.[0].replace(/:$/, '.') ?? read(doc).text);

function membersTable(members) {
  const rows = members.map(({ name, doc, type, optional, code }) => {
    const shown = type ? `\`${name}${optional ? '?' : ''}\`` : `\`${oneLine(code).replace(/ = .*$/, '')}\``;
    const { text, items } = read(doc);
    return `| ${shown.replaceAll('|', '\\|')} | ${type ? `\`${oneLine(type).replaceAll('|', '\\|')}\`` : ''} | ${cell([text, ...items].filter(Boolean).join(' '))} |`;
  });
  return ['| Member | Type | |', '| --- | --- | --- |', ...rows].join('\n');
}

const oneLine = (code) =>
  code
    .replaceAll(/\/\*\*?[^]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
const cell = (text) => text.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/(?<!\\)\|/g, '\\|');

/** Every page there should be, by path. */
function pages() {
  const all = entries();
  return new Map([['docs/api.md', indexPage(all)], ...all.map((entry) => [join('docs/api', entry.page), entryPage(entry)])]);
}

export function checkApi() {
  const wanted = pages();
  const late = [...wanted].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text).map(([path]) => path);
  const surplus = existsSync('docs/api')
    ? readdirSync('docs/api')
        .map((file) => join('docs/api', file))
        .filter((path) => !wanted.has(path))
    : [];
  const silent = entries().flatMap(({ declarations }) => values(declarations).filter(({ doc }) => read(doc).text === ''));
  return [
    ...[...late, ...surplus].map((path) => `${path}: out of date, run pnpm docs:api`),
    ...silent.map(({ path, name }) => `${path}: ${name} is public and does not say what it is for`),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  rmSync('docs/api', { recursive: true, force: true });
  mkdirSync('docs/api');
  for (const [path, text] of pages()) writeFileSync(path, text);
}
