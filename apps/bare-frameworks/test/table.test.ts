// What each framework makes of Claude's failures by itself, and what with its adapter: the table of docs/adapters.md.

import 'reflect-metadata';
import Anthropic from '@anthropic-ai/sdk';
import { errorHandler, holdfastExpress } from '@holdfast/express';
import { HoldfastExceptionFilter, HoldfastModule, InjectClaude } from '@holdfast/nestjs';
import { fakeClaude, status, type FakeClaude, type FaultLike } from '@holdfast/testing';
import { claudeErrorFormatter, claudeProcedure, claudeResponseMeta } from '@holdfast/trpc';
import { Controller, Module, Post, type Type } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { initTRPC } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import express, { type Express } from 'express';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

/** Words of the upstream that are nobody else's business. */
const secret = 'org-4f1c';

const failures: readonly (readonly [name: string, fault: FaultLike])[] = [
  ['401, the key is wrong', status(401, { message: `invalid x-api-key for ${secret}` })],
  ['429 with `retry-after: 7`', status(429, { headers: { 'retry-after': '7' }, message: `${secret} exceeded its limit` })],
  ['529', status(529, { message: `Overloaded: ${secret}` })],
  ['400, the prompt is too long', status(400, { message: `prompt is too long: 9 tokens of ${secret}` })],
  ['connection reset', 'reset'],
];

let claude: FakeClaude;
const servers: Record<string, string> = {};
const closers: (() => unknown)[] = [];

const request = { model: 'claude-sonnet-5-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hello' }] };

async function listening(server: Server): Promise<string> {
  if (!server.listening) await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ask`;
}

function expressApp(client: Anthropic, adapted: boolean): Express {
  const app = express();
  app.set('env', 'production');
  if (adapted) app.use(holdfastExpress({ client }));
  app.post('/ask', async (_request, response) => {
    response.json(await client.messages.create(request));
  });
  if (adapted) app.use(errorHandler());
  return app;
}

async function nestServer(client: Anthropic, adapted: boolean): Promise<Server> {
  @Controller()
  class AskController {
    constructor(@InjectClaude() private readonly claude: Anthropic) {}

    @Post('ask')
    ask() {
      return this.claude.messages.create(request);
    }
  }
  @Module({
    imports: [HoldfastModule.forRoot({ client: () => client })],
    controllers: [AskController],
    providers: adapted ? [{ provide: APP_FILTER, useExisting: HoldfastExceptionFilter }] : [],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule as Type, { logger: false });
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer() as Server;
}

function trpcServer(client: Anthropic, adapted: boolean): Server {
  const bare = initTRPC.create({ isDev: false });
  const held = initTRPC.create({ isDev: false, errorFormatter: claudeErrorFormatter });
  const ask = async () => (await client.messages.create(request)).content;
  return adapted
    ? createHTTPServer({
        router: held.router({ ask: held.procedure.concat(claudeProcedure({ client })).mutation(ask) }),
        responseMeta: claudeResponseMeta,
      }).listen(0, '127.0.0.1')
    : createHTTPServer({ router: bare.router({ ask: bare.procedure.mutation(ask) }) }).listen(0, '127.0.0.1');
}

beforeAll(async () => {
  // Express and Nest print what they answer themselves.
  vi.spyOn(console, 'error').mockReturnValue();
  claude = await fakeClaude();
  const client = new Anthropic({ baseURL: claude.url, apiKey: 'sk-ant-server', maxRetries: 0 });
  for (const adapted of [false, true]) {
    const which = adapted ? ' with Holdfast' : '';
    servers[`Express${which}`] = await listening(expressApp(client, adapted).listen(0, '127.0.0.1'));
    servers[`NestJS${which}`] = await listening(await nestServer(client, adapted));
    servers[`tRPC${which}`] = await listening(trpcServer(client, adapted));
  }
});
afterAll(async () => {
  for (const close of closers) close();
  await claude.close();
});

/** The status, whether the client is told when to come back, and whether it reads what is not its business. */
async function reply(url: string, fault: FaultLike): Promise<string> {
  claude.always(fault);
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' } });
  const body = await response.text();
  const comeBack = response.headers.get('retry-after') === null ? '' : ', Retry-After';
  const form = response.headers.get('content-type')?.includes('html') ? ' HTML' : '';
  const leak = body.includes(secret) ? ', **upstream’s words**' : '';
  return `${response.status}${form}${comeBack}${leak}`;
}

it.each(failures)('%s', async (name, fault) => {
  const columns = ['Express', 'Express with Holdfast', 'NestJS', 'NestJS with Holdfast', 'tRPC', 'tRPC with Holdfast'];
  const cells: string[] = [];
  for (const column of columns) cells.push(await reply(servers[column] as string, fault));
  const page = readFileSync(new URL('../../../docs/adapters.md', import.meta.url), 'utf8');

  expect(page).toContain(`| ${[name, ...cells].join(' | ')} |`);
});
