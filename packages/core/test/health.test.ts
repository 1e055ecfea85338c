// What an instance says of itself, and what a load balancer makes of it: ready as long as somebody gets an answer, and as
// long as only traffic can find out that a target was repaired.

import type Anthropic from '@anthropic-ai/sdk';
import { VirtualClock, type FaultName } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { healthReply } from '../src/http/index.ts';
import type { HoldfastOptions } from '../src/index.ts';
import { request, world, type World } from './world.ts';

const computed = { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Later.' }] } as unknown as Anthropic.Message;
const impatient: HoldfastOptions = { retry: false, breaker: { waitMs: 0 } };

const ready = ({ hold }: World): string => {
  const { status, body } = healthReply('ready', hold);
  return `${status} ${body.status}`;
};

/** Asks until the circuit is open. */
async function fail(it: World): Promise<void> {
  it.claude.always('server-error');
  for (let call = 0; call < 10; call += 1) await it.client.messages.create(request).catch(() => {});
}

describe('an outage of the only target', () => {
  it('takes readiness down while its circuit is open, and no longer', async () => {
    const clock = new VirtualClock();
    const it = await world({ holdfast: { ...impatient, clock } });
    expect(ready(it)).toBe('200 ok');

    await fail(it);
    expect(ready(it)).toBe('503 down');
    // Nobody is sent here meanwhile: it must come back by itself.
    await clock.advanceAsync(60_000);

    expect(ready(it)).not.toContain('503');
    await it.close();
  });

  it.each<[string, HoldfastOptions, string]>([
    ['a cache', { cache: { store: new Map() } }, '200 degraded'],
    ['an answer of its own', { answer: () => computed }, '200 degraded'],
    ['both, and neither allowed', { cache: { store: new Map() }, answer: () => computed, degrade: 'model' }, '503 down'],
    ['an answer that is not allowed', { answer: () => computed, degrade: 'cache' }, '503 down'],
  ])('with %s', async (_, options, expected) => {
    const it = await world({ holdfast: { ...impatient, ...options } });

    await fail(it);

    expect(ready(it)).toBe(expected);
    await it.close();
  });
});

it.each<FaultName>(['spend-limit', 'billing', 'bad-key'])(
  '%s keeps the only target in traffic, so that a repair is found out',
  async (fault) => {
    const it = await world({ holdfast: { ...impatient, clock: new VirtualClock() } });
    it.claude.script(fault);
    await expect(it.client.messages.create(request)).rejects.toThrow();
    expect(it.hold.health().targets).toMatchObject([{ disabledUntil: expect.any(Number) as number }]);

    expect(ready(it)).toBe('200 degraded');
    await it.client.messages.create(request);

    expect(ready(it)).toBe('200 ok');
    await it.close();
  },
);

it('an instance that was closed is down, whatever stands in', async () => {
  const it = await world({ holdfast: { answer: () => computed } });

  it.hold.close();

  expect(ready(it)).toBe('503 down');
  await it.close();
});
