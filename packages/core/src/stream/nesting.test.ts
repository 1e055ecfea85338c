import { expect, it } from 'vitest';
import { isTooDeep } from './nesting.ts';

const nested = (depth: number, inside = ''): string => '{"a":['.repeat(depth / 2) + inside + ']}'.repeat(depth / 2);

it.each([
  ['real nesting', nested(100), false],
  ['as deep as is allowed', nested(500), false],
  ['deeper', nested(502), true],
  ['many values beside each other', JSON.stringify(Array.from({ length: 5_000 }, () => [{}])), false],
  ['brackets in a text', JSON.stringify({ a: '[{'.repeat(5_000) }), false],
  ['brackets behind an escaped quote', JSON.stringify({ a: `"${'['.repeat(5_000)}` }), false],
  [
    'brackets behind escaped quotes and backslashes',
    JSON.stringify({ a: `"\\${'['.repeat(5_000)}`, b: '\\', c: '['.repeat(5_000) }),
    false,
  ],
  ['deep behind a text that ends in a backslash', `{"b":"\\\\","c":${nested(600)}}`, true],
])('%s', (_, json, expected) => {
  expect(() => JSON.parse(json) as unknown).not.toThrow();
  expect(isTooDeep(json)).toBe(expected);
});
