// Starts the sample app: against a fake Claude with switches to break it, or the real API when ANTHROPIC_API_KEY is set.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { appOptions, cannotListen, logger, prometheus, upstream } from '@holdfast/chat-page';
import { holdfast } from '@holdfast/core';
import { createDrain, gracefulShutdown, healthReply, replyToNode, type HealthProbe } from '@holdfast/core/http';
import { claudeResponseMeta } from '@holdfast/trpc';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { page } from './page.ts';
import { createRouter } from './router.ts';

const claudeSide = await upstream();
const hold = holdfast({ ...appOptions, logger });
const drain = createDrain();
const scrape = prometheus();
const router = createRouter(claudeSide.client(hold), hold, claudeSide, drain);
const trpc = createHTTPHandler({
  router,
  basePath: '/trpc/',
  responseMeta: claudeResponseMeta,
  maxBodySize: 256 * 1024,
  onError: ({ error, path }) => logger.warn({ path, code: error.code }, 'request failed'),
});

const server = createServer((request, response) => {
  const path = request.url ?? '/';
  const probe = /^\/health\/(live|ready|status)$/.exec(path)?.[1];
  if (probe) replyToNode(response, healthReply(probe as HealthProbe, hold, { draining: drain.state !== 'serving' }));
  else if (path === '/metrics') scrape(request, response);
  else if (path.startsWith('/trpc/')) trpc(request, response);
  else if (path === '/') response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page('Harbour chat, on tRPC'));
  else response.writeHead(404).end();
});
server.once('error', cannotListen);
server.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () =>
  console.log(`Harbour chat on tRPC: http://localhost:${(server.address() as AddressInfo).port}`),
);
gracefulShutdown(server, { drain, readinessDelayMs: 200, drainMs: 20_000, onClosed: () => claudeSide.close() });
