// Anthropic's API itself, answered by an application: the SDK asks it instead of Claude.

import { holdfastExpress, messagesProxy } from '@holdfast/express';
import express from 'express';
import type { Build } from './app.ts';

export const proxyApp: Build = async ({ client, hold }) => {
  if (!hold) throw new Error('the bare side asks the upstream itself');
  const app = express();
  app.set('env', 'production');
  const claude = holdfastExpress({ client, hold });
  app.use(claude);
  app.use('/', messagesProxy(claude));
  return app.listen(0, '127.0.0.1');
};
