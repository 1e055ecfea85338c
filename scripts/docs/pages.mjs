// The pages that are checked, and what can be read from one.

import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every page of the repository, by path, with its text. */
export function readPages() {
  const inDocs = readdirSync('docs', { recursive: true })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file));
  const inPackages = globSync('packages/*/{README.md,skills/*/SKILL.md}');
  const paths = ['README.md', 'CONTRIBUTING.md', 'AGENTS.md', ...inDocs, ...inPackages].filter((path) => existsSync(path));
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
}

export const withoutCode = (text) => text.replaceAll(/^```[^]*?^```$/gm, '');

/** Headings with their level, in order. */
export const headingsOf = (text) =>
  [...withoutCode(text).matchAll(/^(#+) (.*)$/gm)].map(([, marks, title]) => ({ level: marks.length, title }));

/** The anchors GitHub gives to headings. */
export function anchorsOf(text) {
  const seen = new Map();
  return headingsOf(text).map(({ title }) => {
    const slug = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}

/** The rows of the tables whose first column has this title, as cells. */
export function rowsUnder(text, title) {
  const rows = [];
  let inside = false;
  for (const line of withoutCode(text).split('\n')) {
    if (!line.startsWith('|')) inside = false;
    else {
      const cells = line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim());
      if (inside && !/^:?-+:?$/.test(cells[0])) rows.push(cells);
      if (cells[0] === title) inside = true;
    }
  }
  return rows;
}
