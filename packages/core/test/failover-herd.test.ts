// A thousand callers at once, and a first target that dies and comes back: nobody is trampled.

import type Anthropic from '@anthropic-ai/sdk';
import { seededRandom } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { callOptions, type HoldfastEvent } from '../src/index.ts';
import { request } from './world.ts';
import { twoTargets, type TwoTargets } from './two-targets.ts';

const callers = 1_000;

/** One call of each caller, all at once; returns the target that answered each, null for an error. */
async function all({ clock, client, hold }: TwoTargets): Promise<(string | null)[]> {
  const answers = Array.from({ length: callers }, (_, caller) =>
    client.messages.create(request, callOptions({ stickyKey: `caller ${caller}` })).then(
      (message: Anthropic.Message) => hold.attempts(message)?.attempts.at(-1)?.target ?? null,
      () => null,
    ),
  );
  return clock.until(Promise.all(answers));
}

const count = (answers: readonly (string | null)[], target: string): number => answers.filter((each) => each === target).length;
const states = (events: readonly HoldfastEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'breaker-changed' && event.target === 'primary' ? [event.to] : []));

describe('1,000 callers', () => {
  it('whose first target dies under them send one request each to the second, and come back once', async () => {
    const two = await twoTargets({ random: seededRandom(4), retry: {} });
    two.primary.delayMs = 300;
    two.second.delayMs = 300;
    two.primary.claude.always('server-error');

    expect(count(await all(two), 'second')).toBe(callers);
    expect(two.primary.claude.requests).toHaveLength(callers);
    expect(two.second.claude.requests).toHaveLength(callers);

    // Down: every round asks the first target no more than its probe.
    two.primary.mostAtOnce = 0;
    for (let round = 0; round < 6; round += 1) {
      const sent = two.primary.claude.requests.length;
      expect(count(await all(two), 'second')).toBe(callers);
      expect(two.primary.claude.requests.length - sent).toBeLessThanOrEqual(1);
      two.clock.advance(1_000);
    }
    expect(two.primary.mostAtOnce).toBe(1);
    expect(two.second.claude.requests).toHaveLength(7 * callers);
    expect(two.second.mostAtOnce).toBe(callers);

    // Well again: probes one at a time, then conversation by conversation.
    two.primary.claude.always(null);
    const paths: (string | null)[][] = [];
    const shares: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const wasClosed = states(two.events).at(-1) === 'closed';
      two.primary.mostAtOnce = 0;
      const answers = await all(two);
      expect(answers).not.toContain(null);
      if (wasClosed) paths.push(answers);
      else expect(two.primary.mostAtOnce).toBeLessThanOrEqual(1);
      shares.push(count(answers, 'primary') / callers);
      two.clock.advance(100);
    }
    for (let caller = 0; caller < callers; caller += 1) {
      const path = paths.map((answers) => answers[caller]);
      expect(path.filter((target, index) => index > 0 && target !== path[index - 1]).length).toBeLessThanOrEqual(1);
    }
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(shares.find((share) => share > 0.01)).toBeLessThan(0.6);
    expect(states(two.events).filter((state) => state === 'closed')).toHaveLength(1);
    await two.close();
  });

  it('whose second target cannot take them all do not storm it with retries', async () => {
    const two = await twoTargets({ random: seededRandom(5), retry: {} });
    two.primary.claude.always('server-error');
    two.second.claude.always('rate-limited');

    await all(two);
    expect(two.primary.claude.requests.length + two.second.claude.requests.length).toBeLessThanOrEqual(2.1 * callers);
    await two.close();
  });
});
