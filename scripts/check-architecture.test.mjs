import { expect, it } from 'vitest';
import { breaches } from './check-architecture.mjs';

const rows = [
  ['a policy that imports the engine', 'packages/core/src/policy/a.ts', "import { x } from '../engine/attempt.ts';", 1],
  ['a policy that imports the SDK', 'packages/core/src/policy/a.ts', "import Anthropic from '@anthropic-ai/sdk';", 1],
  ['a policy that waits', 'packages/core/src/policy/a.ts', 'export async function f() {}', 1],
  ['stream logic that waits', 'packages/core/src/stream/a.ts', 'const x = await y;', 1],
  ['a comment that speaks of waiting', 'packages/core/src/policy/a.ts', '// async code calls this', 0],
  ['an engine that imports the HTTP boundary', 'packages/core/src/engine/a.ts', "import { relay } from '../http/relay.ts';", 1],
  ['an engine that imports types of the SDK', 'packages/core/src/engine/a.ts', "import type { Middleware } from '@anthropic-ai/sdk';", 0],
  ['an engine that imports the SDK itself', 'packages/core/src/engine/a.ts', "import { Anthropic } from '@anthropic-ai/sdk';", 1],
  ['an adapter that reaches into core', 'packages/express/src/a.ts', "import { x } from '@holdfast/core/engine';", 1],
  ['an adapter that uses what is public', 'packages/express/src/a.ts', "import { x } from '@holdfast/core/http';", 0],
  ['a test server that depends on core', 'packages/testing/src/a.ts', "import { x } from '@holdfast/core';", 1],
  ['a test beside the code', 'packages/core/src/policy/a.test.ts', "import { x } from '../engine/attempt.ts';", 0],
];

it.each(rows)('%s', (_, path, text, count) => {
  expect(breaches([{ path, text }])).toHaveLength(count);
});
