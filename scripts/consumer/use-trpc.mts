// The tRPC packages in a stranger's strict TypeScript. As an ES module only: @trpc/server has types of its own for CommonJS, and
// procedures typed by the one do not fit into builders typed by the other.
import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { claudeErrorFormatter, claudeProcedure, claudeStream } from '@holdfast/trpc';
import { claudeErrorOf, claudeRetryLink } from '@holdfast/trpc/client';
import { initTRPC } from '@trpc/server';

const client = new Anthropic({ middleware: [holdfast()] });
const body = { model: 'claude-opus-5-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'hi' }] };

const t = initTRPC.create({ isDev: false, errorFormatter: claudeErrorFormatter });
const procedure = t.procedure.concat(claudeProcedure({ client }));
export const router = t.router({
  summary: procedure.mutation(async ({ ctx }) => (await ctx.claude.client.messages.create(body)).content),
  chat: procedure.subscription(async function* ({ ctx }) {
    const operationId = '8c2a45b5-7f9d-4a2b-9f7e-2a5d1c4b6e01';
    yield* claudeStream({ claude: ctx.claude, operationId, start: (inner) => inner.messages.create({ ...body, stream: true }) });
  }),
});
export const links = [claudeRetryLink<typeof router>()];
export const retryAfterMs = claudeErrorOf(new Error('?'))?.retryAfterMs;
