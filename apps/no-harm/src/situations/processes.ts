// Whole processes: whether they end, and how; and how long a loop is blocked.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { nothing } from '../observation.ts';
import type { Observed, Subject } from '../situation.ts';
import { cut, eventReply, healthy, jsonReply, upstream } from '../upstream.ts';
import { errorBody, events } from '../wire.ts';

const cost = fileURLToPath(new URL('../processes/cost.ts', import.meta.url));
const child = fileURLToPath(new URL('../processes/child.ts', import.meta.url));

/** The program must end by itself with 0: an unhandled rejection ends it otherwise, and a timer keeps it. */
const ends = (what: string): Observed => ({
  name: what,
  surfaces: [what.includes('stream') || what.includes('JSON') ? 'stream' : 'create'],
  patienceMs: 60_000,
  rule: { promised: true, laterMs: 30_000 },
  observe: async (side, _surface, closes) => {
    const server = await upstream((seen) => {
      if (seen.body?.['model'] === 'refused') return jsonReply(errorBody('invalid_request_error'), 400);
      const reply = healthy(seen);
      // The connection pool of fetch would keep the process for some seconds.
      return { ...reply, headers: { ...reply.headers, connection: 'close' } };
    });
    closes.push(() => server.close());
    const from = performance.now();
    const program = spawn(process.execPath, ['--conditions=@holdfast/source', child, side, what, server.url], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    closes.push(() => program.kill('SIGKILL'));
    let said = '';
    program.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    const [code] = (await once(program, 'exit')) as [number | null];
    const ms = performance.now() - from;
    if (code !== 0) return { ...nothing, outcome: 'failed', ms, unhandled: [said.match(/\w*Error: .*/)?.[0] ?? `exit ${code}`] };
    return { outcome: 'answered', ms, answer: { text: 'ended', tools: [], content: '', stopReason: null, usage: '', whole: true } };
  },
});

/** A process of its own, since one that is not linear blocks the loop of everybody else. */
const linear = (name: string, what: string): Observed => ({
  name,
  surfaces: ['stream'],
  patienceMs: 60_000,
  observe: async (side, _surface, closes) => {
    const program = spawn(process.execPath, ['--conditions=@holdfast/source', cost, side, what], { stdio: ['ignore', 'pipe', 'ignore'] });
    closes.push(() => program.kill('SIGKILL'));
    let said = '';
    program.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
    await once(program, 'exit');
    const [small = 0, large = 0] = JSON.parse(said) as number[];
    // Ten times as much takes ten times as long, and a hundred times where it grows with the square. Short times are all noise.
    const text = large > Math.max(small, 4) * 40 ? `${Math.round(large)} ms, a tenth of it ${Math.round(small)} ms` : 'linear';
    return { outcome: 'answered', answer: { text, tools: [], content: '', stopReason: null, usage: '', whole: true } };
  },
  rule: { right: 'linear', promised: true, laterMs: 60_000 },
});

export const processes: Subject = {
  title: 'Processes',
  situations: [
    ...[
      'a stream nobody reads',
      'a client that is made and not used',
      'a call, and the end',
      'a stream, and the end',
      'a stream that is left',
      'a rejection nobody waits for',
      'deep JSON',
      'deep JSON, with a cache',
      'deep JSON, with checkpoints',
    ].map(ends),
    linear('pings before the first word', 'pings'),
    linear('a continuation that repeats periodic text', 'seam'),
    linear('a long text', 'text'),
    linear('a long tool input', 'tool'),
    {
      name: '200 streams whose readers leave',
      patienceMs: 60_000,
      surfaces: ['stream'],
      observe: async (side, _surface, closes) => {
        const server = await upstream(() => eventReply([...events().slice(0, 6), { pause: 2000 }, cut]));
        closes.push(() => server.close());
        const hold = side === 'held' ? holdfast() : null;
        if (hold) closes.push(() => hold.close());
        const client = new Anthropic({ baseURL: server.url, apiKey: 'k', logLevel: 'off', ...(hold ? { middleware: [hold] } : {}) });
        const request = {
          model: 'claude-opus-5-5',
          max_tokens: 64,
          messages: [{ role: 'user' as const, content: 'x' }],
          stream: true as const,
        };
        await Promise.all(
          Array.from({ length: 200 }, async () => {
            for await (const event of await client.messages.create(request)) if (event.type === 'content_block_delta') break;
          }),
        );
        for (let waited = 0; server.open() > 0 && waited < 1000; waited += 25) await new Promise((resolve) => setTimeout(resolve, 25));
        return {
          outcome: 'answered',
          open: server.open(),
          requests: server.seen.length,
          answer: { text: '', tools: [], content: '', stopReason: null, usage: '', whole: true },
        };
      },
    },
  ],
};
