// `pnpm trace:files`: which files of ours a healthy call enters, and a failover. Counted by the engine's own coverage.

import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { fakeClaude } from '@holdfast/testing';

/** As many as a reader can keep in mind. A stream has none: what heals it watches it. */
const goals: Readonly<Record<string, number>> = { 'a healthy call': 20, 'a failover': 28 };

const source = fileURLToPath(new URL('../../../packages/core/src/', import.meta.url));
const request = { model: 'claude-opus-5-5', max_tokens: 256, messages: [{ role: 'user' as const, content: 'Hi' }] };

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** Files with at least one function that ran since the last time, the evaluation of modules apart. */
async function entered(): Promise<string[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .filter(({ url }) => url.startsWith('file:') && fileURLToPath(url).startsWith(source))
    .filter(({ functions }) => functions.some(({ ranges: [range] }) => range && range.startOffset > 0 && range.count > 0))
    .map(({ url }) => fileURLToPath(url).slice(source.length))
    .sort();
}

const first = await fakeClaude({ size: 0.1 });
const second = await fakeClaude({ size: 0.1 });
const hold = holdfast({
  targets: [{ name: 'second', client: new Anthropic({ baseURL: second.url, apiKey: 'k2' }) }],
});
const alone = new Anthropic({ baseURL: first.url, apiKey: 'k', middleware: [holdfast()] });
const both = new Anthropic({ baseURL: first.url, apiKey: 'k', middleware: [hold] });

const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  'a healthy call': () => alone.messages.create(request),
  'a healthy stream': async () => {
    for await (const _ of await alone.messages.create({ ...request, stream: true }));
  },
  'a failover': () => {
    first.script('overloaded');
    return both.messages.create(request);
  },
};

let over = 0;
for (const [name, call] of Object.entries(calls)) {
  await call();
  await entered();
  await call();
  const files = await entered();
  const goal = goals[name] ?? Infinity;
  if (files.length > goal) over += 1;
  console.log(
    `${name}: ${files.length} files of core${goal === Infinity ? '' : `, at most ${goal}`}${files.length > goal ? ': TOO MANY' : ''}`,
  );
  console.log(files.map((file) => `  ${file}`).join('\n'));
}
await first.close();
await second.close();
process.exit(over > 0 ? 1 : 0);
