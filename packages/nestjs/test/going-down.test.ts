import 'reflect-metadata';
import Anthropic from '@anthropic-ai/sdk';
import type { Holdfast } from '@holdfast/core';
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HoldfastApp, HoldfastHealth, HoldfastModule, InjectClaude, InjectHoldfast } from '../src/index.ts';
import { appOn, json, moduleOf, question, refuse, upstream, urlOf, type Upstream } from './support.ts';

let claude: Upstream;
let failing: Upstream;
beforeEach(async () => {
  const message = { id: 'm', type: 'message', role: 'assistant', content: [], stop_reason: 'end_turn', usage: {} };
  claude = await upstream((response) => json(response, 200, message));
  failing = await upstream((response) => refuse(response, 500, 'api_error'));
});
afterEach(() => {
  claude.close();
  failing.close();
});

const registration = (url: string) => ({
  client: (hold: Holdfast) => new Anthropic({ baseURL: url, apiKey: 'k', maxRetries: 0, middleware: [hold] }),
  holdfast: { retry: false, breaker: { waitMs: 0 } } as const,
});

@Controller()
class Probes {
  constructor(
    @Inject(HealthCheckService) readonly terminus: HealthCheckService,
    @Inject(HoldfastHealth) readonly health: HoldfastHealth,
  ) {}
  @Get('terminus') check() {
    return this.terminus.check([() => this.health.check('claude')]);
  }
}

it('two modules that use the default name are both seen, and both closed', async () => {
  @Injectable()
  class A {
    constructor(
      @InjectClaude() readonly client: Anthropic,
      @InjectHoldfast() readonly hold: Holdfast,
    ) {}
  }
  @Injectable()
  class B {
    constructor(
      @InjectClaude() readonly client: Anthropic,
      @InjectHoldfast() readonly hold: Holdfast,
    ) {}
  }
  @Module({ imports: [HoldfastModule.forRoot({ ...registration(failing.url), isGlobal: false })], providers: [A] })
  class FeatureA {}
  @Module({ imports: [HoldfastModule.forRoot({ ...registration(claude.url), isGlobal: false })], providers: [B] })
  class FeatureB {}
  const module = await Test.createTestingModule({ imports: [FeatureA, FeatureB] }).compile();
  await module.init();
  const a = module.get(A, { strict: false });
  const b = module.get(B, { strict: false });
  for (let call = 0; call < 12; call += 1) await a.client.messages.create(question()).catch(() => {});

  expect(module.get(HoldfastHealth).reply('ready')).toMatchObject({
    status: 200,
    body: { status: 'degraded', claude: { default: 'down', 'default-2': 'ok' } },
  });
  await module.close();
  for (const { client } of [a, b])
    await expect(client.messages.create(question())).rejects.toMatchObject({ errorCode: 'holdfast_shutting_down' });
});

it('clients that are made for each request leave one entry', async () => {
  @Controller()
  class Tenant {
    constructor(@InjectClaude('tenant') readonly client: Anthropic) {}
    @Get('who') who() {
      return { key: this.client.apiKey };
    }
  }
  @Module({
    imports: [
      HoldfastModule.forRootAsync({
        name: 'tenant',
        inject: [REQUEST],
        useFactory: ((request: { headers: Record<string, string> }) => ({
          client: (hold: Holdfast) => new Anthropic({ apiKey: request.headers['x-key'] ?? '', middleware: [hold] }),
        })) as never,
      }),
    ],
    controllers: [Tenant],
  })
  class AppModule {}
  const app = await appOn('express', AppModule);
  for (const key of ['one', 'two']) expect(await (await fetch(`${urlOf(app)}/who`, { headers: { 'x-key': key } })).json()).toEqual({ key });

  expect([...app.get(HoldfastApp).controls.keys()]).toEqual(['tenant']);
  await app.close();
});

describe('Terminus', () => {
  it('is told down while the application waits for its load balancer', async () => {
    const app = await appOn(
      'express',
      moduleOf({ url: claude.url, controllers: [Probes], imports: [TerminusModule], options: { readinessDelayMs: 300 } }),
    );
    expect((await fetch(`${urlOf(app)}/terminus`)).status).toBe(200);
    const closing = app.close();
    await expect.poll(() => app.get(HoldfastApp).drain.state).toBe('draining');

    expect((await fetch(`${urlOf(app)}/terminus`)).status).toBe(503);
    expect(app.get(HoldfastHealth).check('claude')).toEqual({ claude: { status: 'down', draining: true } });
    await closing;
  });

  it('is told degraded, not down, where an answer stands in', async () => {
    const answer = () => ({ id: 'x', type: 'message', role: 'assistant', content: [], stop_reason: 'end_turn', usage: {} }) as never;
    const module = await Test.createTestingModule({
      imports: [HoldfastModule.forRoot({ ...registration(failing.url), holdfast: { retry: false, breaker: { waitMs: 0 }, answer } })],
    }).compile();
    const client = module.get<Anthropic>('HOLDFAST_CLAUDE_default');
    for (let call = 0; call < 12; call += 1) await client.messages.create(question());

    expect(module.get(HoldfastHealth).check('claude')).toEqual({ claude: { status: 'up', degraded: true } });
    expect(module.get(HoldfastHealth).reply('ready').status).toBe(200);
    await module.close();
  });
});

it.each([
  [undefined, 'closed'],
  ['SIGTERM', 'draining'],
])('ended by %s, an application without options is %s before its load balancer could have looked', async (signal, state) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  const server = { listening: true, close: (done: () => void) => done() };
  const app = new HoldfastApp(undefined, { httpAdapter: { getHttpServer: () => server } } as never);
  app.onModuleInit();

  const closed = app.beforeApplicationShutdown(signal);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(app.drain.state).toBe(state);
  await vi.advanceTimersByTimeAsync(3_000);
  await closed;

  expect(app.drain.state).toBe('closed');
  vi.useRealTimers();
});
