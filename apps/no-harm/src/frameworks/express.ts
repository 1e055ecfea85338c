// Express, alone and with the adapter.

import { errorHandler, holdfastExpress, sendStream } from '@holdfast/express';
import express from 'express';
import { question, type Build } from './app.ts';

export const expressApp: Build = async ({ client, hold }) => {
  const app = express();
  // Elsewhere Express prints what it answers itself.
  app.set('env', 'test');
  const quietly: express.ErrorRequestHandler = (error: { status?: number }, _request, response, next) => {
    if (response.headersSent) return next(error);
    response.status(error.status ?? 500).send('error');
  };
  if (hold) app.use(holdfastExpress({ client, hold }));
  app.use(express.json());
  app.all('/create', async (_request, response) => {
    response.json(await client.messages.create(question));
  });
  app.all('/stream', async (_request, response) => {
    if (hold) return void (await sendStream(response, client.messages.create({ ...question, stream: true })));
    const stream = await client.messages.create({ ...question, stream: true });
    response.setHeader('content-type', 'text/event-stream');
    for await (const event of stream) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    response.end();
  });
  app.get('/own', () => {
    throw Object.assign(new Error('there is no order 7'), { status: 409 });
  });
  app.get('/fine', (_request, response) => {
    response.json([{ text: 'fine' }]);
  });
  if (hold) app.use(errorHandler({ onError: () => {} }));
  app.use(quietly);
  return app.listen(0, '127.0.0.1');
};
