// However many Holdfasts meet in one call, only the outermost repeats it.

import Anthropic from '@anthropic-ai/sdk';
import { fakeClaude } from '@holdfast/testing';
import { expect, it } from 'vitest';
import { holdfast, type HoldfastEvent } from '../src/index.ts';
import { request } from './world.ts';

let calls = 0;
const on = (event: HoldfastEvent): void => {
  if (event.type === 'call-started') calls += 1;
};
const options = { on, random: () => 0, retry: { attempts: 3, baseMs: 0, throttledBaseMs: 0 }, breaker: false, budget: false } as const;

it.each(['two on a client', 'the same on a client and a request', 'one on a target too'])(
  '%s: three requests per target, no more',
  async (how) => {
    calls = 0;
    const claude = await fakeClaude();
    claude.always('overloaded');
    const connection = { baseURL: claude.url, fetch: claude.fetch, apiKey: 'sk-ant-api-test' };
    const inner = holdfast(options);
    const target = new Anthropic({ ...connection, middleware: [holdfast(options)] });
    const outer = holdfast({ ...options, ...(how === 'one on a target too' ? { targets: [{ name: 'second', client: target }] } : {}) });
    const client = new Anthropic({ ...connection, middleware: how === 'two on a client' ? [outer, inner] : [outer] });

    await client.messages.create(request, how === 'the same on a client and a request' ? { middleware: [outer] } : {}).catch(() => {});

    expect(calls).toBe(1);
    expect(claude.requests).toHaveLength(how === 'one on a target too' ? 4 : 3);
    await claude.close();
  },
);

it('calls of one client are looked after one by one', async () => {
  const claude = await fakeClaude();
  const client = new Anthropic({ baseURL: claude.url, fetch: claude.fetch, apiKey: 'sk-ant-api-test', middleware: [holdfast(options)] });
  for (let call = 0; call < 3; call += 1) {
    claude.script('overloaded');
    await client.messages.create(request);
  }

  expect(claude.requests).toHaveLength(6);
  await claude.close();
});
