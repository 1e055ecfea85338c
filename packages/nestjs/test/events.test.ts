import 'reflect-metadata';
import type Anthropic from '@anthropic-ai/sdk';
import { Controller, Sse, type INestApplication } from '@nestjs/common';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { claudeEvents, InjectClaude } from '../src/index.ts';
import { appOn, moduleOf, question, upstream, urlOf, type Platform, type Upstream } from './support.ts';

let claude: Upstream;
let app: INestApplication | undefined;
afterEach(async () => {
  claude.close();
  await app?.close();
  app = undefined;
});

/** A gate that a handler waits at, and the moment it came there. */
function gate() {
  let open = (): void => {};
  let arrive = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  return { open, arrived, pass: () => (arrive(), opened) };
}

describe.each<Platform>(['express', 'fastify'])('a client of @Sse that leaves before its handler returned, on %s', (platform) => {
  it.each(['late', 'awaited', 'reads-ahead'])('harms nobody, and is asked nothing for: %s', async (way) => {
    const { open, arrived, pass } = gate();
    @Controller()
    class Chat {
      constructor(@InjectClaude() readonly client: Anthropic) {}
      #ask = () => this.client.messages.create({ ...question(), stream: true });
      @Sse('late') async late() {
        await pass();
        return claudeEvents(this.#ask());
      }
      @Sse('awaited') async awaited() {
        void pass();
        return claudeEvents(await this.#ask());
      }
      @Sse('reads-ahead') async readsAhead() {
        await pass();
        return claudeEvents(this.client.messages.stream(question()));
      }
    }
    const unheard = vi.fn();
    process.on('unhandledRejection', unheard);
    // It never answers, so a call ends only with its client.
    claude = await upstream(() => {});
    app = await appOn(platform, moduleOf({ url: claude.url, controllers: [Chat] }));
    const left = request(`${urlOf(app)}/${way}`).on('error', () => {});
    left.end();
    await arrived;
    if (way === 'awaited') await vi.waitFor(() => expect(claude.asked).toHaveLength(1));

    left.destroy();
    if (claude.asked[0]) expect(await claude.asked[0].whole).toBe(false);
    // The server has seen it too, and whatever it let go unheard has been noticed.
    await once(app.getHttpServer() as NodeJS.EventEmitter, 'connection', { signal: AbortSignal.timeout(50) }).catch(() => {});
    open();
    expect((await fetch(`${urlOf(app)}/nothing`)).status).toBe(404);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unheard);

    expect(unheard.mock.calls).toEqual([]);
    for (const { whole } of claude.asked) expect(await whole).toBe(false);
  });
});
