// The SDK's own `timeout`, the caller who leaves, and slow upstreams. Real time: the SDK's limits are.

import type { Situation, Subject, World } from '../situation.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, request } from '../observe.ts';
import { cut, eventReply, healthy, stall, upstream, type Step } from '../upstream.ts';
import { events, message, words } from '../wire.ts';

const silent = () => upstream(() => ({ headless: true, steps: [stall] }));

const slowly =
  (...before: Step[]) =>
  () =>
    upstream((seen) => {
      const reply = healthy(seen);
      return { ...reply, headless: false, steps: [...before, ...reply.steps] };
    });

/** The headers come after `ms`. */
const late = (ms: number) => () =>
  upstream((seen) => {
    const { steps, headers } = healthy(seen);
    const body = (steps as string[]).join('');
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${String(headers?.['content-type'])}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    return { headless: true, framing: 'close', steps: [{ pause: ms }, head, body] };
  });

const leaving =
  (afterMs: number) =>
  async ({ client, surface, signal }: World) => {
    const leaves = new AbortController();
    const timer = setTimeout(() => leaves.abort(), afterMs);
    try {
      return await ask({ client, surface, signal: AbortSignal.any([signal, leaves.signal]) } as World);
    } finally {
      clearTimeout(timer);
    }
  };

const text = (value: string) => ({ ...message(value) });

export const timeouts: Subject = {
  title: 'Time limits and callers who leave',
  situations: [
    ...[5, 20, 100, 400].flatMap((timeout): Situation[] => [
      { name: `timeout ${timeout} ms, nothing comes`, speed: 1, sdk: { timeout, maxRetries: 0 }, upstream: silent, rule: { asks: 4 } },
    ]),
    { name: 'timeout 200 ms, nothing comes, two retries', speed: 1, sdk: { timeout: 200 }, upstream: silent },
    {
      name: 'timeout 200 ms of the call, nothing comes',
      speed: 1,
      upstream: silent,
      call: ({ client, surface, signal }) =>
        client.messages.create({ ...request, stream: surface === 'stream' }, { timeout: 200, maxRetries: 0, signal }),
      rule: { asks: 4 },
    },
    { name: 'timeout 600 ms, headers after 400 ms', speed: 1, sdk: { timeout: 600 }, upstream: late(400) },
    { name: 'timeout 1500 ms, headers after 1200 ms', speed: 1, sdk: { timeout: 1500 }, upstream: late(1200) },
    { name: 'timeout 300 ms, a body that takes longer', speed: 1, sdk: { timeout: 300 }, upstream: slowly({ pause: 700 }) },
    {
      name: 'timeout 300 ms, a stream that takes longer',
      speed: 1,
      surfaces: ['stream', 'helper'],
      sdk: { timeout: 300 },
      upstream: () => upstream(() => eventReply(events().flatMap((event): Step[] => [event, { pause: 80 }]))),
    },
    {
      name: 'gave up at 250 ms, and asks no more after that',
      speed: 1,
      sdk: { timeout: 250, maxRetries: 0 },
      upstream: () => upstream(() => ({ headless: true, steps: [{ pause: 400 }, cut] })),
      call: (world) =>
        ask(world).catch(async (error: unknown) => {
          await sleep(2500);
          throw error;
        }),
      rule: { asks: 4 },
    },
    // 100 times as fast: 2 s are 200 s.
    {
      name: 'an answer after 200 s, the caller allows an hour',
      surfaces: ['create'],
      speed: 100,
      sdk: { timeout: 3_600_000 },
      upstream: late(2000),
    },
    {
      name: 'max_tokens 256, an answer after 200 s, an hour allowed',
      surfaces: ['create'],
      speed: 100,
      sdk: { timeout: 3_600_000 },
      body: { max_tokens: 256 },
      upstream: late(2000),
    },
    {
      name: 'slow after sixty quick ones, an hour allowed',
      surfaces: ['create', 'stream'],
      speed: 100,
      sdk: { timeout: 3_600_000 },
      patienceMs: 15_000,
      upstream: () => upstreamByModel(1000),
      before: async ({ client, surface }) => {
        for (let at = 0; at < 60; at += 1) {
          const quick = { ...request, model: 'claude-haiku-5-5' };
          if (surface === 'create') await client.messages.create(quick);
          else await client.messages.stream(quick).finalMessage();
        }
      },
    },
    {
      name: 'the caller leaves before it begins',
      speed: 1,
      upstream: () => upstream(),
      call: ({ client, surface }) => client.messages.create({ ...request, stream: surface === 'stream' }, { signal: AbortSignal.abort() }),
    },
    { name: 'the caller leaves while nothing comes', speed: 1, upstream: silent, call: leaving(150) },
    {
      name: 'the caller leaves in the middle',
      speed: 1,
      upstream: () =>
        upstream((seen) =>
          seen.streams
            ? eventReply([...events().slice(0, 5), stall])
            : { headers: { 'content-type': 'application/json', 'content-length': '900' }, steps: ['{"type":', stall] },
        ),
      call: leaving(250),
    },
    {
      name: 'the reader stops in the middle',
      surfaces: ['stream'],
      speed: 1,
      upstream: () => upstream(() => eventReply([...events().slice(0, 6), stall])),
      call: async ({ client, signal }) => {
        const stream = await client.messages.create({ ...request, stream: true }, { signal });
        let seen = 0;
        for await (const event of stream) if (event.type === 'content_block_delta' && (seen += 1) === 2) break;
        return text(`${seen} deltas`);
      },
    },
    {
      name: 'stream.abort() of the helper',
      surfaces: ['helper'],
      speed: 1,
      upstream: () => upstream(() => eventReply([...events().slice(0, 6), stall])),
      call: async ({ client, signal }) => {
        const stream = client.messages.stream(request, { signal });
        stream.once('text', () => stream.abort());
        return stream.finalMessage();
      },
    },
    {
      name: 'a slow reader',
      surfaces: ['stream'],
      speed: 100,
      patienceMs: 12_000,
      upstream: () => upstream(),
      call: async ({ client, signal }) => {
        let whole = '';
        for await (const event of await client.messages.create({ ...request, stream: true }, { signal })) {
          // 250 s in Holdfast's time between one event and the next: a slow reader is no stall.
          if (event.type === 'content_block_start') await new Promise((resolve) => setTimeout(resolve, 2500));
          if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') whole += event.delta.text;
        }
        return text(whole);
      },
      rule: { right: words },
    },
  ],
};

const upstreamByModel = (slowMs: number) =>
  upstream((seen) => {
    const reply = healthy(seen);
    if (seen.body?.['model'] === 'claude-haiku-5-5') return reply;
    const body = (reply.steps as string[]).join('');
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${String(reply.headers?.['content-type'])}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    return { headless: true, framing: 'close', steps: [{ pause: slowMs }, head, body] };
  });
