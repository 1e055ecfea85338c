import 'reflect-metadata';
import Anthropic from '@anthropic-ai/sdk';
import { adapterConformance, type AppContext, type RunningApp } from '@holdfast/testing/conformance';
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Module,
  Param,
  Post,
  Res,
  type INestApplication,
} from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { currentScope, type HealthProbe, type RelayFormatName } from '@holdfast/core/http';
import {
  claudeResponse,
  HoldfastExceptionFilter,
  HoldfastHealth,
  HoldfastInterceptor,
  HoldfastModule,
  InjectClaude,
  sendStream,
} from '../src/index.ts';

interface Input {
  readonly prompt?: unknown;
  readonly as?: RelayFormatName;
}

function moduleFor(context: AppContext) {
  const { heartbeatMs, holdHeadersMs, slowReaderMs, readinessDelayMs, drainMs, endMs } = context;

  @Controller()
  class ClaudeController {
    readonly #client: Anthropic;
    readonly #health: HoldfastHealth;

    constructor(@InjectClaude() client: Anthropic, @Inject(HoldfastHealth) health: HoldfastHealth) {
      this.#client = client;
      this.#health = health;
      health.add('default', context.health);
    }

    #request({ prompt }: Input) {
      if (typeof prompt !== 'string') throw new BadRequestException();
      return { model: context.model, max_tokens: 1024, messages: [{ role: 'user' as const, content: prompt }] };
    }

    // The client of this suite is the bare SDK, which does not know the scope.
    #options = () => ({ signal: currentScope()?.signal });

    @Post(['message', 'user-input'])
    @HttpCode(200)
    async message(@Body() input: Input) {
      const message = await this.#client.messages.create(this.#request(input), this.#options());
      return { text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join('') };
    }

    @Post('stream')
    @HttpCode(200)
    stream(@Body() input: Input) {
      return claudeResponse(this.#client.messages.create({ ...this.#request(input), stream: true }, this.#options()), {
        as: input.as,
        heartbeatMs,
        holdHeadersMs,
        slowReaderMs,
      });
    }

    @Post('late')
    @HttpCode(200)
    async late(
      @Body() input: Input,
      @Res() response: {
        raw?: { setHeader(name: string, value: string): void; write(text: string): void };
        setHeader(name: string, value: string): void;
        write(text: string): void;
      },
    ) {
      const raw = response.raw ?? response;
      raw.setHeader('content-type', 'text/event-stream');
      raw.write(': hello\n\n');
      await sendStream(response, this.#client.messages.create({ ...this.#request(input), stream: true }, this.#options()));
    }

    @Post('foreign')
    foreign() {
      throw new Error(context.foreignSecret);
    }

    @Get('health/:probe')
    health(@Param('probe') probe: HealthProbe) {
      const { status, headers, body } = this.#health.reply(probe);
      return new Response(JSON.stringify(body), { status, headers });
    }
  }

  @Module({
    imports: [
      HoldfastModule.forRoot({
        client: () => new Anthropic({ baseURL: context.baseURL, apiKey: context.apiKey, timeout: context.timeoutMs, maxRetries: 0 }),
      }),
      HoldfastModule.forApp({
        readinessDelayMs,
        drainMs,
        endMs,
        errors: { userInput: (request) => (request as { url?: string }).url === '/user-input' },
      }),
    ],
    controllers: [ClaudeController],
    providers: [
      { provide: APP_FILTER, useExisting: HoldfastExceptionFilter },
      { provide: APP_INTERCEPTOR, useExisting: HoldfastInterceptor },
    ],
  })
  class AppModule {}
  return AppModule;
}

async function run(app: INestApplication): Promise<RunningApp> {
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer() as { address(): AddressInfo; closeAllConnections(): void };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    shutdown: () => app.close(),
    async close() {
      server.closeAllConnections();
      await Promise.race([app.close(), new Promise((resolve) => setTimeout(resolve, 50))]);
    },
  };
}

const runner = { describe, it, beforeAll, afterAll };

adapterConformance(
  {
    name: 'NestJS on Express',
    async start(context) {
      const app = await NestFactory.create(moduleFor(context), { logger: false, bodyParser: false });
      (app as unknown as { useBodyParser(type: string, options: object): void }).useBodyParser('json', { limit: context.maxBodyBytes });
      return run(app);
    },
  },
  runner,
);

adapterConformance(
  {
    name: 'NestJS on Fastify',
    skip: { 'refuses malformed JSON as the client’s mistake': 'Nest’s own filter answers what Fastify could not parse with 500' },
    start: async (context) =>
      run(
        await NestFactory.create(moduleFor(context), new FastifyAdapter({ bodyLimit: context.maxBodyBytes }) as never, { logger: false }),
      ),
  },
  runner,
);
