import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { byCode } from './failure-table.ts';

const sdk = dirname(createRequire(import.meta.url).resolve('@anthropic-ai/sdk'));
const read = (path: string): string => readFileSync(join(sdk, path), 'utf8');

/** The names of the error classes that a method of the SDK declares. */
function declaredBy(path: string): Set<string> {
  return new Set([...read(path).matchAll(/@throws \{(\w+)\}/g)].map((match) => match[1] as string));
}

/** Codes by the name of their class, from the SDK's own table. */
function codesByClass(): Map<string, string> {
  return new Map(
    [...read('core/error-classes.js').matchAll(/\['\d{3} (\w+)', \w+\.(\w+)\]/g)].map((match) => [match[2] as string, match[1] as string]),
  );
}

/** The table was written from SDK 1.12: an older one knows fewer codes than it has rows. */
const [, minor = '0'] = (JSON.parse(read('package.json')) as { version: string }).version.split('.');
const older = Number(minor) < 12;

describe('the table of failures', () => {
  it('has a row for every code that the SDK declares for messages', () => {
    const codes = codesByClass();
    const declared = [...declaredBy('resources/messages/messages.d.ts')].map((name) => codes.get(name));

    expect(declared.length).toBeGreaterThan(older ? 20 : 30);
    expect(declared.filter((code) => code === undefined || !byCode.has(code))).toEqual([]);
  });

  it.skipIf(older)('has no row for a code that nobody sends', () => {
    const known = new Set(codesByClass().values());

    expect([...byCode.keys()].filter((code) => !known.has(code))).toEqual([]);
  });
});
