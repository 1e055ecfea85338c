import 'reflect-metadata';
import Anthropic from '@anthropic-ai/sdk';
import type { Holdfast } from '@holdfast/core';
import { fakeClaude, referenceAnswer, type FakeClaude } from '@holdfast/testing';
import { Controller, HttpCode, Inject, Injectable, Module, Post, Sse, type INestApplication } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  claudeEvents,
  getClaudeToken,
  getHoldfastToken,
  HoldfastExceptionFilter,
  HoldfastHealth,
  HoldfastModule,
  InjectClaude,
  InjectHoldfast,
  type HoldfastModuleOptions,
  type HoldfastOptionsFactory,
} from '../src/index.ts';

const body = { model: 'claude-opus-5-5', max_tokens: 4096, messages: [{ role: 'user' as const, content: 'hi' }] };
let claude: FakeClaude;
beforeEach(async () => {
  claude = await fakeClaude();
});
afterEach(() => claude.close());

const options = (): HoldfastModuleOptions<Anthropic> => ({
  client: (hold) => new Anthropic({ baseURL: claude.url, apiKey: 'test', middleware: [hold] }),
  holdfast: { random: () => 0, retry: { throttledBaseMs: 0, baseMs: 0 } },
});

describe('HoldfastModule', () => {
  it('gives a client with Holdfast in front of it, and its controls', async () => {
    const module = await Test.createTestingModule({ imports: [HoldfastModule.forRoot(options())] }).compile();
    const client = module.get<Anthropic>(getClaudeToken());
    const hold = module.get<Holdfast>(getHoldfastToken());
    claude.script('overloaded');

    const message = await client.messages.create(body);

    expect(message.content).toEqual(referenceAnswer('text').content);
    expect(hold.attempts(message)?.attempts).toHaveLength(2);
    await module.close();
  });

  it('keeps several named clients apart', async () => {
    const module = await Test.createTestingModule({
      imports: [HoldfastModule.forRoot(options()), HoldfastModule.forRoot({ ...options(), name: 'batch' })],
    }).compile();

    expect(module.get(getClaudeToken())).not.toBe(module.get(getClaudeToken('batch')));
    expect(module.get(HoldfastHealth).reply('status').body.claude).toEqual({ default: 'ok', batch: 'ok' });
    await module.close();
  });

  it('takes its options from a factory, a class or an existing provider', async () => {
    @Injectable()
    class Config implements HoldfastOptionsFactory {
      createHoldfastOptions = () => options();
    }
    @Module({ providers: [Config], exports: [Config] })
    class ConfigModule {}

    for (const way of [
      { useFactory: () => options() },
      { imports: [ConfigModule], inject: [Config], useFactory: (config: Config) => config.createHoldfastOptions() },
      { useClass: Config },
      { imports: [ConfigModule], useExisting: Config },
    ]) {
      const module = await Test.createTestingModule({
        imports: [HoldfastModule.forRootAsync({ name: 'async', ...way } as never)],
      }).compile();
      expect(module.get(getClaudeToken('async'))).toBeInstanceOf(Anthropic);
      await module.close();
    }
    expect(() => HoldfastModule.forRootAsync({})).toThrow('useFactory, useClass or useExisting');
  });

  it('lets a test put something else in a client’s place', async () => {
    const fake = { messages: {} };
    const module = await Test.createTestingModule({ imports: [HoldfastModule.forRoot({ ...options(), name: 'batch' })] })
      .overrideProvider(getClaudeToken('batch'))
      .useValue(fake)
      .compile();

    expect(module.get(getClaudeToken('batch'))).toBe(fake);
    await module.close();
  });

  it('reports to Terminus: up, up but degraded, down', async () => {
    const module = await Test.createTestingModule({ imports: [HoldfastModule.forRoot(options())] }).compile();
    const health = module.get(HoldfastHealth);
    expect(health.check('claude')).toEqual({ claude: { status: 'up' } });
    claude.always('server-error');
    const client = module.get<Anthropic>(getClaudeToken());
    for (let call = 0; call < 6; call += 1) await client.messages.create(body).catch(() => {});

    expect(health.check('claude', 'default')).toEqual({ claude: { status: 'down' } });
    await module.close();
  });
});

describe('HoldfastExceptionFilter', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('the log is full');
      },
    ],
    ['rejects', (): unknown => Promise.reject(new Error('the log is full'))],
  ])('replies also where onError %s', async (_, onError) => {
    @Controller()
    class Chat {
      constructor(@InjectClaude() readonly client: Anthropic) {}

      @Post('chat')
      chat() {
        return this.client.messages.create(body);
      }
    }
    claude.always('bad-key');
    const module = await Test.createTestingModule({
      imports: [
        HoldfastModule.forRoot(options()),
        HoldfastModule.forApp({ readinessDelayMs: 0, errors: { onError: () => onError() as undefined } }),
      ],
      controllers: [Chat],
      providers: [{ provide: APP_FILTER, useExisting: HoldfastExceptionFilter }],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();

    const reply = await fetch(`http://127.0.0.1:${port}/chat`, { method: 'POST' });

    expect(await reply.json()).toMatchObject({ code: 'upstream-auth' });
    await app.close();
  });
});

describe('claudeEvents', () => {
  it.each(['before its first event', 'after it'])('stops a silent upstream when the client leaves %s', async (when) => {
    const signals: (AbortSignal | null | undefined)[] = [];
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      signals.push(init?.signal);
      const first = 'event: ping\ndata: {"type":"ping"}\n\nevent: message_start\ndata: {"type":"message_start","message":{}}\n\n';
      const silent = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode(when === 'after it' ? first : '')),
      });
      return new Response(silent, { headers: { 'content-type': 'text/event-stream' } });
    };
    const source = new Anthropic({ fetch, apiKey: 'test' }).messages.create({ ...body, stream: true });
    const heard = vi.fn();
    const subscription = claudeEvents(source).subscribe(heard);
    if (when === 'after it') await vi.waitFor(() => expect(heard).toHaveBeenCalled());

    subscription.unsubscribe();
    await source;
    await new Promise((resolve) => setImmediate(resolve));

    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
  });
});

describe('@Sse', () => {
  let app: INestApplication;
  afterEach(() => app.close());

  it('delivers a healed answer, and a failure as an error event without the upstream’s words', async () => {
    @Controller()
    class Chat {
      constructor(
        @InjectClaude() readonly client: Anthropic,
        @InjectHoldfast() readonly hold: Holdfast,
        @Inject(HoldfastHealth) readonly health: HoldfastHealth,
      ) {}

      @Post('chat')
      @HttpCode(200)
      @Sse()
      chat() {
        return claudeEvents(this.client.messages.create({ ...body, stream: true }));
      }
    }
    const module = await Test.createTestingModule({ imports: [HoldfastModule.forRoot(options())], controllers: [Chat] }).compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const url = `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}/chat`;
    const ask = async (): Promise<{ type: string; delta?: { text?: string } }[]> =>
      (await (await fetch(url, { method: 'POST' })).text())
        .split('\n')
        .filter((line) => line.startsWith('data: '))
        .map((line) => JSON.parse(line.slice(6)) as { type: string });

    claude.script('cut-mid-stream');
    const events = await ask();
    claude.always('bad-key');
    const [failure] = await ask();

    expect(events.map(({ delta }) => delta?.text ?? '').join('')).toBe(referenceAnswer('text').content[0]?.['text']);
    expect(failure).toMatchObject({ code: 'upstream-auth', retryable: false });
  });
});
