// Damaged streams through the real SDK: every call ends in a whole message or in an error of the SDK, and nothing is left open.

import Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { holdfast } from '../src/index.ts';
import { cutUp, holds, pieceSizes } from '../src/stream/testing/holds.ts';
import { anyAnswer, framesOf, mutated, mutations } from '../src/stream/testing/mutations.ts';
import { request } from './world.ts';

interface Upstream {
  readonly pieces: readonly Uint8Array[];
  readonly how: 'end' | 'reset';
}

/** A `fetch` that answers with one stream after the other, and tells which bodies nobody has let go of. */
function upstream(streams: readonly Upstream[]): { fetch: typeof globalThis.fetch; held: () => number } {
  let asked = 0;
  const held = new Set<number>();
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const number = asked;
    const { pieces, how } = streams[Math.min(number, streams.length - 1)] as Upstream;
    asked += 1;
    held.add(number);
    let at = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          init?.signal?.addEventListener('abort', () => {
            if (held.delete(number)) controller.error(init.signal?.reason);
          });
        },
        pull(controller) {
          const piece = pieces[at];
          at += 1;
          if (piece) return controller.enqueue(piece);
          held.delete(number);
          if (how === 'end') controller.close();
          else
            controller.error(
              new TypeError('terminated', { cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }) }),
            );
        },
        cancel() {
          held.delete(number);
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { status: 200, headers: { 'content-type': 'text/event-stream', 'request-id': `req_${number}` } });
  };
  return { fetch, held: () => held.size };
}

interface Got {
  readonly content: readonly { readonly type: string; readonly input?: unknown }[];
  readonly stop_reason: string | null;
}

/** The ways to ask. `left`: the reader goes after some events. */
const ways = {
  async stream(client: Anthropic): Promise<Got> {
    return client.messages.stream(request).finalMessage();
  },
  async events(client: Anthropic): Promise<Got> {
    let reason: string | null = null;
    let stopped = false;
    for await (const event of await client.messages.create({ ...request, stream: true })) {
      expect(stopped).toBe(false);
      if (event.type === 'message_delta') reason = event.delta.stop_reason;
      stopped = event.type === 'message_stop';
    }
    // A stream that is cut off must not look like one that is over.
    expect(stopped).toBe(true);
    return { content: [], stop_reason: reason };
  },
  async whole(client: Anthropic): Promise<Got> {
    return client.messages.create({ ...request, max_tokens: 64_000 });
  },
  async left(client: Anthropic): Promise<Got> {
    let seen = 0;
    for await (const _ of await client.messages.create({ ...request, stream: true })) if ((seen += 1) === 3) break;
    return { content: [], stop_reason: 'left' };
  },
} as const;

const unhandled: unknown[] = [];
const note = (reason: unknown): number => unhandled.push(reason);
beforeAll(() => process.on('unhandledRejection', note));
afterAll(() => process.off('unhandledRejection', note));

/** What the event loop has to do before everything that ends has ended. */
async function settled(isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 50 && !isDone(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

holds(
  'a call whose streams are damaged ends in a whole message or an error of the SDK, and lets go of every body',
  fc.asyncProperty(
    anyAnswer,
    anyAnswer,
    fc.array(fc.record({ list: mutations, sizes: pieceSizes, how: fc.constantFrom('end' as const, 'reset' as const) }), {
      minLength: 1,
      maxLength: 3,
    }),
    fc.constantFrom(...(Object.keys(ways) as (keyof typeof ways)[])),
    fc.constantFrom('message' as const, 'block' as const),
    async (answer, other, attempts, way, tools) => {
      const streams = attempts.map(({ list, sizes, how }, number) => ({
        pieces: cutUp(mutated(framesOf(answer, `msg_${number}`, number), list, framesOf(other, 'msg_other', 9)), sizes),
        how,
      }));
      const { fetch, held } = upstream(streams);
      const hold = holdfast({
        random: () => 0,
        retry: { baseMs: 0, throttledBaseMs: 0 },
        breaker: false,
        budget: false,
        streams: { tools },
      });
      const client = new Anthropic({
        baseURL: 'http://fake.invalid',
        apiKey: 'sk-ant-api-test',
        middleware: [hold],
        fetch,
        logLevel: 'off',
      });

      let error: Error | null = null;
      try {
        const { content, stop_reason: reason } = await ways[way](client);
        expect(reason).toBeTypeOf('string');
        for (const block of content) if (block.type === 'tool_use' && reason === 'tool_use') expect(block.input).toBeTypeOf('object');
      } catch (caught) {
        error = caught as Error;
      }
      await settled(() => held() === 0);

      if (error !== null) {
        if (!(error instanceof Anthropic.AnthropicError)) throw error;
        expect(hold.explain(error).kind).toBeTypeOf('string');
      }
      expect(held()).toBe(0);
      expect(unhandled).toEqual([]);
    },
  ),
  120,
);
