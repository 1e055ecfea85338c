// A stranger's strict TypeScript, with every entry of every package but the tRPC ones.
import Anthropic from '@anthropic-ai/sdk';
import { callOptions, holdfast, memoryCheckpoints, type Explanation, type Ledger } from '@holdfast/core';
import { runInScope } from '@holdfast/core/http';
import { CircuitBreaker } from '@holdfast/core/policy';
import { errorHandler, gracefulShutdown, health, holdfastExpress, messagesProxy, sendStream } from '@holdfast/express';
import '@holdfast/express/augment';
import { HoldfastInterceptor, HoldfastModule, InjectClaude } from '@holdfast/nestjs';
import { cut, fakeClaude } from '@holdfast/testing';
import { adapterConformance } from '@holdfast/testing/conformance';
import express from 'express';

const hold = holdfast({
  retry: { attempts: 4 },
  breaker: 'classic',
  fallbacks: [{ model: 'claude-haiku-5-5', accept: (message) => message.content.length > 0 }],
  streams: { checkpoints: memoryCheckpoints() },
});
const client = new Anthropic({ middleware: [hold] });
const body = { model: 'claude-opus-5-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'hi' }] };

export async function ask(): Promise<{ ledger: Ledger | undefined } | { why: Explanation }> {
  try {
    const message = await client.messages.create(body, callOptions({ deadlineMs: 5_000 }));
    return { ledger: hold.attempts(message) };
  } catch (error) {
    return { why: hold.explain(error) };
  }
}

export const breaker = new CircuitBreaker({ consecutiveFailures: 3 });
export const scoped = runInScope({ tenant: 'acme' }, ask);

// The stream of a resumed answer is the SDK's own: a listener needs no types.
const start = () => client.messages.stream(body);
export async function finish(requestId: string): Promise<ReturnType<typeof start> | null> {
  const stream = await hold.resume(requestId, { client, tenant: 'acme' });
  return stream?.on('text', (text) => process.stdout.write(text.toUpperCase())) ?? null;
}

const claude = holdfastExpress({ client, hold, deadlineMs: 120_000 });
const app = express();
app.use('/health', health(claude));
app.use(claude);
app.use('/anthropic', messagesProxy(claude, { authorize: () => true }));
app.post('/chat', express.json(), async (req, res) => {
  console.log(req.holdfast.requestId);
  await sendStream(res, claude.of(req).client.messages.create({ ...body, stream: true }));
});
app.use(errorHandler());
export const shutdown = gracefulShutdown(app.listen(0), claude);

export const nest = [HoldfastModule.forRoot({ client: (inner) => new Anthropic({ middleware: [inner] }) }), HoldfastInterceptor];
export const inject: ParameterDecorator = InjectClaude('batch');

export async function fake(): Promise<string> {
  const server = await fakeClaude();
  server.script('overloaded', cut({ afterText: 200, how: 'reset' }), null);
  return server.url;
}
export const conformance = adapterConformance;
