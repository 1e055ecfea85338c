// Clients that mean no good.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { assertNoSecrets } from './mapping-cases.ts';
import { send, type WireReply } from './wire-client.ts';
import { within } from './wait.ts';
import type { Case, World } from './world.ts';

export const hostileCases: readonly Case[] = [
  {
    name: 'refuses a huge body without reading it all, and goes on',
    async run(world) {
      const reply = await world.ask('message', { prompt: 'x'.repeat(8 * world.context.maxBodyBytes) }).catch(() => 'cut off' as const);

      if (reply !== 'cut off') assertClientError(world, reply);
      await assertServes(world);
    },
  },
  {
    name: 'refuses malformed JSON as the client’s mistake',
    async run(world) {
      for (const body of ['{"prompt":', 'null', '[]', '"text"', '{"prompt":{"__proto__":{"polluted":true}}}', '']) {
        const request = world.requestFor('message');
        const reply = await send(world.app.url, { ...request, body });

        assertClientError(world, reply);
      }
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
      await assertServes(world);
    },
  },
  {
    name: 'takes no harm from odd ids and headers',
    async run(world) {
      const prompt = world.prompt({ type: 'refuse', refusal: { status: 529, type: 'overloaded_error' } });
      for (const id of ['<script>alert(1)</script>', 'x'.repeat(4_000), "'; drop table requests; --", '\u00ff\u00fe', '']) {
        const reply = await world.ask(
          'message',
          { prompt },
          { 'x-request-id': id, 'x-forwarded-for': 'unknown, , ::1', 'accept-language': ';;;q=' },
        );
        const problem = world.dialect.problemOf(reply.body);

        assert.equal(problem?.code, 'overloaded');
        assert.notEqual(problem.requestId, id, 'an id that could do harm is replaced');
        assert.ok(problem.requestId);
      }
    },
  },
  {
    name: 'takes no harm from bytes that are no HTTP',
    async run(world) {
      const { hostname, port } = new URL(world.app.url);
      for (const bytes of [
        '\u0000\u0001\u0002\r\n\r\n',
        'POST /message HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'GET / HTTP/9.9\r\n\r\n',
      ]) {
        await within(
          new Promise<void>((resolve) => {
            const socket = connect(Number(port), hostname, () => socket.end(bytes));
            socket.on('error', () => {});
            socket.on('close', () => resolve());
            socket.resume();
          }),
          'the connection to be closed',
        );
      }
      await assertServes(world);
    },
  },
];

function assertClientError(world: World, reply: WireReply): void {
  assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status} ${reply.body}`);
  assertNoSecrets(world, reply);
}

async function assertServes(world: World): Promise<void> {
  const reply = await world.ask('message', { prompt: world.prompt({ type: 'answer', words: ['still here'] }) });
  assert.equal(world.dialect.messageOf(reply.body), 'still here');
}
