// What healing one break costs of our own time: from the byte that breaks the stream to the next text the reader gets, with
// an upstream that answers the second request at once. In process, so that no socket's time is counted.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast, type Clock } from '@holdfast/core';
import { answerEvents, concat } from './stream-wire.ts';
import { median, quantile, table } from './report.ts';

const breaks = 400;
const goalMs = 1;
const encoder = new TextEncoder();

/** The answer so far is of this many deltas, the length of a page or two. */
const lengths = [20, 200, 2_000];

/** Waits that are chosen and not needed take no time. */
const clock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    if (delayMs > 0) return systemAfter(delayMs, callback);
    queueMicrotask(callback);
    return () => {};
  },
};

function systemAfter(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

interface Upstream {
  readonly fetch: typeof fetch;
  /** When the stream broke; 0 before that. */
  readonly at: { broke: number };
}

function upstream(deltas: number): Upstream {
  const events = answerEvents(deltas);
  const at = { broke: 0 };
  const half = Math.floor(events.length / 2);
  return {
    at,
    fetch: async (_url, init) => {
      const messages = (JSON.parse(String(init?.body)) as { messages: { content: unknown }[] }).messages;
      if (messages.length === 1) {
        let sent = false;
        const body = new ReadableStream<Uint8Array>(
          {
            async pull(controller) {
              if (!sent) controller.enqueue(concat(events.slice(0, half)));
              else {
                // The reader is to have read everything before it breaks.
                await new Promise((resolve) => setTimeout(resolve, 5));
                at.broke = performance.now();
                controller.error(new TypeError('terminated'));
              }
              sent = true;
            },
          },
          { highWaterMark: 0 },
        );
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
      }
      const anchor = /<anchor>([^]*)<\/anchor>/.exec(String(messages.at(-1)?.content))?.[1] ?? '';
      const repeat = encoder.encode(
        `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: anchor } })}\n\n`,
      );
      const continuation = [concat([...events.slice(0, 2), repeat, ...events.slice(half, half + 1)]), concat(events.slice(half + 1))];
      return new Response(oneByOne(continuation), { headers: { 'content-type': 'text/event-stream' } });
    },
  };
}

/** The rest is not there yet when the first of it arrives. */
function oneByOne(chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = chunks.shift();
        if (chunk) controller.enqueue(chunk);
        else controller.close();
        await new Promise((resolve) => setImmediate(resolve));
      },
    },
    { highWaterMark: 0 },
  );
}

type Request = Anthropic.MessageCreateParamsStreaming;

const request: Request = { model: 'claude-opus-5-5', max_tokens: 100_000, stream: true, messages: [{ role: 'user', content: 'Go on.' }] };

/** Milliseconds from the break to the next text. */
async function heal(client: Anthropic, at: Upstream['at']): Promise<number> {
  at.broke = 0;
  for await (const event of await client.messages.create(request))
    if (at.broke > 0 && event.type === 'content_block_delta') return performance.now() - at.broke;
  throw new Error('the answer was not healed');
}

/** What a second request takes by itself: milliseconds from asking for the rest to its first text, with the bare SDK. */
async function ask(client: Anthropic, delivered: string): Promise<number> {
  const messages: Request['messages'] = [...request.messages, { role: 'assistant', content: delivered }, { role: 'user', content: goOn }];
  const asked = performance.now();
  for await (const event of await client.messages.create({ ...request, messages }))
    if (event.type === 'content_block_delta') return performance.now() - asked;
  throw new Error('there was no answer');
}

const goOn = `Go on from there. <anchor>${'the last words '.repeat(6)}</anchor>`;
const milliseconds = (value: number): string => value.toFixed(2);

const rows: string[][] = [];
for (const deltas of lengths) {
  const { fetch, at } = upstream(deltas);
  const delivered = 'the tide comes in '.repeat(deltas / 2);
  const bare = new Anthropic({ apiKey: 'bench', fetch });
  // Nothing but breaks would empty the retry budget.
  const held = new Anthropic({ apiKey: 'bench', fetch, middleware: [holdfast({ budget: false, breaker: false, random: () => 0, clock })] });
  const healing: number[] = [];
  const asking: number[] = [];
  for (let i = -50; i < breaks; i += 1) {
    const [healed, asked] = [await heal(held, at), await ask(bare, delivered)];
    if (i < 0) continue;
    healing.push(healed);
    asking.push(asked);
  }
  const own = healing.map((time, i) => time - (asking[i] ?? 0));
  rows.push([
    String(deltas / 2),
    milliseconds(median(healing)),
    milliseconds(median(asking)),
    milliseconds(median(own)),
    milliseconds(quantile(own, 0.95)),
    String(goalMs),
  ]);
}
console.log(`Healing one break, ms from the break to the next text, medians of ${breaks}; Node.js ${process.version}`);
console.log(table(['deltas before', 'healing', 'the request alone', 'own time', '95 %', 'goal'], rows));
