// tRPC, alone and with the adapter.

import { claudeErrorFormatter, claudeProcedure, claudeResponseMeta } from '@holdfast/trpc';
import { initTRPC, TRPCError } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import type Anthropic from '@anthropic-ai/sdk';
import { question, type Build } from './app.ts';

const own = (): never => {
  throw new TRPCError({ code: 'CONFLICT', message: 'there is no order 7' });
};

async function* told(client: Anthropic): AsyncGenerator {
  for await (const event of await client.messages.create({ ...question, stream: true })) yield event;
}

/** Its own error, of which Claude's failure is only the cause. */
const ownBecause = async (client: Anthropic): Promise<unknown> =>
  client.messages.create(question).catch((cause: unknown) => {
    throw new TRPCError({ code: 'CONFLICT', message: 'there is no order 7', cause });
  });

export const trpcApp: Build = async ({ client, hold }) => {
  if (!hold) {
    const t = initTRPC.create({ isDev: false });
    const router = t.router({
      create: t.procedure.query(() => client.messages.create(question)),
      stream: t.procedure.subscription(() => told(client)),
      own: t.procedure.query(own),
      because: t.procedure.query(() => ownBecause(client)),
      fine: t.procedure.query(() => [{ text: 'fine' }]),
    });
    return createHTTPServer({ router }).listen(0, '127.0.0.1');
  }
  const t = initTRPC.create({ isDev: false, errorFormatter: claudeErrorFormatter });
  const procedure = t.procedure.concat(claudeProcedure({ client }));
  const router = t.router({
    create: procedure.query(() => client.messages.create(question)),
    stream: procedure.subscription(() => told(client)),
    own: procedure.query(own),
    because: procedure.query(() => ownBecause(client)),
    fine: procedure.query(() => [{ text: 'fine' }]),
  });
  return createHTTPServer({ router, responseMeta: claudeResponseMeta }).listen(0, '127.0.0.1');
};
