// NestJS, alone and with the adapter.

import 'reflect-metadata';
import type { Server } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { claudeEvents, HoldfastExceptionFilter, HoldfastInterceptor, HoldfastModule, InjectClaude } from '@holdfast/nestjs';
import { ConflictException, Controller, Get, Module, Sse, type Type } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { from, map, Observable } from 'rxjs';
import { question, type Build } from './app.ts';

const asks = Symbol('asks');

export const nestApp: Build = async ({ client, hold }) => {
  @Controller()
  class Chat {
    constructor(@InjectClaude() private readonly claude: Anthropic) {}

    @Get('create')
    create() {
      return this.claude.messages.create(question);
    }

    @Sse('stream')
    stream() {
      return this[asks]();
    }

    /** Some work first, as loading a conversation is. */
    @Sse('late')
    async late() {
      await new Promise((resolve) => setTimeout(resolve, 80));
      return this[asks]();
    }

    @Get('own')
    own() {
      throw new ConflictException('there is no order 7');
    }

    @Get('fine')
    fine() {
      return [{ text: 'fine' }];
    }

    [asks](): Observable<never> {
      const stream = this.claude.messages.create({ ...question, stream: true });
      if (hold) return claudeEvents(stream) as Observable<never>;
      return new Observable<never>((subscriber) => {
        void stream.then(
          (events) =>
            from(events)
              .pipe(map((data) => ({ type: data.type, data }) as never))
              .subscribe(subscriber),
          (error: unknown) => subscriber.error(error),
        );
      });
    }
  }

  @Module({
    imports: [HoldfastModule.forRoot({ client: () => client })],
    controllers: [Chat],
    providers: hold
      ? [
          { provide: APP_INTERCEPTOR, useExisting: HoldfastInterceptor },
          { provide: APP_FILTER, useExisting: HoldfastExceptionFilter },
        ]
      : [],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule as Type, { logger: false });
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer() as Server;
};
