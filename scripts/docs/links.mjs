// Links lead to a file that is there and to a heading in it, and so do the tests that pages name.

import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { globSync } from 'node:fs';
import { anchorsOf, withoutCode } from './pages.mjs';

export function checkLinks(pages) {
  const problems = [];
  const anchors = new Map([...pages].map(([path, text]) => [path, new Set(anchorsOf(text))]));
  const tests = globSync('{packages,apps,scripts}/**/*.test.{ts,mjs}', { exclude: (name) => name === 'node_modules' || name === 'dist' });
  const names = new Set(tests.map((path) => basename(path)));
  for (const [page, text] of pages) {
    for (const [, target] of withoutCode(text).matchAll(/\]\(([^)\s]+)[^)]*\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file, anchor] = target.split('#');
      const path = file === '' ? page : relative('.', resolve(dirname(page), file));
      if (!existsSync(path)) problems.push(`${page}: the link ${target} leads nowhere`);
      else if (anchor && anchors.has(path) && !anchors.get(path).has(anchor)) problems.push(`${page}: ${path} has no heading #${anchor}`);
    }
    for (const [, path] of text.matchAll(/((?:[\w.-]+\/)*[\w.-]+\.test\.(?:ts|mjs))/g)) {
      const found = path.includes('/') ? existsSync(path) || existsSync(join('packages/core', path)) : names.has(path);
      if (!found) problems.push(`${page}: there is no test ${path}`);
    }
  }
  return problems;
}
