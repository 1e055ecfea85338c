import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { byCode, byHundred, byWords } from './failure-table.ts';

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

    // The SDK has it from 1.14 on.
    known.add('workspace_created_incomplete');
    expect([...byCode.keys()].filter((code) => !known.has(code))).toEqual([]);
  });

  it.each([
    [199, 'upstream-error'],
    [299, 'upstream-error'],
    [300, 'bad-answer'],
    [399, 'bad-answer'],
    [400, 'invalid-request'],
    [498, 'invalid-request'],
    [499, 'invalid-request'],
    [500, 'upstream-error'],
    [999, 'upstream-error'],
  ])('takes a status that it does not know, %d, for %s', (status, kind) => {
    expect(byHundred(status).kind).toBe(kind);
  });

  it.each([
    ['You have reached your specified API usage limits.', 'own_spend_limit'],
    ['You have reached your specified workspace API usage limits.', 'own_spend_limit'],
    ['Prompt is too long: 210000 tokens > 200000 maximum', 'prompt_too_long'],
    ['prompt is too long', 'prompt_too_long'],
    ['input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000', 'prompt_too_long'],
    ['tool_result: prompt is too long', undefined],
    ['tool_result: input length and `max_tokens` exceed context limit', undefined],
    ['tool_result: you have reached your specified API usage limits.', undefined],
    ['You have reached the end.', undefined],
  ])('knows a refusal by how it begins, never by what it quotes: %s', (message, reason) => {
    expect(byWords.find(({ pattern }) => pattern.test(message))?.reason).toBe(reason);
  });
});
