// The suite against node:http and nothing but `@holdfast/core/http`: proof that an adapter needs no more.

import Anthropic from '@anthropic-ai/sdk';
import { adapterConformance, type AppContext, type RunningApp } from '@holdfast/testing/conformance';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  gracefulShutdown,
  healthReply,
  isClaudeError,
  nodeScope,
  problem,
  problemOfKind,
  relayToNode,
  replyToNode,
  runInScope,
  currentScope,
  type HealthProbe,
  type RelayFormatName,
} from '../src/http/index.ts';

interface Input {
  readonly prompt: string;
  readonly as?: RelayFormatName;
}

async function start(context: AppContext): Promise<RunningApp> {
  const client = new Anthropic({ baseURL: context.baseURL, apiKey: context.apiKey, timeout: context.timeoutMs, maxRetries: 0 });
  const bodyOf = ({ prompt }: Input) => ({
    model: context.model,
    max_tokens: 1024,
    messages: [{ role: 'user' as const, content: prompt }],
  });
  const options = () => ({ signal: currentScope()?.signal });

  async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    if (path.startsWith('/health/')) {
      const { status, headers, body } = healthReply(path.slice('/health/'.length) as HealthProbe, context.health, {
        draining: drain.state !== 'serving',
      });
      response.writeHead(status, headers).end(JSON.stringify(body));
      return;
    }
    if (drain.refuses) return void replyToNode(response, problemOfKind('shutting-down'));
    if (path === '/foreign') throw new Error(context.foreignSecret);

    const input = await readInput(request, context.maxBodyBytes);
    if (typeof input === 'number') return void response.writeHead(input, { connection: 'close' }).end();
    switch (path) {
      case '/message':
      case '/user-input': {
        const message = await client.messages.create(bodyOf(input), options());
        const text = message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ text }));
        return;
      }
      case '/late':
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
        break;
      case '/stream':
        break;
      default:
        return void response.writeHead(404).end();
    }
    await relayToNode(client.messages.create({ ...bodyOf(input), stream: true }, options()), response, {
      as: input.as,
      heartbeatMs: context.heartbeatMs,
      holdHeadersMs: context.holdHeadersMs,
      slowReaderMs: context.slowReaderMs,
      interrupt: drain.deadline,
    });
  }

  const server = createServer((request, response) => {
    void runInScope(nodeScope(request, response), () =>
      reply(request, response).catch((error: unknown) => {
        if (isClaudeError(error)) replyToNode(response, problem(error, { userInput: request.url === '/user-input' }));
        else response.writeHead(500).end();
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { drain, shutdown } = gracefulShutdown(server, { ...context, signals: [] });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shutdown,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The input, or the status that refuses it. */
async function readInput(request: IncomingMessage, maxBytes: number): Promise<Input | 400 | 413> {
  let text = '';
  request.setEncoding('utf8');
  for await (const part of request) {
    text += part;
    if (text.length > maxBytes) return 413;
  }
  try {
    const input = JSON.parse(text) as Input | null;
    return typeof input?.prompt === 'string' ? input : 400;
  } catch {
    return 400;
  }
}

adapterConformance({ name: 'node:http with core alone', start }, { describe, it, beforeAll, afterAll });
