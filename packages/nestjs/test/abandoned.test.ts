import 'reflect-metadata';
import type Anthropic from '@anthropic-ai/sdk';
import {
  Controller,
  Get,
  RequestTimeoutException,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { catchError, take, throwError, timeout } from 'rxjs';
import { afterEach, expect, it } from 'vitest';
import { claudeResponse, InjectClaude } from '../src/index.ts';
import { appOn, beginning, ending, moduleOf, question, stream, upstream, urlOf, type Upstream } from './support.ts';

let claude: Upstream;
let app: INestApplication;
afterEach(async () => {
  claude.close();
  await app.close();
});

/** The one of Nest's own documentation. */
class Timeout implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(
      timeout(50),
      catchError(() => throwError(() => new RequestTimeoutException())),
    );
  }
}

@Controller()
class Chat {
  constructor(@InjectClaude() readonly client: Anthropic) {}
  @Get('plain') plain() {
    return this.client.messages.create(question());
  }
  @Get('inside') @UseInterceptors(Timeout) inside() {
    return this.client.messages.create(question());
  }
  @Get('taken') taken() {
    return claudeResponse(this.client.messages.create({ ...question(), stream: true }));
  }
}

it.each([
  ['outside of ours', 'plain', [{ provide: APP_INTERCEPTOR, useClass: Timeout }]],
  ['inside of ours', 'inside', []],
])('a timeout of rxjs %s ends the call that it no longer waits for', async (_, path, providers) => {
  claude = await upstream(() => {});
  app = await appOn('express', moduleOf({ url: claude.url, controllers: [Chat], providers }));

  const reply = await fetch(`${urlOf(app)}/${path}`);

  expect(reply.status).toBe(408);
  expect(await claude.asked[0]?.whole).toBe(false);
});

it('an interceptor that takes one value and leaves takes the stream with it', async () => {
  claude = await upstream((response) => {
    stream(response).write(beginning);
    setImmediate(() => response.end(ending));
  });
  const first: NestInterceptor = { intercept: (_, next) => next.handle().pipe(take(1)) };
  app = await appOn(
    'express',
    moduleOf({ url: claude.url, controllers: [Chat], providers: [{ provide: APP_INTERCEPTOR, useValue: first }] }),
  );

  expect(await (await fetch(`${urlOf(app)}/taken`)).text()).toContain('message_stop');
});
