// The failures of the demo: what goes wrong, what is done, and what must come of it with Holdfast.

import Anthropic from '@anthropic-ai/sdk';
import { callOptions, type HoldfastOptions } from '@holdfast/core';
import { cut, type FakeClaude } from '@holdfast/testing';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { create, observe, request, stream, type Observed } from './observe.ts';

export interface Stage {
  readonly primary: FakeClaude;
  readonly second: FakeClaude;
}

export interface Row {
  readonly title: string;
  /** Options beyond the defaults; most rows need none. */
  readonly options?: (stage: Stage) => HoldfastOptions;
  readonly prepare: (stage: Stage) => void;
  readonly act: (client: Anthropic, stage: Stage) => Promise<Observed>;
  readonly claim: (after: Observed & { readonly requests: number }) => boolean;
}

const ask = (client: Anthropic): Promise<Observed> => observe((signal) => create(client, signal));
const askStreaming = (client: Anthropic): Promise<Observed> => observe((signal) => stream(client, signal));
const whole = ({ outcome }: Observed): boolean => outcome === 'whole answer';

/** Where there are many calls, some wait for a circuit. */
const crowdPatienceMs = 15_000;

/** `count` calls at once; the outcome is the first one's. */
async function together(client: Anthropic, count: number): Promise<Observed> {
  return observe(async (signal) => {
    const [first] = await Promise.all(Array.from({ length: count }, () => observe(() => create(client, signal), crowdPatienceMs)));
    return first?.outcome ?? 'left';
  }, crowdPatienceMs);
}

/** `count` calls, one after another; the outcome is the last one's. */
async function many(client: Anthropic, count: number): Promise<Observed> {
  return observe(async (signal) => {
    let last: Observed['outcome'] = 'whole answer';
    for (let call = 0; call < count; call += 1) {
      const { outcome } = await observe(() => create(client, signal), crowdPatienceMs);
      last = outcome;
    }
    return last;
  }, crowdPatienceMs);
}

const twoTargets = ({ second }: Stage): HoldfastOptions => ({
  targets: [{ name: 'second', client: new Anthropic({ baseURL: second.url, apiKey: 'second-key' }) }],
});

const cached = new Map<string, string>();

export const rows: readonly Row[] = [
  { title: 'overloaded once (529)', prepare: ({ primary }) => primary.script('overloaded'), act: ask, claim: whole },
  {
    title: '529 for everybody, 20 calls at once',
    prepare: ({ primary }) => primary.always('overloaded'),
    act: (client) => together(client, 20),
    claim: ({ requests, outcome }) => requests <= 22 && outcome !== 'still waiting',
  },
  {
    title: 'retry-after: 86400',
    prepare: ({ primary }) => primary.always('rate-limited-a-day'),
    act: ask,
    claim: ({ outcome, ms }) => outcome === 'error: RateLimitError' && ms < 3_000,
  },
  {
    title: 'spend limit reached (429)',
    prepare: ({ primary }) => primary.always('spend-limit'),
    act: ask,
    claim: ({ requests }) => requests === 1,
  },
  { title: 'connection reset', prepare: ({ primary }) => primary.script('reset'), act: ask, claim: whole },
  {
    title: 'answer cut off (JSON)',
    prepare: ({ primary }) => primary.script(cut({ afterBytes: 400, how: 'reset' })),
    act: ask,
    claim: whole,
  },
  { title: 'a proxy’s HTML page under 200', prepare: ({ primary }) => primary.script('html-page'), act: ask, claim: whole },
  { title: 'first event is an error', prepare: ({ primary }) => primary.script('error-first'), act: askStreaming, claim: whole },
  {
    title: 'outage, 10 calls (circuit opens)',
    prepare: ({ primary }) => primary.always('server-error'),
    act: (client) => many(client, 10),
    claim: ({ outcome, requests }) => outcome === 'error: holdfast_circuit_open' && requests <= 12,
  },
  {
    title: 'the caller leaves during a wait',
    prepare: ({ primary }) => primary.always('unavailable'),
    act: (client, { primary }) =>
      observe(async () => {
        const caller = new AbortController();
        const call = client.messages.create(request, { signal: caller.signal }).then(
          () => 'whole answer' as const,
          (error: unknown) => (error instanceof Anthropic.APIUserAbortError ? ('left' as const) : ('not a message' as const)),
        );
        while (primary.requests.length === 0) await setImmediate();
        await setTimeout(100);
        caller.abort();
        return call;
      }),
    claim: ({ outcome, requests }) => outcome === 'left' && requests === 1,
  },
  { title: 'stream: cut in the middle', prepare: ({ primary }) => primary.script('cut-mid-stream'), act: askStreaming, claim: whole },
  { title: 'stream: silent end', prepare: ({ primary }) => primary.script('silent-end'), act: askStreaming, claim: whole },
  {
    title: 'stream: overload in the middle',
    prepare: ({ primary }) => primary.script('overload-mid-stream'),
    act: askStreaming,
    claim: whole,
  },
  {
    title: 'stream: stalls in the middle',
    options: () => ({ limits: { idleMs: 1_000 } }),
    prepare: ({ primary }) => primary.script('stall-mid-stream'),
    act: askStreaming,
    claim: whole,
  },
  {
    title: 'stream: cut inside a tool call',
    prepare: ({ primary }) => {
      primary.answer('tools');
      primary.script(cut({ afterText: 30, how: 'end' }));
    },
    act: (client) => observe((signal) => stream(client, signal, 'tools')),
    claim: whole,
  },
  {
    title: 'region dies in the middle of an answer',
    options: twoTargets,
    prepare: ({ primary }) => primary.script('cut-mid-stream', 'unavailable', 'unavailable', 'unavailable'),
    act: askStreaming,
    claim: whole,
  },
  {
    title: 'first target rate-limited',
    options: twoTargets,
    prepare: ({ primary }) => primary.always('rate-limited'),
    act: ask,
    claim: ({ outcome, requests }) => outcome === 'whole answer' && requests === 2,
  },
  {
    title: 'everything down, answered before',
    options: (stage) => ({ ...twoTargets(stage), cache: { store: cached }, retry: false }),
    prepare: () => {},
    act: async (client, { primary, second }) => {
      await create(client, AbortSignal.timeout(5_000));
      primary.always('unavailable');
      second.always('unavailable');
      return ask(client);
    },
    claim: ({ outcome }) => outcome === 'degraded: cache',
  },
  {
    title: 'everything down, never answered',
    options: (stage) => ({ ...twoTargets(stage), retry: false }),
    prepare: ({ primary, second }) => {
      primary.always('server-error');
      second.always('server-error');
    },
    act: (client) =>
      observe((signal) => client.messages.create(request, { signal, ...callOptions({ deadlineMs: 2_000 }) }).then(() => 'whole answer')),
    claim: ({ outcome, requests }) => outcome === 'error: InternalServerError' && requests <= 2,
  },
];
