// A bad day in a few hundred calls: everything telemetry has a word for happens at least once, in virtual time.

import Anthropic from '@anthropic-ai/sdk';
import { fakeClaude, faults, VirtualClock, type FakeClaude, type FaultLike } from '@holdfast/testing';
import { callOptions, holdfast, type CheckpointStore, type Holdfast, type HoldfastOptions, type Target } from '../src/index.ts';
import { runInScope } from '../src/http/index.ts';
import { request } from './world.ts';

export interface IncidentOptions {
  /** For every instance of the day: `logger`, `on`. */
  readonly holdfast?: HoldfastOptions;
  /** Added to every request. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly apiKey?: string;
  /** What the upstream says when it refuses. */
  readonly words?: string;
}

/** What callers and operators got to see of the day. */
export interface Incident {
  readonly messages: Anthropic.Message[];
  readonly errors: unknown[];
  readonly holds: Holdfast[];
}

interface Stage {
  readonly clock: VirtualClock;
  readonly primary: FakeClaude;
  readonly second: FakeClaude;
  readonly hold: Holdfast;
  /** Milliseconds before either answers. */
  delayMs: number;
  /** One after the other: whole answers. */
  create(count?: number, more?: Readonly<Record<string, unknown>>): Promise<void>;
  /** One after the other: streams, read to their end. */
  stream(count?: number, more?: Readonly<Record<string, unknown>>): Promise<void>;
  readonly client: Anthropic;
  readonly body: Anthropic.MessageCreateParamsNonStreaming;
  close(): Promise<void>;
}

const quick: HoldfastOptions = { random: () => 0, retry: { baseMs: 0, throttledBaseMs: 0 } };
const lonely: HoldfastOptions = { ...quick, breaker: false, budget: false };

export async function incident(options: IncidentOptions = {}): Promise<Incident> {
  const seen: Incident = { messages: [], errors: [], holds: [] };
  const on = (own: HoldfastOptions, second?: Partial<Target>): Promise<Stage> => stage(options, seen, own, second);
  const speaking = (fault: FaultLike): FaultLike => (options.words ? said(fault, options.words) : fault);

  for (const part of [retries, streams, failover, misfits, ladder, circuit, budget, limits, pace, others]) await part(on, speaking);
  return seen;
}

type Part = (
  on: (own: HoldfastOptions, second?: Partial<Target>) => Promise<Stage>,
  speaking: (fault: FaultLike) => FaultLike,
) => Promise<void>;

const retries: Part = async (on, speaking) => {
  const it = await on(lonely);
  await it.create();
  await it.stream();
  for (const fault of ['overloaded', 'rate-limited', 'truncated', 'reset', 'html-page'] as const) {
    it.primary.script(speaking(fault));
    await it.create();
  }
  it.primary.script('error-first');
  await it.stream();
  it.primary.always(speaking('bad-request'));
  await it.create();
  await it.close();
};

const streams: Part = async (on, speaking) => {
  const broken: CheckpointStore = {
    get: () => undefined,
    set: (_, value) => Promise.reject(new Error(`cannot keep ${value}`)),
    delete: () => undefined,
  };
  const it = await on({ ...lonely, streams: { checkpoints: broken } });
  for (const fault of ['cut-mid-stream', 'silent-end', 'overload-mid-stream', 'stall-mid-stream'] as const) {
    it.primary.script(speaking(fault));
    await it.stream();
  }
  it.primary.answer('tools');
  it.primary.script({ cut: { afterText: 40, how: 'end' } });
  await it.stream();
  it.primary.answer('server-tools');
  it.primary.script({ cut: { afterText: 100_000, how: 'end' } }, { cut: { afterEvents: 30, how: 'reset' } });
  await it.stream(2);
  it.primary.answer('text');
  const left = it.client.messages.stream(it.body);
  left.on('text', () => left.abort());
  await it.clock.until(left.done().catch(() => {}));
  await it.close();
};

const failover: Part = async (on, speaking) => {
  const it = await on(quick, { geo: 'eu' });
  it.primary.script(speaking('unavailable'));
  await it.create();
  it.clock.advance(60_000);
  it.primary.always('unavailable');
  it.primary.script('cut-mid-stream');
  await it.stream();
  await it.close();
  const fenced = await on({ ...lonely, fence: { geo: ['us'] }, primary: { geo: 'us' } }, { geo: 'eu' });
  fenced.primary.script('overloaded');
  await fenced.create();
  await fenced.close();
};

const misfits: Part = async (on, speaking) => {
  const it = await on(lonely, { models: (model) => (model === request.model ? 'other-name' : null) });
  it.second.always(speaking('unknown-model'));
  it.primary.script('overloaded');
  await it.create();
  it.primary.script(speaking('bad-key'));
  await it.create();
  it.primary.script('overloaded');
  await it.create(1, { model: 'claude-nowhere-else-1' });
  await it.close();
};

