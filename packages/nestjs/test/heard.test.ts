import 'reflect-metadata';
import type Anthropic from '@anthropic-ai/sdk';
import { Controller, Get, Res, Sse, type INestApplication } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claudeEvents, claudeResponse, InjectClaude, sendStream } from '../src/index.ts';
import { appOn, beginning, ending, moduleOf, question, refuse, stream, upstream, urlOf, type Platform, type Upstream } from './support.ts';

let claude: Upstream;
let app: INestApplication;
const heard: string[] = [];
beforeEach(async () => {
  heard.length = 0;
  claude = await upstream((response, { model }) => {
    if (model === 'refused') return refuse(response, 401, 'authentication_error');
    stream(response).write(beginning, () => {
      if (model === 'broken') setImmediate(() => response.destroy());
    });
    if (model === 'silent-end') response.end();
    else if (model === 'whole') response.end(ending);
  });
});
afterEach(async () => {
  claude.close();
  await app.close();
});

function controllerFor(model: string) {
  @Controller()
  class Chat {
    constructor(@InjectClaude() readonly client: Anthropic) {}
    #ask = () => this.client.messages.create({ ...question(model), stream: true });
    @Sse('claudeEvents') events() {
      return claudeEvents(this.#ask());
    }
    @Get('claudeResponse') web() {
      return claudeResponse(this.#ask());
    }
    @Get('sendStream') async send(@Res() response: object) {
      await sendStream(response, this.#ask());
    }
  }
  return Chat;
}

// The bare SDK beneath: what the stream itself says reaches the adapter.
const start = async (platform: Platform, model: string) => {
  const options = { drainMs: 0, endMs: 500, errors: { onError: (_: unknown, { kind }: { kind: string }) => void heard.push(kind) } };
  app = await appOn(platform, moduleOf({ url: claude.url, controllers: [controllerFor(model)], holdfast: null, options }));
  return urlOf(app);
};

const ways = ['claudeEvents', 'claudeResponse', 'sendStream'];

describe.each<Platform>(['express', 'fastify'])('on %s', (platform) => {
  it.each(
    ways.flatMap((way) => [
      [way, 'refused', 'upstream-auth'],
      [way, 'broken', 'stream-broken'],
      [way, 'silent-end', 'stream-broken'],
    ]),
  )('onError hears once of a failure in %s: %s', async (way, model, kind) => {
    const url = await start(platform, model);

    const text = await (await fetch(`${url}/${way}`)).text();

    expect(text).not.toContain('message_stop');
    expect(text).not.toContain('the words of the upstream');
    expect(text).toContain(`"code":"${kind}"`);
    expect(heard).toEqual([kind]);
  });

  it.each(ways)('%s is told in band that the server goes down', async (way) => {
    const url = await start(platform, 'silent');
    const reply = await fetch(`${url}/${way}`);
    const text = reply.text();
    await expect.poll(() => claude.asked.length).toBe(1);

    await app.close();

    expect(await text).toContain('shutting-down');
    expect(await claude.asked[0]?.whole).toBe(false);
  });

  it('tells an EventSource not to ask again for what it has', async () => {
    const url = await start(platform, 'whole');

    expect(await (await fetch(`${url}/claudeEvents`)).text()).toMatch(/event: message_stop\nid: \d+\nretry: 2147483647\n/);
    expect(heard).toEqual([]);
  });
});
