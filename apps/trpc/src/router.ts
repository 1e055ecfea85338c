// A chat and a summary as tRPC procedures, with Holdfast in front of Claude.

import type Anthropic from '@anthropic-ai/sdk';
import { summaryOf, type Upstream } from '@holdfast/chat-page';
import { callOptions, type Holdfast } from '@holdfast/core';
import type { Drain } from '@holdfast/core/http';
import { claudeErrorFormatter, claudeProcedure, claudeStream, startAnswer } from '@holdfast/trpc';
import { initTRPC, TRPCError } from '@trpc/server';
import { z } from 'zod';

const messages = z.array(z.object({ role: z.enum(['user', 'assistant']), content: z.string().min(1).max(100_000) })).min(1);

export function createRouter(client: Anthropic, hold: Holdfast, upstream: Upstream, drain: Drain) {
  const t = initTRPC.create({
    isDev: false,
    errorFormatter: claudeErrorFormatter,
    sse: { ping: { enabled: true, intervalMs: 5_000 }, client: { reconnectAfterInactivityMs: 20_000 } },
  });
  const procedure = t.procedure.concat(claudeProcedure({ client, drain, deadlineMs: 120_000 }));
  return t.router({
    ask: procedure.input(z.object({ messages, operationId: z.uuid() })).mutation(({ input: { messages: history, operationId }, ctx }) =>
      startAnswer({
        claude: ctx.claude,
        operationId,
        // The ledger is found by the call's id: here the operation's.
        start: (from) =>
          from.messages.create(
            { model: upstream.model, max_tokens: 4096, messages: history, stream: true },
            callOptions({ requestId: operationId }),
          ),
      }),
    ),
    answer: procedure
      .input(z.object({ operationId: z.uuid(), lastEventId: z.string().nullish() }))
      .subscription(({ input, ctx }) => claudeStream({ claude: ctx.claude, ...input })),
    summary: procedure.input(z.object({ text: z.string().max(100_000) })).mutation(async ({ input, ctx }) => {
      const message = await ctx.claude.client.messages.create({
        model: upstream.model,
        max_tokens: 1024,
        messages: [{ role: 'user', content: `Summarise this in one paragraph:\n\n${input.text}` }],
      });
      return { summary: message.content.map((block) => (block.type === 'text' ? block.text : '')).join('') };
    }),
    switches: t.procedure.query(() => upstream.switches),
    flip: t.procedure.input(z.string()).mutation(({ input }) => {
      if (!upstream.flip(input)) throw new TRPCError({ code: 'NOT_FOUND' });
    }),
    took: t.procedure.input(z.string()).query(({ input }) => {
      const ledger = hold.attempts(input);
      return ledger ? { summary: summaryOf(ledger) } : null;
    }),
  });
}

export type AppRouter = ReturnType<typeof createRouter>;
