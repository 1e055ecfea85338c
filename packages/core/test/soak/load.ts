// Every kind of call and of trouble at once, on real sockets: the load under which nothing may be left behind.

import Anthropic from '@anthropic-ai/sdk';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeClaude, seededRandom, type FakeClaude, type FaultLike, type RequestRecord } from '@holdfast/testing';
import { runInScope } from '../../src/http/index.ts';
import { callOptions, fileCheckpoints, holdfast, memoryCheckpoints, type CheckpointStore, type Holdfast } from '../../src/index.ts';
import { systemClock, type Clock } from '../../src/time.ts';

const troubles: readonly FaultLike[] = [
  'overloaded',
  { status: 429, headers: { 'retry-after-ms': '20' } },
  'server-error',
  'reset',
  'reset-in-headers',
  'cut-mid-stream',
  'silent-end',
  'overload-mid-stream',
  'error-first',
  'stall-mid-stream',
  'silent',
  'html-page',
  'truncated',
  'empty-body',
  'error-in-ok',
  { delayPerEventMs: 1 },
  { unknownEvents: true, crlf: true, chunking: 7 },
  { cut: { afterBytes: 3, how: 'end' } },
];

const prompts = Array.from({ length: 20 }, (_, i) => `Tell me about harbour ${i}.`);
const tenants = ['acme', 'other', undefined];

interface Asked {
  readonly load: Load;
  readonly number: number;
  readonly random: () => number;
  readonly body: Anthropic.MessageCreateParamsNonStreaming;
  readonly tenant: string | undefined;
}

