import 'reflect-metadata';
import type Anthropic from '@anthropic-ai/sdk';
import { Controller, Get, Header, Res, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claudeResponse, HoldfastApp, InjectClaude, sendStream } from '../src/index.ts';
import { appOn, beginning, ending, moduleOf, question, refuse, stream, upstream, urlOf, type Platform, type Upstream } from './support.ts';

let claude: Upstream;
let app: INestApplication;
beforeEach(async () => {
  claude = await upstream((response, { model }) => {
    if (model === 'refused') refuse(response, 529, 'overloaded_error');
    else if (model === 'silent') stream(response).write(beginning);
    else stream(response).end(beginning + ending);
  });
});
afterEach(() => claude.close());

@Controller()
class Chat {
  constructor(@InjectClaude() readonly client: Anthropic) {}
  #ask = (model?: string) => this.client.messages.create({ ...question(model), stream: true });
  @Get('json') json() {
    return {};
  }
  @Get('stream') @Header('x-mine', 'yes') async stream(@Res() response: object) {
    await sendStream(response, this.#ask());
  }
  @Get('web') @Header('x-mine', 'yes') web() {
    return claudeResponse(this.#ask());
  }
  @Get('refused') @Header('x-mine', 'yes') refused() {
    return this.client.messages.create(question('refused'));
  }
  @Get('refused-stream') @Header('x-mine', 'yes') async refusedStream(@Res() response: object) {
    await sendStream(response, this.#ask('refused'));
  }
  @Get('silent') async silent(@Res() response: object) {
    await sendStream(response, this.#ask('silent'));
  }
}

describe.each<Platform>(['express', 'fastify'])('headers that were set before, on %s', (platform) => {
  it.each([
    ['stream', 200],
    ['web', 200],
    ['refused', 503],
    ['refused-stream', 503],
    ['json while going down', 503],
  ])('are on %s', async (what, status) => {
    app = await appOn(platform, moduleOf({ url: claude.url, controllers: [Chat], options: { drainMs: 0, endMs: 0 } }), (made) => {
      made.enableCors({ origin: 'https://a.example', credentials: true });
      if (platform === 'fastify') {
        const fastify = made.getHttpAdapter().getInstance() as {
          addHook(name: string, hook: (request: unknown, reply: { header(name: string, value: string): void }) => Promise<void>): void;
        };
        fastify.addHook('onRequest', async (_, reply) => {
          reply.header('x-trace', 't-1');
        });
        // As sessions and cookies do it.
        fastify.addHook('onSend', async (_, reply) => {
          reply.header('set-cookie', 'session=1');
        });
      }
    });
    if (what.includes('going down')) app.get(HoldfastApp).drain.enter('closing');

    const reply = await fetch(`${urlOf(app)}/${what.split(' ')[0]}`, { headers: { origin: 'https://a.example' } });
    const text = await reply.text();

    expect(reply.status).toBe(status);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'access-control-allow-origin': 'https://a.example',
      'access-control-allow-credentials': 'true',
      ...(what.includes('going down') ? {} : { 'x-mine': 'yes' }),
      ...(platform === 'fastify' ? { 'x-trace': 't-1', 'set-cookie': 'session=1' } : {}),
      'content-type': status === 200 ? 'text/event-stream; charset=utf-8' : expect.stringContaining('application/problem+json'),
    });
    if (status === 200) expect(text).toContain('message_stop');
    else expect(JSON.parse(text)).toMatchObject({ status: 503 });
    await app.close();
  });
});

describe('on Fastify over HTTP/2', () => {
  let session: ClientHttp2Session;
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  beforeEach(async () => {
    warnings.length = 0;
    process.on('warning', onWarning);
    app = await NestFactory.create(
      moduleOf({ url: claude.url, controllers: [Chat], options: { drainMs: 100, endMs: 100 } }),
      new FastifyAdapter({ http2: true } as never) as never,
      { logger: false },
    );
    await app.listen(0, '127.0.0.1');
    session = connect(`http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`);
  });
  afterEach(() => process.off('warning', onWarning));

  async function ask(path: string): Promise<{ status: number; text: string }> {
    const request = session.request({ ':path': `/${path}` }).setEncoding('utf8');
    const [headers] = (await once(request, 'response')) as [Record<string, number>];
    let text = '';
    for await (const part of request) text += part;
    return { status: headers[':status'] ?? 0, text };
  }

  it('streams, fails and refuses as over HTTP/1, without headers that it does not know', async () => {
    expect((await ask('stream')).text).toContain('message_stop');
    expect((await ask('web')).text).toContain('message_stop');
    expect((await ask('refused')).status).toBe(503);
    app.get(HoldfastApp).drain.enter('closing');
    expect(JSON.parse((await ask('json')).text)).toMatchObject({ code: 'shutting-down' });
    await app.close();
    expect(warnings).toEqual([]);
  });

  it('closes while a session is open and idle', async () => {
    await ask('json');
    const closed = once(session, 'close');

    await app.close();

    await closed;
    expect(app.get(HoldfastApp).drain.state).toBe('closed');
  });

  it('ends a stream that still runs in band, and then its session', async () => {
    const running = ask('silent');
    await expect.poll(() => claude.asked.length).toBe(1);

    await app.close();

    expect((await running).text).toContain('shutting-down');
    expect(await claude.asked[0]?.whole).toBe(false);
  });

  it('stops the upstream when a client leaves its stream', async () => {
    const request = session.request({ ':path': '/silent' });
    await once(request, 'data');

    request.close();

    expect(await claude.asked[0]?.whole).toBe(false);
    await app.close();
  });
});
