// What a stream costs, and one ten times as long: `node cost.ts <bare|held> <what>` prints the CPU milliseconds of both.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { blockStart, blockStop, end, events, json, ping, start, stop, text, textStart } from '../wire.ts';

const [, , side = '', what = ''] = process.argv;

const inPieces = (whole: string): string[] => whole.match(/[\s\S]{1,400}/g) ?? [];
const written = (whole: string): string[] => inPieces(whole).map((piece) => text(piece));

/** The streams that the requests of one call get, one after another; how many of them are cut; and how long the long ones are. */
const programs: Readonly<Record<string, { size: number; cuts?: number; streams: (size: number) => string[][] }>> = {
  pings: { size: 5000, streams: (size) => [[...Array.from({ length: size }, () => ping), ...events()]] },
  text: { size: 2_000_000, streams: (size) => [[start(), textStart(), ...written('word '.repeat(size / 5)), blockStop(), end(), stop]] },
  tool: {
    size: 2_000_000,
    streams: (size) => [
      [
        start(),
        blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'x', input: {} }),
        json('{"a":"'),
        ...inPieces('word '.repeat(size / 5)).map((piece) => json(piece)),
        json('"}'),
        blockStop(),
        end('tool_use'),
        stop,
      ],
    ],
  },
  seam: {
    size: 100_000,
    cuts: 1,
    streams: (size) => [
      [start(), textStart(), ...written(`${'a'.repeat(size)}b`)],
      [start(), textStart(), ...written('a'.repeat(size)), blockStop(), end(), stop],
    ],
  },
};

const encoder = new TextEncoder();

/** A fetch that answers with these streams, of which the first ones are cut. */
function fetchOf(streams: readonly string[][], cuts: number): typeof fetch {
  let asked = 0;
  return async () => {
    const pieces = streams[Math.min(asked, streams.length - 1)] ?? [];
    const breaks = (asked += 1) <= cuts;
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at < pieces.length) controller.enqueue(encoder.encode(pieces[at++]));
        else if (breaks) controller.error(new TypeError('terminated'));
        else controller.close();
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
}

async function costOf({ streams, cuts = 0 }: (typeof programs)[string], size: number): Promise<number> {
  const hold = side === 'held' ? holdfast({ retry: { baseMs: 1, throttledBaseMs: 1, capMs: 1 } }) : null;
  const client = new Anthropic({
    baseURL: 'http://127.0.0.1:1',
    apiKey: 'k',
    logLevel: 'off',
    fetch: fetchOf(streams(size), cuts),
    ...(hold ? { middleware: [hold] } : {}),
  });
  const from = process.cpuUsage();
  try {
    const request = {
      model: 'claude-opus-5-5',
      max_tokens: 60_000,
      messages: [{ role: 'user' as const, content: 'x' }],
      stream: true as const,
    };
    for await (const _ of await client.messages.create(request));
  } catch {
    // Whether it can be continued is not the question here.
  }
  const { user, system } = process.cpuUsage(from);
  hold?.close();
  return (user + system) / 1000;
}

const program = programs[what] as (typeof programs)[string];
// What is run the first time is compiled as well.
await costOf(program, program.size / 10);
const small = await costOf(program, program.size / 10);
console.log(JSON.stringify([small, await costOf(program, program.size)]));
process.exit(0);
