// Checkpoints and their files, whatever was done to them: a bad value is a miss, and nothing leaves its directory.

import Anthropic from '@anthropic-ai/sdk';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { fileCheckpoints, holdfast, memoryCheckpoints, type CheckpointStore } from '../src/index.ts';
import { classify } from '../src/policy/classify.ts';
import { checkpointKey, decodeCheckpoint, encodeCheckpoint, type Checkpoint } from '../src/stream/checkpoint.ts';
import { continuationBody } from '../src/stream/continuation.ts';
import { planRecovery, requestFacts } from '../src/stream/recovery.ts';
import { Splice, type SpliceOptions } from '../src/stream/splice.ts';
import { cutUp, holds, joined, wildText } from '../src/stream/testing/holds.ts';
import { anyAnswer, framesOf, mutated } from '../src/stream/testing/mutations.ts';
import { readStrictly } from '../src/stream/testing/strict-reader.ts';
import { request, world } from './world.ts';

const options: SpliceOptions = { tools: 'block', liveThinking: true, holdAll: false, stopSequences: [], strict: true };

/** What a splice knew when its stream broke somewhere. */
const checkpoints: fc.Arbitrary<Checkpoint> = fc
  .record({
    answer: anyAnswer,
    cut: fc.nat({ max: 6_000 }),
    tools: fc.constantFrom('block' as const, 'live' as const),
    callId: fc.oneof(fc.constant('call-1'), wildText),
    tenant: fc.oneof(fc.constant(null), fc.constant('acme'), wildText),
    body: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
    savedAt: fc.nat(),
  })
  .map(({ answer, cut, tools, callId, tenant, body, savedAt }) => {
    const splice = new Splice({ ...options, tools });
    const whole = mutated(framesOf(answer, 'msg_1'), [], []);
    // Never the very end: who has it all needs no checkpoint.
    splice.push(whole.slice(0, cut % (whole.length - 60)));
    splice.fail('socket');
    const { message, ...transcript } = splice.transcript();
    // Before the reader has something, nothing is written.
    return JSON.parse(
      JSON.stringify({
        callId,
        tenant,
        body: { ...body, ...request },
        transcript: { ...transcript, message: message ?? { content: [] } },
        savedAt,
      }),
    ) as Checkpoint;
  });

interface Damage {
  readonly do: 'unit' | 'cut' | 'repeat' | 'value';
  readonly at: number;
  readonly with: string;
}

const hostileJson = [
  'null',
  '[]',
  '{}',
  '-1',
  '1e999',
  '0.5',
  '"x"',
  '""',
  'true',
  'false',
  '{"__proto__":{"polluted":1}}',
  '{"toString":0,"valueOf":0}',
  '"tool_use"',
  '"thinking"',
  '"text"',
  '"{"',
  '['.repeat(30_000) + ']'.repeat(30_000),
];
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({
    do: fc.constant('unit' as const),
    at: fc.nat({ max: 5_000 }),
    with: fc.oneof(fc.string({ minLength: 1, maxLength: 1 }), fc.constantFrom('"', '{', '}', '\\', '0', '\ud800', '')),
  }),
  fc.record({ do: fc.constantFrom('cut' as const, 'repeat' as const), at: fc.nat({ max: 5_000 }), with: fc.constant('') }),
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('value' as const), at: fc.nat({ max: 200 }), with: fc.constantFrom(...hostileJson) }),
  },
);

/** Every member's value as it stands in the text, where another can be put. */
const memberValue = /(?<="[^"\\]*":)(?:"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|true|false|null|\[\]|\{\})/g;

function damaged(value: string, list: readonly Damage[]): string {
  let text = value;
  for (const each of list) {
    const at = each.at % (text.length + 1);
    if (each.do === 'unit') text = text.slice(0, at) + each.with + text.slice(at + 1);
    else if (each.do === 'cut') text = text.slice(0, at);
    else if (each.do === 'repeat') text = text.slice(0, at) + text;
    else {
      const found = [...text.matchAll(memberValue)];
      const chosen = found[each.at % Math.max(1, found.length)];
      if (chosen) text = text.slice(0, chosen.index) + each.with + text.slice(chosen.index + chosen[0].length);
    }
  }
  return text;
}

