import 'reflect-metadata';
import Anthropic from '@anthropic-ai/sdk';
import { claudeResponse, HoldfastExceptionFilter, HoldfastInterceptor, HoldfastModule, InjectClaude } from '@holdfast/nestjs';
import { fakeClaude, type FakeClaude } from '@holdfast/testing';
import { Controller, HttpCode, Module, Post } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let claude: FakeClaude;
beforeEach(async () => {
  claude = await fakeClaude();
});
afterEach(() => claude.close());

@Controller()
class Chat {
  constructor(@InjectClaude() readonly client: Anthropic) {}
  @Post('chat')
  @HttpCode(200)
  chat() {
    const messages = [{ role: 'user' as const, content: 'hi' }];
    return claudeResponse(this.client.messages.create({ model: 'claude-opus-5-5', max_tokens: 64, messages, stream: true }));
  }
}

describe.each(['express', 'fastify'])('claudeResponse under NestJS 11 on %s', (platform) => {
  it.each([true, false])('is sent whole, or says what is missing (with the interceptor: %s)', async (isComplete) => {
    @Module({
      imports: [HoldfastModule.forRoot({ client: (hold) => new Anthropic({ baseURL: claude.url, apiKey: 'k', middleware: [hold] }) })],
      controllers: [Chat],
      providers: isComplete
        ? [
            { provide: APP_INTERCEPTOR, useExisting: HoldfastInterceptor },
            { provide: APP_FILTER, useExisting: HoldfastExceptionFilter },
          ]
        : [],
    })
    class AppModule {}
    const app =
      platform === 'express'
        ? await NestFactory.create(AppModule, { logger: false })
        : await NestFactory.create(AppModule, new FastifyAdapter() as never, { logger: false });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();

    const reply = await fetch(`http://127.0.0.1:${port}/chat`, { method: 'POST' });
    const text = await reply.text();
    await app.close();

    if (isComplete || platform === 'fastify') expect(text).toContain('message_stop');
    else expect(reply.status).toBe(500);
  });
});
