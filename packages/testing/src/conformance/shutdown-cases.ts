// Going down with answers under way.

import assert from 'node:assert/strict';
import { until, within } from './wait.ts';
import type { Case, World } from './world.ts';

const words = ['Not ', 'yet.'];

const format = (world: World): 'anthropic-sse' | 'text' | 'ndjson' => world.dialect.formats[0] ?? 'anthropic-sse';

export const shutdownCases: readonly Case[] = [
  {
    name: 'is not ready at once when going down, still alive, and lets a running stream end whole',
    fresh: true,
    async run(world) {
      const prompt = world.prompt({ type: 'answer', words, then: 'wait' });
      const stream = await world.open('stream', { prompt, as: format(world) });
      await until(() => world.dialect.streamOf(stream.received(), format(world)).text === words.join(''), 'the first words');

      const down = world.app.shutdown();
      const [ready, live] = await Promise.all([world.ask('ready'), world.ask('live')]);
      world.upstream.release(prompt);
      const { body } = await stream.rest();
      await within(down, 'the server to be down');

      assert.deepEqual([ready.status, live.status], [503, 200]);
      assert.deepEqual(world.dialect.streamOf(body, format(world)), { text: words.join(''), error: null, complete: true });
    },
  },
  {
    name: 'ends a stream that takes too long with an error that invites a retry, and stops its upstream',
    fresh: true,
    async run(world) {
      const prompt = world.prompt({ type: 'answer', words, then: 'wait' });
      const stream = await world.open('stream', { prompt, as: format(world) });
      await until(() => world.dialect.streamOf(stream.received(), format(world)).text === words.join(''), 'the first words');

      const down = world.app.shutdown();
      const { body } = await stream.rest();
      await within(down, 'the server to be down');

      assert.deepEqual(world.dialect.streamOf(body, format(world)), {
        text: words.join(''),
        error: { code: 'shutting-down', retryable: true },
        complete: false,
      });
      assert.deepEqual(await Promise.all(world.upstream.calls(prompt).map((call) => call.left)), [true]);
    },
  },
  {
    name: 'refuses connections when it is down',
    fresh: true,
    async run(world) {
      await within(world.app.shutdown(), 'the server to be down');

      await assert.rejects(world.ask('live'));
    },
  },
];
