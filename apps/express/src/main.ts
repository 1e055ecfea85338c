// Starts the sample app: against a fake Claude with switches to break it, or the real API when ANTHROPIC_API_KEY is set.

import type { AddressInfo } from 'node:net';
import { appOptions, cannotListen, logger, upstream } from '@holdfast/chat-page';
import { holdfast } from '@holdfast/core';
import { gracefulShutdown, holdfastExpress } from '@holdfast/express';
import { createApp } from './app.ts';

const claudeSide = await upstream();
const hold = holdfast({ ...appOptions, logger });
const claude = holdfastExpress({ client: claudeSide.client(hold), hold, deadlineMs: 120_000 });
const server = createApp(claude, hold, claudeSide).listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', (error) => {
  if (error) cannotListen(error);
  console.log(`Harbour chat on Express: http://localhost:${(server.address() as AddressInfo).port}`);
});
gracefulShutdown(server, claude, { readinessDelayMs: 200, drainMs: 20_000, onClosed: () => claudeSide.close() });
