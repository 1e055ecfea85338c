// The whole table, as `pnpm no-harm` prints it: no row is red.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

// A process of its own: what nobody handles there is counted, not thrown here.
const run = async (...args: string[]): Promise<{ code: number; out: string }> =>
  promisify(execFile)(process.execPath, ['--conditions=@holdfast/source', main, ...args], { maxBuffer: 64 * 1024 * 1024 }).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? -1,
      out: `${error.stdout ?? ''}${error.stderr ?? ''}`,
    }),
  );

it('is green', { timeout: 300_000 }, async () => {
  const { code, out } = await run('--red');

  // With what is red in the message, where something is.
  expect(out.trim()).toMatch(/^\d+ situations, \d+ rows, \d+ ok, 0 red$/);
  expect(code).toBe(0);
  expect(Number(/^\d+/.exec(out.trim())?.[0])).toBeGreaterThan(700);
});

it('says how to use it', async () => {
  const { code, out } = await run('--help');

  expect(out).toContain('--only <text>');
  expect(code).toBe(0);
});

it('prints a table of 80 columns, of the rows that were asked for', { timeout: 60_000 }, async () => {
  const { out } = await run('--only', 'bad-key, every time');

  expect(out).toContain('FAILURES OF CLAUDE');
  expect(out).toContain('1 situations, 2 rows');
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});
