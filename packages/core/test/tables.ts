// Reads the tables of the documentation, so that a page cannot say what is not so.

export interface Cell {
  readonly text: string;
  /** What stands in backticks. */
  readonly words: readonly string[];
}

/** The rows, without the head, of the `number`th table under `heading`, counted from 0. */
export function tableUnder(page: string, heading: string, number: number): Cell[][] {
  const from = page.indexOf(`\n${heading}\n`);
  if (from === -1) throw new Error(`no heading ${heading}`);
  const next = page.slice(from + 1).search(/\n## /);
  const section = next === -1 ? page.slice(from) : page.slice(from, from + 1 + next);
  const tables = section.split(/\n(?!\|)/).flatMap((part) => (part.includes('\n|---') ? [part] : []));
  const lines = (tables[number] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => ({ text: cell.trim(), words: [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string) })),
  );
}