/** A checkpoint that passes can be finished: nothing that is done with it throws, and its reader is given a possible stream. */
function expectUsable(checkpoint: Checkpoint): void {
  const again = decodeCheckpoint(encodeCheckpoint(checkpoint), checkpoint.callId, checkpoint.tenant);
  expect(again.type).toBe('ok');
  const splice = Splice.replay(options, checkpoint.transcript);
  const given = [splice.take() ?? new Uint8Array(0)];
  readStrictly(joined(given));
  const transcript = splice.transcript();
  const facts = requestFacts(checkpoint.body);
  const plan = planRecovery({
    transcript,
    stopKnown: false,
    facts,
    verdict: classify({ type: 'stream-break', problem: 'socket' }),
    options: { heal: true, thinking: 'auto' },
    resumesLeft: 1,
  });
  if (plan.type === 'continue') {
    const { body } = continuationBody({
      body: checkpoint.body,
      transcript,
      anchor: plan.anchor,
      model: 'claude-opus-5-5',
      thinks: false,
      noPrefill: false,
    });
    expect(JSON.stringify(body)).toBeTypeOf('string');
  }
  if (plan.type === 'close') {
    splice.finish('tool_use');
    given.push(splice.take() ?? new Uint8Array(0));
    for (const { type, input } of readStrictly(joined(given)).content) if (type === 'tool_use') expect(input).toBeTypeOf('object');
  }
}

describe('a checkpoint', () => {
  holds(
    'comes back as it went in',
    fc.property(checkpoints, (checkpoint) => {
      expect(decodeCheckpoint(encodeCheckpoint(checkpoint), checkpoint.callId, checkpoint.tenant)).toEqual({ type: 'ok', checkpoint });
      expectUsable(checkpoint);
    }),
    100,
  );

  holds(
    'that was changed is refused, or is one that can be finished as well',
    fc.property(checkpoints, fc.array(damage, { minLength: 1, maxLength: 3 }), (checkpoint, list) => {
      const { callId, tenant } = checkpoint;
      const decoded = decodeCheckpoint(damaged(encodeCheckpoint(checkpoint), list), callId, tenant);

      if (decoded.type === 'ok') {
        expect(decoded.checkpoint).toMatchObject({ callId, tenant });
        expectUsable(decoded.checkpoint);
      }
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    }),
    300,
  );

  holds(
    'of another tenant or call is never this one’s, and its key is another',
    fc.property(checkpoints, wildText, fc.option(wildText), ({ callId, tenant, ...rest }, otherId, otherTenant) => {
      fc.pre(otherId !== callId || otherTenant !== tenant);
      expect(decodeCheckpoint(encodeCheckpoint({ callId, tenant, ...rest }), otherId, otherTenant)).toEqual({
        type: 'bad',
        reason: 'foreign',
      });
      expect(checkpointKey(callId, tenant)).not.toBe(checkpointKey(otherId, otherTenant));
    }),
    100,
  );

  holds(
    'that is anything at all is refused',
    fc.property(fc.oneof(fc.anything(), fc.string(), fc.json(), fc.constantFrom(...hostileJson)), (value) => {
      expect(decodeCheckpoint(value, 'call-1', null).type).toBe('bad');
    }),
    100,
  );
});

/** Answers every request with one good stream. */
const wellBehaved: typeof globalThis.fetch = async () => {
  const bytes = mutated(framesOf({ content: [{ type: 'text', text: 'The tide comes in.' }], stopReason: 'end_turn' }, 'msg_2'), [], []);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of cutUp(bytes, [100])) controller.enqueue(piece);
      controller.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
};

describe('resume', () => {
  holds(
    'with a checkpoint that was changed finds nothing, or ends in a message or an error of the SDK',
    fc.asyncProperty(checkpoints, fc.array(damage, { maxLength: 2 }), async (checkpoint, list) => {
      const store = memoryCheckpoints();
      store.set(checkpointKey('call-1', 'acme'), damaged(encodeCheckpoint({ ...checkpoint, callId: 'call-1', tenant: 'acme' }), list));
      const hold = holdfast({ random: () => 0, retry: { baseMs: 0 }, breaker: false, budget: false, streams: { checkpoints: store } });
      const client = new Anthropic({
        baseURL: 'http://fake.invalid',
        apiKey: 'sk-ant-api-test',
        middleware: [hold],
        fetch: wellBehaved,
        logLevel: 'off',
      });

      const stream = await hold.resume('call-1', { client, tenant: 'acme' });
      const ended = await stream?.finalMessage().catch((error: Error) => error);

      if (ended instanceof Error) expect(ended).toBeInstanceOf(Anthropic.AnthropicError);
      else if (ended) expect(ended.stop_reason).toBeTypeOf('string');
    }),
    60,
  );
});

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-properties-'));
});
// The fuzzer's time may end in the middle of a write.
afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 10 }));
let made = 0;
const freshDirectory = (): string => join(root, String((made += 1)), 'checkpoints');

const hostileKeys = fc.oneof(
  wildText,
  fc.constantFrom('../../x', '/etc/passwd', 'a/b', '..', '.', '', '\0', 'CON', 'a\\b', 'x'.repeat(300), '%2e%2e%2f'),
);

