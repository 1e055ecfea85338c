import 'reflect-metadata';
import type Anthropic from '@anthropic-ai/sdk';
import { Controller, UseFilters, type INestApplication, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import { ClientProxyFactory, MessagePattern, RpcException, Transport } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { HoldfastExceptionFilter, InjectClaude, type HoldfastAppOptions } from '../src/index.ts';
import { appOn, moduleOf, question, refuse, upstream, urlOf, type Upstream } from './support.ts';

let claude: Upstream;
let app: INestApplication | INestMicroservice;
const heard: string[] = [];
const options: HoldfastAppOptions = { drainMs: 0, endMs: 0, errors: { onError: (_, { kind }) => void heard.push(kind) } };
beforeEach(async () => {
  heard.length = 0;
  claude = await upstream((response, { model }) => {
    if (model !== 'silent') refuse(response, 529, 'overloaded_error');
  });
});
afterEach(async () => {
  claude.close();
  await app.close();
});

const overloaded = { code: 'overloaded', retryable: true, retryAfterMs: expect.any(Number) as number };

describe('a microservice', () => {
  @Controller()
  class Orders {
    constructor(@InjectClaude() readonly client: Anthropic) {}
    @MessagePattern('own') own() {
      throw new RpcException({ code: 'NO_SUCH_ORDER', message: 'there is no order 7' });
    }
    @MessagePattern('plain') plain() {
      throw new Error('a secret');
    }
    @MessagePattern('claude') claude() {
      return this.client.messages.create(question());
    }
  }

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  it.each(['alone', 'beside HTTP, with its configuration'])('keeps its own errors, and tells Claude’s in their form: %s', async (how) => {
    const port = await freePort();
    const over = { transport: Transport.TCP, options: { host: '127.0.0.1', port } } as const;
    const module = moduleOf({ url: claude.url, controllers: [Orders], options });
    if (how === 'alone') {
      const service = await NestFactory.createMicroservice(module, { ...over, logger: false } as never);
      await service.listen();
      app = service;
    } else {
      app = await appOn('express', module, async (made) => {
        made.connectMicroservice(over as never, { inheritAppConfig: true });
        await made.startAllMicroservices();
      });
    }
    const client = ClientProxyFactory.create(over);
    const said = (pattern: string): Promise<unknown> =>
      firstValueFrom(client.send(pattern, {})).then(
        (value: unknown) => ({ value }),
        (error: unknown) => error,
      );

    expect(await said('own')).toEqual({ code: 'NO_SUCH_ORDER', message: 'there is no order 7' });
    expect(await said('plain')).toEqual({ status: 'error', message: 'Internal server error' });
    const told = await said('claude');
    client.close();

    expect(told).toMatchObject({ status: 'error', ...overloaded });
    expect(JSON.stringify(told)).not.toContain('the words of the upstream');
    expect(heard).toEqual(['overloaded']);
  });
});

describe('a gateway', () => {
  // Nest gives gateways no global filters.
  @UseFilters(HoldfastExceptionFilter)
  @WebSocketGateway()
  class Gateway {
    constructor(@InjectClaude() readonly client: Anthropic) {}
    @SubscribeMessage('own') own() {
      throw new WsException('there is no order 7');
    }
    @SubscribeMessage('plain') plain() {
      throw new Error('a secret');
    }
    @SubscribeMessage('claude') claude() {
      return this.client.messages.create(question());
    }
  }

  it('keeps its own errors, and tells Claude’s in their form', async () => {
    app = await appOn('express', moduleOf({ url: claude.url, providers: [Gateway], options }), (made) => {
      made.useWebSocketAdapter(new WsAdapter(made));
    });
    const socket = new WebSocket(urlOf(app as INestApplication).replace('http', 'ws'));
    await once(socket, 'open');
    const said = async (event: string): Promise<unknown> => {
      const answer = once(socket, 'message');
      socket.send(JSON.stringify({ event, data: {} }));
      return JSON.parse(String((await answer)[0]));
    };

    expect(await said('own')).toMatchObject({ event: 'exception', data: { status: 'error', message: 'there is no order 7' } });
    expect(await said('plain')).toMatchObject({ event: 'exception', data: { status: 'error', message: 'Internal server error' } });
    const told = await said('claude');
    socket.close();

    expect(told).toMatchObject({ event: 'exception', data: { status: 'error', ...overloaded } });
    expect(JSON.stringify(told)).not.toContain('the words of the upstream');
    expect(heard).toEqual(['overloaded']);
  });
});

describe('a GraphQL resolver', () => {
  @Resolver('Answer')
  class Answers {
    constructor(@InjectClaude() readonly client: Anthropic) {}
    @Query('own') own() {
      throw Object.assign(new Error('there is no order 7'), { extensions: { code: 'NO_SUCH_ORDER' } });
    }
    @Query('claude') async claude(@Args('model') model: string) {
      return (await this.client.messages.create(question(model))).id;
    }
  }

  const contexts = {
    Mercurius: undefined,
    Apollo: (req: object, res: object) => ({ req, res }),
  };

  async function start(context: object | undefined, more: HoldfastAppOptions = {}): Promise<string> {
    const graphql = GraphQLModule.forRoot({
      driver: MercuriusDriver,
      typeDefs: 'type Query { own: String, claude(model: String!): String }',
      ...(context ? { context } : {}),
    } as never);
    app = await appOn('fastify', moduleOf({ url: claude.url, providers: [Answers], imports: [graphql], options: { ...options, ...more } }));
    return `${urlOf(app as INestApplication)}/graphql`;
  }
  const ask = async (url: string, query: string) =>
    (await (
      await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) })
    ).json()) as { errors: { message: string; extensions: object }[] };

  it('keeps its own errors, and tells Claude’s in `extensions`', async () => {
    const url = await start(undefined);

    expect((await ask(url, '{ own }')).errors).toMatchObject([{ message: 'there is no order 7', extensions: { code: 'NO_SUCH_ORDER' } }]);
    const { errors } = await ask(url, '{ claude(model: "m") }');

    expect(errors).toMatchObject([{ extensions: { ...overloaded, code: 'OVERLOADED', requestId: expect.any(String) as string } }]);
    expect(JSON.stringify(errors)).not.toContain('the words of the upstream');
    expect(heard).toEqual(['overloaded']);
  });

  it.each(Object.entries(contexts))('has the deadline of its request, in a context like that of %s', async (_, context) => {
    const url = await start(context, { deadlineMs: 50 });

    const { errors } = await ask(url, '{ claude(model: "silent") }');

    expect(errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
  });

  it.each(Object.entries(contexts))('ends its calls with its client, in a context like that of %s', async (_, context) => {
    const url = await start(context);
    const left = request(url, { method: 'POST', headers: { 'content-type': 'application/json' } }).on('error', () => {});
    left.end(JSON.stringify({ query: '{ claude(model: "silent") }' }));
    await expect.poll(() => claude.asked.length).toBe(1);

    left.destroy();

    expect(await claude.asked[0]?.whole).toBe(false);
  });
});