/** Reads `most` events, then goes. */
async function readSome(stream: AsyncIterable<unknown>, most: number, each?: (seen: number) => unknown): Promise<void> {
  let seen = 0;
  for await (const _ of stream) {
    seen += 1;
    await each?.(seen);
    if (seen >= most) break;
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** What callers do. Errors are theirs to meet; none is a fault of the load. */
const kinds: Readonly<Record<string, (asked: Asked) => Promise<unknown>>> = {
  stream: ({ load, body, tenant }) => load.client.messages.stream(body, load.shared(tenant)).finalMessage(),
  events: async ({ load, body, tenant }) =>
    readSome(await load.client.messages.create({ ...body, stream: true }, load.shared(tenant)), Infinity),
  whole: ({ load, body, tenant }) => load.client.messages.create(body, load.shared(tenant)),
  long: ({ load, body, tenant }) => load.client.messages.create({ ...body, max_tokens: 16_000 }, load.shared(tenant)),
  count: ({ load, body, tenant }) => load.client.messages.countTokens({ model: body.model, messages: body.messages }, load.shared(tenant)),
  scoped: ({ load, body }) =>
    runInScope({ signal: load.scope.signal, tenant: 'acme', deadlineMs: 60_000 }, () => load.client.messages.stream(body).finalMessage()),
  'aborted before': ({ load, body }) => load.client.messages.create(body, { signal: AbortSignal.abort() }),
  'aborted during': async ({ load, body, random }) => {
    const controller = new AbortController();
    const most = 1 + Math.floor(random() * 20);
    const stream = await load.client.messages.create({ ...body, stream: true }, { signal: controller.signal });
    await readSome(stream, Infinity, (seen) => seen === most && controller.abort());
  },
  'aborted soon': async ({ load, body, random }) => {
    const controller = new AbortController();
    const waiting = load.client.messages.stream(body, { signal: controller.signal }).finalMessage();
    setTimeout(() => controller.abort(), random() * 10);
    await waiting;
  },
  'aborted after': async ({ load, body, tenant }) => {
    const controller = new AbortController();
    await load.client.messages.stream(body, { ...load.shared(tenant), signal: controller.signal }).finalMessage();
    controller.abort();
  },
  leaves: async ({ load, body, tenant, random }) =>
    readSome(await load.client.messages.create({ ...body, stream: true }, load.shared(tenant)), 1 + Math.floor(random() * 20)),
  // The SDK lets go of a caller's signal when such a body is collected, and not before: a signal of its own.
  cancels: async ({ load, body }) => {
    const response = await load.client.messages.create({ ...body, stream: true }).asResponse();
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
  },
  slow: async ({ load, body, tenant }) =>
    readSome(await load.client.messages.create({ ...body, stream: true }, load.shared(tenant)), Infinity, (seen) =>
      seen < 20 ? pause() : undefined,
    ),
  deadline: ({ load, body }) =>
    load.client.messages.stream(body, { query: { fault: 'slow' }, ...callOptions({ deadlineMs: 30, degrade: 'never' }) }).finalMessage(),
  'circuit open': ({ load, body }) =>
    load.client.messages.create({ ...body, model: 'claude-opus-4-5' }, { query: { fault: 'overloaded' } }),
  broken: ({ load, body }) =>
    load.client.messages
      .stream(body, { query: { fault: 'silent-end' }, ...callOptions({ tenant: 'acme', streams: { resumes: 0 } }) })
      .finalMessage(),
  // Both targets get a circuit for it.
  'new model': ({ load, body, number }) =>
    load.client.messages.create(
      { ...body, model: `claude-invented-${number}` },
      { ...load.shared('acme'), query: { fault: 'server-error' } },
    ),
  resume: async ({ load }) =>
    (await load.hold.resume(load.broken.at(-1) ?? 'none', { client: load.client, tenant: 'acme' }))?.finalMessage(),
};
const names = Object.keys(kinds);

/** The last so many of something. */
class Last<T> {
  readonly #most: number;
  readonly #items: T[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length > this.#most) this.#items.shift();
  }

  at(index: number): T | undefined {
    return this.#items.at(index);
  }

  count(test: (item: T) => boolean): number {
    return this.#items.filter(test).length;
  }
}

/** A store that forgets, as a cache must. */
class BoundedMap extends Map<string, string> {
  readonly #most: number;

  constructor(most: number) {
    super();
    this.#most = most;
  }

  override set(key: string, value: string): this {
    super.set(key, value);
    if (this.size > this.#most) this.delete(this.keys().next().value as string);
    return this;
  }
}

export interface LoadOptions {
  readonly seed?: number;
  /** Calls at once. Default 64. */
  readonly atOnce?: number;
}

/** Numbers that must not grow, by name. */
export type Readings = Readonly<Record<string, number>>;

export class Load {
  readonly scope: AbortController = new AbortController();
  readonly broken: Last<string> = new Last(400);
  readonly outcomes: Map<string, number> = new Map();
  readonly #server: AbortController = new AbortController();
  readonly #random: () => number;
  readonly #atOnce: number;
  readonly #calls = new Last<string>(5_000);
  readonly #sockets = { client: new Set<Socket>(), server: new Set<Socket>() };
  readonly #answers = new BoundedMap(300);
  readonly #sides: readonly [FakeClaude, FakeClaude];
  readonly #directory: string;
  readonly client: Anthropic;
  readonly hold: Holdfast;
  #timers = 0;
  #rejections = 0;
  #number = 0;

  private constructor(sides: readonly [FakeClaude, FakeClaude], directory: string, { seed = 1, atOnce = 64 }: LoadOptions) {
    this.#sides = sides;
    this.#directory = directory;
    this.#random = seededRandom(seed);
    this.#atOnce = atOnce;
    const [first, second] = sides;
    first.random({ seed, rate: 0.35, faults: troubles });
    second.random({ seed: seed + 1, rate: 0.15, faults: troubles });
    const common = { apiKey: 'sk-ant-api-test', logLevel: 'off' as const };
    this.hold = holdfast({
      clock: this.#clock,
      targets: [{ name: 'second', client: new Anthropic({ ...common, baseURL: second.url }) }],
      retry: { baseMs: 1, throttledBaseMs: 1, capMs: 20, maxRetryAfterMs: 100 },
      budget: { capacity: 1_000, ratePerSecond: 100 },
      breaker: { openMs: 50, maxOpenMs: 200 },
      limits: { firstByteMs: 400, idleMs: 250, adaptive: false, streamLongCalls: true },
      streams: { checkpoints: this.#checkpoints(), checkpointEveryMs: 0 },
      cache: { store: this.#answers },
      on: (event) => {
        if (event.type === 'call-started') this.#calls.add(event.callId);
        if (event.type === 'stream-broke' && event.plan.startsWith('surface')) this.broken.add(event.callId);
      },
    });
    this.client = new Anthropic({ ...common, baseURL: first.url, middleware: [this.hold] });
    subscribe('net.client.socket', this.#onClientSocket);
    subscribe('net.server.socket', this.#onServerSocket);
    process.on('unhandledRejection', this.#onRejection);
  }

  static async open(options: LoadOptions = {}): Promise<Load> {
    const size = 0.15;
    const sides = await Promise.all([fakeClaude({ size, target: 'first' }), fakeClaude({ size, target: 'second' })]);
    return new Load(sides, await mkdtemp(join(tmpdir(), 'holdfast-soak-')), options);
  }

  /** Options of most calls: a signal that lives as long as the server. */
  shared(tenant: string | undefined): Anthropic.RequestOptions {
    return { signal: this.#server.signal, ...callOptions(tenant === undefined ? {} : { tenant }) };
  }

  /** Makes `count` calls of all kinds, and returns when they, and all that they left to be done, have ended. */
  async run(count: number): Promise<void> {
    let left = count;
    const caller = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#call();
      }
    };
    await Promise.all(Array.from({ length: this.#atOnce }, caller));
    await this.#quiet(() => this.#timers === 0 && this.#openRequests() === 0 && this.#sockets.client.size === this.#sockets.server.size);
    // What the fakes remember is not ours, but for what they still wait for.
    for (const { requests } of this.#sides) {
      const open = requests.filter(({ finishedAt }) => finishedAt === null);
      (requests as RequestRecord[]).splice(0, requests.length, ...open);
    }
  }

  async readings(): Promise<Readings> {
    const resources = process.getActiveResourcesInfo();
    return {
      'timers of Holdfast': this.#timers,
      'other timers and handles': resources.filter((name) => !/^(TCP|TTY|Pipe|MessagePort|FSReq)/.test(name)).length,
      'sockets, client': this.#sockets.client.size,
      'sockets, server': this.#sockets.server.size,
      'listeners, callers’ signal': getEventListeners(this.#server.signal, 'abort').length,
      'listeners, scope’s signal': getEventListeners(this.scope.signal, 'abort').length,
      'requests open at the fake': this.#openRequests(),
      'unhandled rejections': this.#rejections,
      'ledgers kept': this.#calls.count((id) => this.hold.attempts(id) !== undefined),
      'partial answers kept': this.broken.count((id) => this.hold.explain(brokenError(id)).partial !== null),
      circuits: Math.max(...this.hold.health().targets.map(({ circuits }) => Object.keys(circuits).length)),
      'checkpoint files': (await readdir(this.#directory)).length,
      'cached answers': this.#answers.size,
    };
  }

  /** Ends the connections that wait for another call: how many there are is chance, and they weigh more than what is measured. */
  async hangUp(): Promise<void> {
    for (const socket of this.#sockets.client) socket.destroy();
    await this.#quiet(() => this.#sockets.client.size + this.#sockets.server.size === 0);
  }

  /** Ends everything; what is left then will never go. */
  async close(): Promise<Readings> {
    this.hold.close();
    await Promise.all(this.#sides.map((side) => side.close()));
    await this.#quiet(() => this.#sockets.client.size + this.#sockets.server.size + this.#timers === 0);
    const readings = await this.readings();
    process.off('unhandledRejection', this.#onRejection);
    unsubscribe('net.client.socket', this.#onClientSocket);
    unsubscribe('net.server.socket', this.#onServerSocket);
    await rm(this.#directory, { recursive: true, force: true });
    return readings;
  }

  async #call(): Promise<void> {
    const number = (this.#number += 1);
    const name = names[number % names.length] as string;
    const random = this.#random;
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const body: Anthropic.MessageCreateParamsNonStreaming = {
      model: pick(['claude-opus-5-5', 'claude-haiku-5-5']),
      max_tokens: 1_024,
      messages: [{ role: 'user', content: pick(prompts) }],
    };
    let end = 'answered';
    try {
      await kinds[name]?.({ load: this, number, random, body, tenant: pick(tenants) });
    } catch (error) {
      end = this.hold.explain(error).kind;
    }
    const label = `${name}: ${end}`;
    this.outcomes.set(label, (this.outcomes.get(label) ?? 0) + 1);
  }

  #openRequests(): number {
    return this.#sides.flatMap(({ requests }) => requests).filter(({ finishedAt }) => finishedAt === null).length;
  }

  /** Everything that ends by itself has ended, or it never will. Once is chance: a connection may wait to be accepted. */
  async #quiet(isQuiet: () => boolean): Promise<void> {
    let inRow = 0;
    for (let turn = 0; turn < 1_000 && inRow < 3; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      inRow = isQuiet() ? inRow + 1 : 0;
    }
  }

  /** Half of the checkpoints in memory, half in files. */
  #checkpoints(): CheckpointStore {
    const stores = [memoryCheckpoints({ maxEntries: 50 }), fileCheckpoints({ directory: this.#directory, maxFiles: 50 })];
    const of = (key: string): CheckpointStore => stores[key.charCodeAt(key.length - 3) % 2] as CheckpointStore;
    return { get: (key) => of(key).get(key), set: (key, value) => of(key).set(key, value), delete: (key) => of(key).delete(key) };
  }

  readonly #clock: Clock = {
    now: () => systemClock.now(),
    after: (delayMs, callback) => {
      this.#timers += 1;
      let isPending = true;
      const settle = (): void => {
        if (isPending) this.#timers -= 1;
        isPending = false;
      };
      const cancel = systemClock.after(delayMs, () => {
        settle();
        callback();
      });
      return () => {
        settle();
        cancel();
      };
    },
  };

  #onClientSocket = (message: unknown): void => follow(this.#sockets.client, message);
  #onServerSocket = (message: unknown): void => follow(this.#sockets.server, message);
  #onRejection = (): void => {
    this.#rejections += 1;
  };
}

function follow(sockets: Set<Socket>, message: unknown): void {
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}

/** An error as `explain` knows it, for a call whose own is long gone. */
const brokenError = (callId: string): unknown => ({ error: { error: { details: { call_id: callId } } } });

/** Nobody publishes where the channel is not there: then the counts would be zero for ever. */
if (!channel('net.client.socket')) throw new Error('this Node.js does not tell of its sockets');
