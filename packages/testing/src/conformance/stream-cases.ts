// Streams: whole, broken early, broken late, abandoned, stalled, and many at once.

import assert from 'node:assert/strict';
import type { Plan, Then } from './scripted-upstream.ts';
import { assertNoSecrets } from './mapping-cases.ts';
import { steady, until, within } from './wait.ts';
import type { Case, World } from './world.ts';

const words = ['Hold ', 'fast, ', 'þÿ 🚢 ', 'and\nread.'];
const answer = (then: Then = 'end'): Plan => ({ type: 'answer', words, then });

/** The format for everything that is not about formats. */
const main = (world: World): 'anthropic-sse' | 'text' | 'ndjson' => world.dialect.formats[0] ?? 'anthropic-sse';

/** More than sockets and buffers between upstream and client hold, and far less than an endless answer. */
const mostBytesAhead = 24 * 1024 * 1024;

export const streamCases: readonly Case[] = [
  {
    name: 'streams a whole answer in every format',
    async run(world) {
      for (const as of world.dialect.formats) {
        const reply = await world.ask('stream', { prompt: world.prompt(answer()), as });

        assert.equal(reply.status, 200);
        assert.deepEqual(
          [reply.whole, world.dialect.streamOf(reply.body, as)],
          [true, { text: words.join(''), error: null, complete: true }],
          as,
        );
      }
    },
  },
  {
    name: 'tells proxies and compressors to leave a stream alone',
    async run(world) {
      const reply = await world.ask('stream', { prompt: world.prompt(answer()), as: main(world) });

      assert.match(String(reply.headers['cache-control']), /no-transform/);
      assert.equal(reply.headers['x-accel-buffering'], 'no');
    },
  },
  {
    name: 'hands on each event when it comes',
    async run(world) {
      const prompt = world.prompt(answer('wait'));
      const stream = await world.open('stream', { prompt, as: main(world) });
      await until(() => world.dialect.streamOf(stream.received(), main(world)).text === words.join(''), 'the words that were sent');

      world.upstream.release(prompt);

      assert.equal(world.dialect.streamOf((await stream.rest()).body, main(world)).complete, true);
    },
  },
  {
    name: 'gives a stream that fails before its first event a status',
    async run(world) {
      const refused = await world.ask('stream', {
        prompt: world.prompt({ type: 'refuse', refusal: { status: 529, type: 'overloaded_error' } }),
        as: main(world),
      });
      const broken = await world.ask('stream', {
        prompt: world.prompt({ type: 'answer', words: [], then: 'error-event' }),
        as: main(world),
      });

      for (const reply of [refused, broken]) {
        assert.deepEqual([reply.status, world.dialect.problemOf(reply.body)?.code], [503, 'overloaded']);
        assertNoSecrets(world, reply);
      }
    },
  },
  ...(['error-event', 'early-end', 'reset'] as const).map((then): Case => ({
    name: `tells the reader in band of a stream that broke in the middle (${then})`,
    async run(world) {
      for (const as of world.dialect.formats.filter((format) => format !== 'text')) {
        const reply = await world.ask('stream', { prompt: world.prompt(answer(then)), as });
        const seen = world.dialect.streamOf(reply.body, as);

        assert.equal(reply.status, 200);
        assert.equal(seen.text, words.join(''), 'what had come is there');
        assert.ok(seen.error, `there is an error in ${reply.body}`);
        assert.deepEqual([seen.complete, reply.whole], [false, true]);
        assertNoSecrets(world, { headers: {}, body: reply.body.slice(reply.body.lastIndexOf('error')) });
      }
    },
  })),
  {
    name: 'breaks a text off rather than end it as if it were whole',
    async run(world) {
      if (!world.dialect.formats.includes('text')) return;
      const reply = await world.ask('stream', { prompt: world.prompt(answer('error-event')), as: 'text' });

      assert.deepEqual([reply.body, reply.whole], [words.join(''), false]);
    },
  },
  {
    name: 'tells of a failure in band when headers had been sent already',
    async run(world) {
      const reply = await world.ask('late', {
        prompt: world.prompt({ type: 'refuse', refusal: { status: 529, type: 'overloaded_error' } }),
      });

      assert.equal(reply.status, 200);
      assert.equal(world.dialect.streamOf(reply.body, 'anthropic-sse').error?.code, 'overloaded');
      assertNoSecrets(world, reply);
    },
  },
  {
    name: 'shows signs of life while the upstream is silent',
    async run(world) {
      const prompt = world.prompt(answer('wait'));
      const stream = await world.open('stream', { prompt, as: main(world) });

      await until(() => world.dialect.heartbeatsIn(stream.received(), main(world)) >= 3, 'three signs of life');
      world.upstream.release(prompt);

      assert.deepEqual(world.dialect.streamOf((await stream.rest()).body, main(world)), {
        text: words.join(''),
        error: null,
        complete: true,
      });
    },
  },
  {
    name: 'sends headers before a first event that takes long',
    async run(world) {
      const prompt = world.prompt({ type: 'answer', words: [], then: 'wait' });
      const stream = await world.open('stream', { prompt, as: main(world) });
      await until(() => world.dialect.heartbeatsIn(stream.received(), main(world)) >= 1, 'a sign of life');

      stream.leave();
      await within(leftAll(world, prompt), 'the upstream to be left');
    },
  },
  {
    name: 'tells in band, and in its own words, of a failure that comes after headers and before anything else',
    async run(world) {
      const prompt = world.prompt({ type: 'refuse', refusal: { status: 529, type: 'overloaded_error' }, late: true });
      const stream = await world.open('stream', { prompt, as: main(world) });
      await until(() => world.dialect.heartbeatsIn(stream.received(), main(world)) >= 1, 'a sign of life');

      world.upstream.release(prompt);

      const reply = await stream.rest();
      const seen = world.dialect.streamOf(reply.body, main(world));
      assert.deepEqual([seen.text, seen.error?.code, seen.complete], ['', 'overloaded', false]);
      assertNoSecrets(world, { headers: {}, body: reply.body });
    },
  },
  {
    name: 'stops the upstream when the client leaves while only signs of life came',
    async run(world) {
      const prompt = world.prompt({ type: 'silent' });
      const stream = await world.open('stream', { prompt, as: main(world) });
      await until(() => world.dialect.heartbeatsIn(stream.received(), main(world)) >= 2, 'signs of life');

      stream.leave();

      assert.equal(await within(leftAll(world, prompt), 'the upstream to be left'), true);
    },
  },
  {
    name: 'goes on well after clients that left at every moment',
    async run(world) {
      const leavers = Array.from({ length: 20 }, (_, index) => world.prompt(index % 2 ? answer('endless') : answer('wait')));
      for (const [index, prompt] of leavers.entries()) {
        const stream = await world.open('stream', { prompt, as: main(world) });
        if (index % 3 !== 0) await until(() => stream.received() !== '', 'the first bytes');
        stream.leave();
      }
      assert.deepEqual(
        new Set(await within(Promise.all(leavers.map((prompt) => leftAll(world, prompt))), 'all to be left')),
        new Set([true]),
      );

      const reply = await world.ask('message', { prompt: world.prompt(answer()) });

      assert.equal(world.dialect.messageOf(reply.body), words.join(''));
    },
  },
  {
    name: 'stops the upstream when the client leaves in the middle',
    async run(world) {
      const prompt = world.prompt(answer('wait'));
      const stream = await world.open('stream', { prompt, as: main(world) });
      await until(() => stream.received() !== '', 'the first words');

      stream.leave();

      assert.equal(await within(leftAll(world, prompt), 'the upstream to be left'), true);
    },
  },
  ...(['stream', 'message'] as const).map((route): Case => ({
    name: `stops the upstream when the client leaves before anything came (${route})`,
    async run(world) {
      const prompt = world.prompt({ type: 'silent' });
      const leave = world.begin(route, { prompt, as: main(world) });
      await until(() => world.upstream.calls(prompt).length > 0, 'the call to reach the upstream');

      leave();

      assert.equal(await within(leftAll(world, prompt), 'the upstream to be left'), true);
    },
  })),
  {
    name: 'reads the upstream no faster than its client, and cuts off one that stopped reading',
    async run(world) {
      const prompt = world.prompt(answer('endless'));
      const stream = await world.open('stream', { prompt, as: main(world) }, { paused: true });

      const sent = await steady(() => world.upstream.calls(prompt)[0]?.bytesSent() ?? 0, 'the upstream to be held up');
      assert.ok(sent < mostBytesAhead, `${sent} bytes were read ahead of the client`);

      assert.equal(await within(leftAll(world, prompt), 'the slow client to be cut off'), true);
      stream.leave();
    },
  },
  {
    name: 'keeps 200 streams at once apart',
    async run(world) {
      const stories = Array.from({ length: 200 }, (_, story) => [`story ${story}: `, 'once ', 'upon ', `a time ${story}`]);

      const replies = await Promise.all(
        stories.map((story) => world.ask('stream', { prompt: world.prompt({ type: 'answer', words: story }), as: main(world) })),
      );

      assert.deepEqual(
        replies.map((reply) => world.dialect.streamOf(reply.body, main(world))),
        stories.map((story) => ({ text: story.join(''), error: null, complete: true })),
      );
    },
  },
  {
    name: 'stops all upstreams when many clients leave at once',
    async run(world) {
      const prompts = Array.from({ length: 50 }, () => world.prompt(answer('wait')));
      const streams = await Promise.all(prompts.map((prompt) => world.open('stream', { prompt, as: main(world) })));

      for (const stream of streams) stream.leave();

      assert.deepEqual(
        new Set(await within(Promise.all(prompts.map((prompt) => leftAll(world, prompt))), 'all upstreams to be left')),
        new Set([true]),
      );
    },
  },
];

/** Whether every request for `prompt` was left before its answer was whole. */
async function leftAll(world: World, prompt: string): Promise<boolean> {
  const left = await Promise.all(world.upstream.calls(prompt).map((call) => call.left));
  return left.length > 0 && left.every(Boolean);
}
