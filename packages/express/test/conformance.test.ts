import Anthropic from '@anthropic-ai/sdk';
import { adapterConformance, type AppContext, type RunningApp } from '@holdfast/testing/conformance';
import express, { type Request } from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { errorHandler, gracefulShutdown, health, holdfastExpress, sendStream } from '../src/index.ts';

async function start(context: AppContext): Promise<RunningApp> {
  const client = new Anthropic({ baseURL: context.baseURL, apiKey: context.apiKey, timeout: context.timeoutMs, maxRetries: 0 });
  const claude = holdfastExpress({ client, hold: context.health });
  const { heartbeatMs, holdHeadersMs, slowReaderMs } = context;
  const app = express();
  app.set('env', 'production');
  app.use('/health', health(claude));
  app.use(claude);
  app.use(express.json({ limit: context.maxBodyBytes }));

  const bodyOf = (request: Request) => ({
    model: context.model,
    max_tokens: 1024,
    messages: [{ role: 'user' as const, content: (request.body as { prompt: string }).prompt }],
  });

  app.post(['/message', '/user-input', '/stream', '/late'], (request, response, next) => {
    if (typeof (request.body as { prompt?: unknown } | undefined)?.prompt === 'string') next();
    else response.sendStatus(400);
  });
  app.post(['/message', '/user-input'], async (request, response) => {
    const { client, signal } = claude.of(request);
    const message = await client.messages.create(bodyOf(request), { signal });
    response.json({ text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join('') });
  });
  app.post('/stream', async (request, response) => {
    const { client, signal } = claude.of(request);
    const { as } = request.body as { as?: 'text' | 'ndjson' };
    await sendStream(response, client.messages.create({ ...bodyOf(request), stream: true }, { signal }), {
      as,
      heartbeatMs,
      holdHeadersMs,
      slowReaderMs,
    });
  });
  app.post('/late', async (request, response) => {
    const { client, signal } = claude.of(request);
    response.setHeader('content-type', 'text/event-stream');
    response.write(': hello\n\n');
    await sendStream(response, client.messages.create({ ...bodyOf(request), stream: true }, { signal }));
  });
  app.post('/foreign', () => {
    throw new Error(context.foreignSecret);
  });
  app.use(errorHandler({ userInput: (request) => request.path === '/user-input' }));

  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { shutdown } = gracefulShutdown(server, claude, { ...context, signals: [] });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shutdown,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

// Express logs the errors it answers itself.
vi.spyOn(console, 'error').mockReturnValue();

adapterConformance({ name: 'Express', start }, { describe, it, beforeAll, afterAll });
