// Calls that share a prompt cache stay together, and come back together.

import type Anthropic from '@anthropic-ai/sdk';
import { seededRandom } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { callOptions } from '../src/index.ts';
import { request } from './world.ts';
import { twoTargets, type TwoTargets } from './two-targets.ts';

/** A conversation's request, with its prefix marked for the cache. */
const conversation = (number: number): Anthropic.MessageCreateParamsNonStreaming => ({
  ...request,
  system: [{ type: 'text', text: 'You are a harbour pilot.', cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: `Tell me about pier ${number}.` }],
});

async function targetOf(
  { clock, client, hold }: TwoTargets,
  body: Anthropic.MessageCreateParamsNonStreaming,
  options = {},
): Promise<string> {
  const message = await clock.until(client.messages.create(body, options));
  return hold.attempts(message)?.attempts.at(-1)?.target as string;
}

const times = async <T>(count: number, each: (index: number) => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  for (let index = 0; index < count; index += 1) results.push(await each(index));
  return results;
};

describe('among weighted targets', () => {
  const weighted = () => twoTargets({ route: 'weighted', random: seededRandom(1) });

  it('a conversation whose prefix is cached stays at one target while it grows, and conversations spread', async () => {
    const two = await weighted();
    const homes = await times(40, async (number) => {
      const body = conversation(number);
      const grown = {
        ...body,
        messages: [
          ...body.messages,
          { role: 'assistant' as const, content: 'It is long.' },
          { role: 'user' as const, content: 'How long?' },
        ],
      };
      const targets = new Set([await targetOf(two, body), await targetOf(two, grown), await targetOf(two, grown)]);
      expect(targets.size).toBe(1);
      return [...targets][0];
    });

    expect(homes.filter((home) => home === 'second').length).toBeGreaterThan(10);
    expect(homes.filter((home) => home === 'primary').length).toBeGreaterThan(10);
    await two.close();
  });

  it('a key of the application’s own holds calls together whose beginnings differ', async () => {
    const two = await weighted();
    const targets = await times(20, (number) =>
      targetOf(two, { ...request, max_tokens: 10 + number }, callOptions({ stickyKey: 'chat 7' })),
    );

    expect(new Set(targets).size).toBe(1);
    await two.close();
  });

  it('what nothing is cached of goes anywhere', async () => {
    const two = await weighted();

    expect(new Set(await times(20, () => targetOf(two, request)))).toEqual(new Set(['primary', 'second']));
    await two.close();
  });

  it('a conversation whose target is ill moves, and comes home when it is well', async () => {
    const two = await weighted();
    const body = conversation(1);
    const home = await targetOf(two, body);
    const { claude } = home === 'primary' ? two.primary : two.second;
    claude.script({ status: 429, headers: { 'retry-after': '30' } });

    const away = await times(3, () => targetOf(two, body));
    expect(new Set(away)).toEqual(new Set([home === 'primary' ? 'second' : 'primary']));
    two.clock.advance(30_000);
    expect(await targetOf(two, body)).toBe(home);
    await two.close();
  });
});

describe('among ordered targets', () => {
  it('each conversation comes back once, but for the probes, while traffic returns', async () => {
    const two = await twoTargets({ random: seededRandom(2), retry: false, breaker: { rampMs: 10_000 } });
    two.primary.claude.always('server-error');
    await times(20, (number) => targetOf(two, conversation(number)));
    two.primary.claude.always(null);
    const closedAt = () => two.events.findIndex((event) => event.type === 'breaker-changed' && event.to === 'closed');
    while (closedAt() === -1) {
      two.clock.advance(100);
      await targetOf(two, conversation(1_000));
    }

    const paths = new Map<number, string[]>();
    for (let round = 0; round < 12; round += 1) {
      await times(50, async (number) => {
        paths.set(number, [...(paths.get(number) ?? []), await targetOf(two, conversation(number))]);
        two.clock.advance(20);
      });
    }

    for (const path of paths.values()) {
      expect(path.at(-1)).toBe('primary');
      expect(path.filter((target, index) => index > 0 && target !== path[index - 1]).length).toBeLessThanOrEqual(1);
    }
    // They did not all come back at once.
    const early = [...paths.values()].filter(([first]) => first === 'primary').length;
    expect(early).toBeGreaterThan(0);
    expect(early).toBeLessThan(30);
    await two.close();
  });
});