describe('files', () => {
  holds(
    'stay in their directory under harmless names, whatever ids and tenants are',
    fc.asyncProperty(fc.array(fc.tuple(hostileKeys, fc.option(hostileKeys)), { minLength: 1, maxLength: 4 }), async (ids) => {
      const directory = freshDirectory();
      const store = fileCheckpoints({ directory });
      const keys = new Set(ids.map(([id, tenant]) => checkpointKey(id, tenant)));
      for (const key of keys) await store.set(key, `value of ${JSON.stringify(key)}`);

      expect(await readdir(join(directory, '..'))).toEqual(['checkpoints']);
      const names = await readdir(directory);
      expect(names).toHaveLength(keys.size);
      for (const name of names) expect(name).toMatch(/^[0-9a-f]{64}\.json$/);
      for (const key of keys) expect(await store.get(key)).toBe(`value of ${JSON.stringify(key)}`);
      for (const key of keys) await store.delete(key);
      expect(await readdir(directory)).toEqual([]);
    }),
    25,
  );

  holds(
    'that several write at once hold one of the values, whole, at every moment',
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 2 }), fc.integer({ min: 1, max: 40_000 })), { minLength: 2, maxLength: 12 }),
      async (writes) => {
        const directory = freshDirectory();
        const stores = [0, 1, 2].map(() => fileCheckpoints({ directory }));
        const values = new Set(writes.map(([writer, length]) => `${writer}:${'x'.repeat(length)}:${length}`));
        const seen: unknown[] = [];

        await Promise.all(
          [...values].map(async (value, at) => {
            await stores[at % 3]?.set('key', value);
            seen.push(await stores[(at + 1) % 3]?.get('key'));
          }),
        );

        for (const value of seen) expect(values).toContain(value);
        expect(await readdir(directory)).toHaveLength(1);
      },
    ),
    10,
  );

  holds(
    'are written, or refused with nothing left behind, in a directory full of rubbish, lost or never there',
    fc.asyncProperty(
      fc.constantFrom('rubbish', 'lost', 'a-file', 'taken'),
      fc.array(fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.nat({ max: 3 })), { minLength: 1, maxLength: 8 }),
      async (trouble, steps) => {
        const directory = freshDirectory();
        const store = fileCheckpoints({ directory, maxFiles: 3 });
        await mkdir(join(directory, '..'), { recursive: true });
        let rubbish: string[] = [];
        if (trouble === 'a-file') await writeFile(directory, 'not a directory');
        else await mkdir(directory);
        if (trouble === 'rubbish') {
          rubbish = ['.hidden', 'x.json', '..tmp'];
          for (const name of rubbish) await writeFile(join(directory, name), 'rubbish');
        }
        for (const [act, number] of steps) {
          const key = `key-${number}`;
          if (trouble === 'lost') await rm(directory, { recursive: true, force: true });
          if (trouble === 'taken') {
            // Where its file should be there is something else, which cannot be replaced.
            await (async () => store.set(key, 'value'))().catch(() => {});
            for (const name of (await readdir(directory)).filter((each) => each.endsWith('.json'))) {
              await rm(join(directory, name), { recursive: true });
              await mkdir(join(directory, name, 'full'), { recursive: true });
            }
          }
          const doing = async (): Promise<unknown> =>
            act === 'set' ? store.set(key, 'value') : act === 'get' ? store.get(key) : store.delete(key);
          const failed: { code?: string } | null = await doing().then(
            () => null,
            (error: { code?: string }) => error,
          );
          if (failed !== null) expect(failed.code).toMatch(/^E[A-Z]+$/);
          if (trouble === 'rubbish' || trouble === 'lost') expect(failed).toBeNull();
        }
        if (trouble === 'a-file') expect(await readFile(directory, 'utf8')).toBe('not a directory');
        else {
          const names = await readdir(directory).catch((): string[] => []);
          expect(names.filter((name) => name.endsWith('.tmp') && name !== '..tmp')).toEqual([]);
          for (const name of rubbish) expect(names).toContain(name);
        }
      },
    ),
    25,
  );
});

describe('a store in trouble of any kind', () => {
  const trouble = fc.constantFrom('fine', 'throws', 'rejects', 'hangs', 'odd');
  holds(
    'fails no stream',
    fc.asyncProperty(trouble, trouble, fc.nat({ max: 900 }), async (onSet, onDelete, afterText) => {
      const act = (how: string): unknown => {
        if (how === 'throws') throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
        if (how === 'rejects') return Promise.reject(new Error('gone'));
        return how === 'hangs' ? new Promise(() => {}) : how === 'odd' ? Symbol('odd') : undefined;
      };
      const store: CheckpointStore = { get: () => undefined, set: () => act(onSet), delete: () => act(onDelete) };
      const { claude, client, close } = await world({ holdfast: { breaker: false, budget: false, streams: { checkpoints: store } } });
      claude.script({ cut: { afterText, how: 'reset' } });

      const { stop_reason: reason } = await client.messages.stream(request).finalMessage();

      expect(reason).toBe('end_turn');
      await close();
    }),
    15,
  );
});
