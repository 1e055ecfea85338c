// An upstream by hand, and applications on both platforms, over real sockets.

import Anthropic from '@anthropic-ai/sdk';
import type { HoldfastOptions } from '@holdfast/core';
import { Module, type INestApplication, type Provider, type Type } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HoldfastExceptionFilter, HoldfastInterceptor, HoldfastModule, type HoldfastAppOptions } from '../src/index.ts';

export interface AskedBody {
  readonly model: string;
  readonly stream?: boolean;
}

export interface Upstream {
  readonly url: string;
  /** One entry a request; it resolves to whether the answer was written whole when its connection closed. */
  readonly asked: { readonly body: AskedBody; readonly whole: Promise<boolean> }[];
  close(): void;
}

const event = (type: string, data: object = {}): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

export const beginning =
  event('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-opus-5-5',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 5, output_tokens: 1 },
    },
  }) +
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'hello ' } });
export const ending =
  event('content_block_stop', { index: 0 }) +
  event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 9 } }) +
  event('message_stop');

export const stream = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });

export function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export const refuse = (response: ServerResponse, status: number, type: string): void =>
  json(response, status, { type: 'error', error: { type, message: 'the words of the upstream' } });

export async function upstream(answer: (response: ServerResponse, body: AskedBody) => void): Promise<Upstream> {
  const asked: Upstream['asked'] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      const body = JSON.parse(text || '{}') as AskedBody;
      asked.push({ body, whole: once(response, 'close').then(() => response.writableFinished) });
      answer(response, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export const question = (model = 'claude-opus-5-5') => ({ model, max_tokens: 64, messages: [{ role: 'user' as const, content: 'hi' }] });

export interface AppParts {
  readonly url: string;
  readonly controllers?: Type[];
  readonly providers?: Provider[];
  readonly imports?: (Type | ReturnType<typeof HoldfastModule.forApp>)[];
  readonly options?: HoldfastAppOptions;
  readonly holdfast?: HoldfastOptions | null;
}

export const ourProviders: Provider[] = [
  { provide: APP_INTERCEPTOR, useExisting: HoldfastInterceptor },
  { provide: APP_FILTER, useExisting: HoldfastExceptionFilter },
];

/** `holdfast: null` leaves the middleware out: the bare SDK's failures reach the adapter. */
export function moduleOf({
  url,
  controllers = [],
  providers = [],
  imports = [],
  options = {},
  holdfast = { retry: false },
}: AppParts): Type {
  @Module({
    imports: [
      HoldfastModule.forRoot({
        client: (hold) => new Anthropic({ baseURL: url, apiKey: 'k', maxRetries: 0, ...(holdfast === null ? {} : { middleware: [hold] }) }),
        ...(holdfast === null ? {} : { holdfast }),
      }),
      HoldfastModule.forApp(options),
      ...imports,
    ],
    controllers,
    providers: [...providers, ...ourProviders],
  })
  class AppModule {}
  return AppModule;
}

export type Platform = 'express' | 'fastify';

export async function appOn(
  platform: Platform,
  module: Type,
  prepare: (app: INestApplication) => unknown = () => {},
): Promise<INestApplication> {
  const app =
    platform === 'express'
      ? await NestFactory.create(module, { logger: false })
      : await NestFactory.create(module, new FastifyAdapter() as never, { logger: false });
  await prepare(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

export const urlOf = (app: INestApplication): string =>
  `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`;
