// A chat and a summary, on Express, with Holdfast in front of Claude.

import type Anthropic from '@anthropic-ai/sdk';
import { logger, page, prometheus, summaryOf, type Upstream } from '@holdfast/chat-page';
import type { Holdfast } from '@holdfast/core';
import { errorHandler, health, messagesProxy, sendStream, type HoldfastExpress } from '@holdfast/express';
import express, { type Express } from 'express';

export function createApp(claude: HoldfastExpress<Anthropic>, hold: Holdfast, upstream: Upstream): Express {
  const app = express();
  app.use('/health', health(claude));
  app.get('/metrics', prometheus());
  app.use(claude);
  app.get('/', (_, response) => void response.type('html').send(page('Harbour chat, on Express')));

  app.post('/chat', express.json({ limit: '256kb' }), async (request, response) => {
    const { messages } = request.body as { messages?: unknown };
    if (!Array.isArray(messages)) return void response.status(400).json({ detail: 'messages must be a list' });
    const { client, requestId } = claude.of(request);
    const stream = client.messages.create({
      model: upstream.model,
      max_tokens: 4096,
      messages: messages as Anthropic.MessageParam[],
      stream: true,
    });
    await sendStream(response, stream, { headers: { 'x-call-id': requestId } });
  });

  app.post('/summary', express.json({ limit: '256kb' }), async (request, response) => {
    const { text } = request.body as { text?: unknown };
    if (typeof text !== 'string') return void response.status(400).json({ detail: 'text must be a string' });
    const message = await claude.of(request).client.messages.create({
      model: upstream.model,
      max_tokens: 1024,
      messages: [{ role: 'user', content: `Summarise this in one paragraph:\n\n${text}` }],
    });
    response.json({ summary: message.content.map((block) => (block.type === 'text' ? block.text : '')).join('') });
  });

  // Any SDK in any language gets Holdfast by using this as its base URL. A real server would check who asks.
  app.use('/anthropic', messagesProxy(claude, { authorize: () => upstream.switches.length > 0 }));

  app.get('/demo/switches', (_, response) => void response.json(upstream.switches));
  app.post('/demo/switches/:name', (request, response) => void response.sendStatus(upstream.flip(request.params.name) ? 204 : 404));
  app.get('/demo/calls/:id', (request, response) => {
    const ledger = hold.attempts(request.params.id);
    if (ledger) response.json({ summary: summaryOf(ledger) });
    else response.sendStatus(404);
  });
  app.use(
    errorHandler({
      onError: (error, problem) =>
        logger.warn({ status: problem.status, code: problem.body.code, kind: hold.explain(error).kind }, 'request failed'),
    }),
  );
  return app;
}