const ladder: Part = async (on) => {
  const it = await on({
    ...lonely,
    retry: false,
    fallbacks: [{ model: 'claude-haiku-5-5', accept: ({ content }) => content.length > 1 }, 'claude-sonnet-5-5'],
    cache: { store: new Map() },
    answer: () => ({ ...computed }) as never,
  });
  await it.create();
  it.primary.script('overloaded');
  await it.create();
  it.primary.always('overloaded');
  await it.create();
  await it.create(1, { max_tokens: 4000 });
  await it.close();
};

const circuit: Part = async (on, speaking) => {
  const it = await on({ ...quick, budget: false, retry: false });
  it.primary.always(speaking('server-error'));
  await it.create(12);
  it.primary.always(null);
  for (let round = 0; round < 4; round += 1) {
    it.clock.advance(40_000);
    await it.create();
  }
  it.primary.always('overloaded');
  await it.create(12);
  await it.create(12, { speed: 'fast' });
  await it.close();
};

const budget: Part = async (on) => {
  const it = await on({ ...quick, breaker: false, budget: { initial: 1, capacity: 1, ratePerSecond: 0, ratio: 0 } });
  it.primary.always('overloaded');
  await it.create(3);
  it.primary.script('cut-mid-stream');
  await it.stream();
  await it.close();
};

const limits: Part = async (on) => {
  const it = await on({ ...lonely, limits: { deadlineMs: 5_000 } });
  it.primary.always('silent');
  await it.create();
  await it.close();
};

const pace: Part = async (on) => {
  const it = await on(quick, {});
  it.delayMs = 200;
  await it.stream(24);
  it.delayMs = 5_000;
  await it.stream(12);
  await it.close();
};

const others: Part = async (on) => {
  const it = await on(lonely);
  await it.clock.until(it.client.messages.countTokens({ model: it.body.model, messages: it.body.messages }));
  await it.clock.until(it.client.models.list().then(() => {}));
  const leave = new AbortController();
  it.primary.always('silent');
  const left = runInScope({ signal: leave.signal }, () => it.create());
  leave.abort();
  await left;
  it.hold.close();
  await it.create();
  await it.close();
};

const computed = {
  id: 'msg_own',
  type: 'message',
  role: 'assistant',
  model: 'own',
  content: [{ type: 'text', text: 'Please try again later.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 0, output_tokens: 0 },
};

const said = (fault: FaultLike, message: string): FaultLike =>
  typeof fault === 'string' ? { ...named(fault), message } : { ...fault, message };
const named = (name: Extract<FaultLike, string>) => faults[name];

/** Two upstreams and one instance; `second` undefined: the instance does not know the other one. */
async function stage(
  { holdfast: shared, body, apiKey = 'sk-ant-api-test' }: IncidentOptions,
  seen: Incident,
  own: HoldfastOptions,
  second?: Partial<Target>,
): Promise<Stage> {
  const clock = new VirtualClock();
  const primary = await fakeClaude({ target: 'primary' });
  const other = await fakeClaude({ target: 'second' });
  const clientOf = (fake: FakeClaude, hold?: Holdfast): Anthropic =>
    new Anthropic({
      baseURL: fake.url,
      apiKey,
      ...(hold ? { middleware: [hold] } : {}),
      async fetch(url, init) {
        if (it.delayMs > 0) await new Promise<void>((resolve) => void clock.after(it.delayMs, resolve));
        return fake.fetch(url, init);
      },
    });
  const targets = second ? [{ name: 'second', client: clientOf(other), ...second }] : [];
  const hold = holdfast({ clock, targets, ...own, ...shared });
  const client = clientOf(primary, hold);
  const times = async (count: number, call: () => Promise<Anthropic.Message>): Promise<void> => {
    for (let made = 0; made < count; made += 1) {
      await clock.until(
        call().then(
          (message) => void seen.messages.push(message),
          (error: unknown) => void seen.errors.push(error),
        ),
      );
      clock.advance(100);
    }
  };
  const it: Stage = {
    clock,
    primary,
    second: other,
    hold,
    client,
    body: { ...request, ...body },
    delayMs: 0,
    create: (count = 1, more = {}) =>
      times(count, () => client.messages.create({ ...request, ...body, ...more }, callOptions({ tenant: 'acme' }))),
    stream: (count = 1, more = {}) => times(count, () => client.messages.stream({ ...request, ...body, ...more }).finalMessage()),
    async close() {
      await Promise.all([primary.close(), other.close()]);
    },
  };
  seen.holds.push(hold);
  return it;
}
