// Two targets without sockets, in virtual time: how long each takes, and how many requests it has at once.

import Anthropic from '@anthropic-ai/sdk';
import { fakeClaude, VirtualClock, type FakeClaude } from '@holdfast/testing';
import { holdfast, type Holdfast, type HoldfastEvent, type HoldfastOptions, type Target } from '../src/index.ts';

/** One of the two, as its upstream is. */
export interface Side {
  readonly claude: FakeClaude;
  /** Milliseconds of virtual time before it answers. */
  delayMs: number;
  /** The most requests it ever had at once. */
  mostAtOnce: number;
}

export interface TwoTargets {
  readonly clock: VirtualClock;
  readonly primary: Side;
  readonly second: Side;
  readonly client: Anthropic;
  readonly hold: Holdfast;
  readonly events: HoldfastEvent[];
  close(): Promise<void>;
}

/** `random: () => 0` makes every wait its shortest. `second`: more about the second target. */
export async function twoTargets(options: HoldfastOptions = {}, second: Partial<Target> = {}): Promise<TwoTargets> {
  const clock = new VirtualClock();
  const sides = await Promise.all(['primary', 'second'].map((target) => side(target)));
  const [one, other] = sides as [Side, Side];
  const events: HoldfastEvent[] = [];
  const hold = holdfast({
    clock,
    random: () => 0,
    retry: { baseMs: 0, throttledBaseMs: 0 },
    targets: [{ name: 'second', client: clientOf(other, clock, 'b'), ...second }],
    on: (event) => events.push(event),
    ...options,
  });
  return {
    clock,
    primary: one,
    second: other,
    client: clientOf(one, clock, 'a', hold),
    hold,
    events,
    close: () => Promise.all(sides.map(({ claude }) => claude.close())).then(() => {}),
  };
}

async function side(target: string): Promise<Side> {
  return { claude: await fakeClaude({ target }), delayMs: 0, mostAtOnce: 0 };
}

function clientOf(at: Side, clock: VirtualClock, apiKey: string, hold?: Holdfast): Anthropic {
  let running = 0;
  const fetch: typeof globalThis.fetch = async (url, init) => {
    running += 1;
    at.mostAtOnce = Math.max(at.mostAtOnce, running);
    try {
      if (at.delayMs > 0) await new Promise<void>((resolve) => clock.after(at.delayMs, resolve));
      return await at.claude.fetch(url, init);
    } finally {
      running -= 1;
    }
  };
  return new Anthropic({ baseURL: at.claude.url, fetch, apiKey, ...(hold ? { middleware: [hold] } : {}) });
}
