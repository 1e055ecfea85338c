// The official SDK with a server of ours as its base URL: Claude's failures become the same there as in process.
// The table is the one of docs/adapters.md.

import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { holdfast, type HoldfastOptions } from '@holdfast/core';
import { cut, fakeClaude, referenceAnswer, streamError, type FakeClaude, type FaultLike } from '@holdfast/testing';
import express from 'express';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdfastExpress, messagesProxy } from '../src/index.ts';

const whole = String(referenceAnswer('text').content[0]?.['text']);
const request: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-sonnet-5-5',
  max_tokens: 4096,
  messages: [{ role: 'user', content: 'Tell me about the harbour.' }],
};

type Ways = readonly ('call' | 'stream')[];
const both: Ways = ['call', 'stream'];
const streamed: Ways = ['stream'];

/** `once`: only the first request fails. */
const rows: readonly (readonly [what: string, fault: FaultLike, how: 'once' | 'always', ways: Ways, outcome: string])[] = [
  ['529 once', 'overloaded', 'once', both, 'whole'],
  ['429 with `retry-after: 1`', 'rate-limited', 'once', both, 'whole'],
  ['500 once', 'server-error', 'once', both, 'whole'],
  ['connection reset once', 'reset', 'once', both, 'whole'],
  ['cut in the middle', cut({ afterText: 200, how: 'reset' }), 'once', streamed, 'whole'],
  ['silent end in the middle', cut({ afterText: 200, how: 'end' }), 'once', streamed, 'whole'],
  ['overload in the middle', streamError('overloaded_error', { afterText: 200 }), 'once', streamed, 'whole'],
  ['silence in the middle', cut({ afterText: 200, how: 'stall' }), 'once', streamed, 'whole'],
  ['529 for good', 'overloaded', 'always', both, 'OverloadedError 529'],
  ['500 for good', 'server-error', 'always', both, 'InternalServerError 500'],
  ['bad key of the server', 'bad-key', 'always', both, 'AuthenticationError 401'],
  ['invalid request', 'bad-request', 'always', both, 'BadRequestError 400'],
];

const options: HoldfastOptions = {
  random: () => 0,
  retry: { baseMs: 0, throttledBaseMs: 0 },
  breaker: false,
  budget: false,
  limits: { idleMs: 300 },
};

let claude: FakeClaude;
let server: Server;
let inProcess: Anthropic;
let proxied: Anthropic;
beforeAll(async () => {
  claude = await fakeClaude();
  const upstream = () => new Anthropic({ baseURL: claude.url, apiKey: 'sk-ant-server', maxRetries: 0, middleware: [holdfast(options)] });
  inProcess = upstream();
  const app = express();
  const hold = holdfastExpress({ client: upstream() });
  app.use('/anthropic', messagesProxy(hold));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // As it comes: whether the SDK of the caller retries is the proxy's to say.
  proxied = new Anthropic({ baseURL: `http://127.0.0.1:${port}/anthropic`, apiKey: 'sk-ant-caller' });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await claude.close();
});

async function outcome(client: Anthropic, way: 'call' | 'stream'): Promise<string> {
  try {
    const { content } = await (way === 'call' ? client.messages.create(request) : client.messages.stream(request).finalMessage());
    const [block] = content;
    return block?.type === 'text' && block.text === whole ? 'whole' : `not whole: ${JSON.stringify(content).slice(0, 80)}`;
  } catch (error) {
    return error instanceof APIError ? `${error.constructor.name} ${error.status}` : String(error);
  }
}

describe.each(rows)('%s', (_what, fault, how, ways, expected) => {
  it.each(ways.flatMap((way) => [[way, 'in process'] as const, [way, 'through the proxy'] as const]))('%s, %s', async (way, where) => {
    claude.always(null);
    if (how === 'always') claude.always(fault);
    else claude.script(fault);
    const before = claude.requests.length;

    expect(await outcome(where === 'in process' ? inProcess : proxied, way)).toBe(expected);
    // The caller's SDK does not begin again what Holdfast has given up.
    expect(claude.requests.length - before).toBeLessThanOrEqual(4);
    for (const { key } of claude.requests.slice(before)) expect(key).toBe('sk-ant-server');
  });
});

it('the documented table is this one', () => {
  const page = readFileSync(new URL('../../../docs/adapters.md', import.meta.url), 'utf8');
  for (const [what, , , ways, expected] of rows) expect(page).toContain(`| ${what} | ${ways.join(', ')} | ${expected} |`);
});
