// A program of its own for rows about the end of a process: `node child.ts <bare|held> <what> <url>`. It ends with 0 by itself, or not.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast, type HoldfastOptions } from '@holdfast/core';

const [, , side = '', what = '', baseURL = ''] = process.argv;

const client = (options: HoldfastOptions = {}): Anthropic =>
  new Anthropic({ baseURL, apiKey: 'k', maxRetries: 0, logLevel: 'off', ...(side === 'held' ? { middleware: [holdfast(options)] } : {}) });

const body = { model: 'claude-opus-5-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'x' }] };

/** Tools whose schema is nested so deep that recursion over it ends in a RangeError; written by hand, since JSON.stringify recurses too. */
const deep = (depth: number): never => JSON.parse(`{"p":`.repeat(depth) + '1' + '}'.repeat(depth)) as never;

const programs: Readonly<Record<string, () => Promise<void>>> = {
  'a stream nobody reads': async () => {
    await client().messages.create({ ...body, stream: true });
  },
  'a client that is made and not used': async () => {
    client({ cache: { store: new Map() as never }, probeEveryMs: 1000 });
  },
  'a call, and the end': async () => {
    await client().messages.create(body);
  },
  'a stream, and the end': async () => {
    await client().messages.stream(body).finalMessage();
  },
  'a stream that is left': async () => {
    for await (const event of await client().messages.create({ ...body, stream: true })) if (event.type === 'content_block_start') break;
  },
  'a rejection nobody waits for': async () => {
    const call = client().messages.create({ ...body, model: 'refused' });
    await call.catch(() => {});
  },
  'deep JSON, with a cache': async () => {
    await client({ cache: { store: new Map() as never } })
      .messages.stream({ ...body, tools: [{ name: 'x', input_schema: deep(4000) }] })
      .finalMessage();
  },
  'deep JSON, with checkpoints': async () => {
    await client({ streams: { checkpoints: new Map() as never, checkpointEveryMs: 0 } })
      .messages.stream({ ...body, tools: [{ name: 'x', input_schema: deep(4000) }] })
      .finalMessage();
  },
  'deep JSON': async () => {
    await client()
      .messages.stream({ ...body, tools: [{ name: 'x', input_schema: deep(4000) }] })
      .finalMessage();
  },
};

await programs[what]?.();
