// The tRPC packages in a stranger's strict TypeScript. As an ES module only: @trpc/server has types of its own for CommonJS, and
// procedures typed by the one do not fit into builders typed by the other.
import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { claudeErrorFormatter, claudeProcedure, claudeStream, startAnswer } from '@holdfast/trpc';
import { claudeErrorOf, claudeRetryLink } from '@holdfast/trpc/client';
import { initTRPC } from '@trpc/server';

const client = new Anthropic({ middleware: [holdfast()] });
const body = { model: 'claude-opus-5-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'hi' }] };

const operationId = '8c2a45b5-7f9d-4a2b-9f7e-2a5d1c4b6e01';
const t = initTRPC.create({ isDev: false, errorFormatter: claudeErrorFormatter });
const procedure = t.procedure.concat(claudeProcedure({ client }));
export const router = t.router({
  summary: procedure.mutation(async ({ ctx }) => (await ctx.claude.client.messages.create(body)).content),
  ask: procedure.mutation(({ ctx }) =>
    startAnswer({ claude: ctx.claude, operationId, start: (inner) => inner.messages.create({ ...body, stream: true }) }),
  ),
  answer: procedure.subscription(({ ctx }) => claudeStream({ claude: ctx.claude, operationId })),
  chat: procedure.subscription(async function* ({ ctx }) {
    yield* claudeStream({ claude: ctx.claude, operationId, start: (inner) => inner.messages.create({ ...body, stream: true }) });
  }),
});
export const links = [claudeRetryLink<typeof router>()];
export const retryAfterMs = claudeErrorOf(new Error('?'))?.retryAfterMs;
