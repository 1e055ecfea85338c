// Starts the sample app: against a fake Claude with switches to break it, or the real API when ANTHROPIC_API_KEY is set.

import 'reflect-metadata';
import { appOptions, cannotListen, logger, prometheus, upstream } from '@holdfast/chat-page';
import { HoldfastExceptionFilter, HoldfastInterceptor, HoldfastModule } from '@holdfast/nestjs';
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { ChatController } from './chat.controller.js';
import { DemoController } from './demo.controller.js';
import { upstreamToken } from './upstream.token.js';

const claudeSide = await upstream();

@Module({
  imports: [
    HoldfastModule.forRoot({ client: (hold) => claudeSide.client(hold), holdfast: { ...appOptions, logger } }),
    HoldfastModule.forApp({
      deadlineMs: 120_000,
      readinessDelayMs: 200,
      errors: { onError: (_, problem) => logger.warn({ status: problem.status, code: problem.body.code }, 'request failed') },
    }),
  ],
  controllers: [ChatController, DemoController],
  providers: [
    { provide: upstreamToken, useValue: claudeSide },
    { provide: APP_INTERCEPTOR, useExisting: HoldfastInterceptor },
    { provide: APP_FILTER, useExisting: HoldfastExceptionFilter },
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
app.use('/metrics', prometheus());
app.enableShutdownHooks(undefined, { useProcessExit: true });
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1').catch(cannotListen);
console.log(`Harbour chat on NestJS: ${await app.getUrl()}`);
process.once('beforeExit', () => void claudeSide.close());
