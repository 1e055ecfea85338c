// Answers that outlive the process that began them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceAnswer, VirtualClock } from '@holdfast/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callOptions, fileCheckpoints, HoldfastConfigError, memoryCheckpoints, type CheckpointStore } from '../src/index.ts';
import { runInScope } from '../src/http/scope.ts';
import { checkpointKey } from '../src/stream/checkpoint.ts';
import { request, world } from './world.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-checkpoints-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const reference = referenceAnswer('text').content;

/** Node.js before 22.18 takes types away only when it is told to. */
const stripTypes = process.features.typescript ? [] : ['--experimental-strip-types'];

describe('an answer whose process was killed', () => {
  it('is finished by another process, from what the reader had', async () => {
    const store = fileCheckpoints({ directory });
    const { claude, client, hold, close } = await world({ sockets: true, holdfast: { streams: { checkpoints: store } } });
    claude.script({ cut: { afterText: 600, how: 'stall' }, delayPerEventMs: 1 });
    const child = spawn(process.execPath, [
      ...stripTypes,
      '--conditions=@holdfast/source',
      join(import.meta.dirname, 'crash/child.ts'),
      claude.url,
      directory,
      'call-1',
    ]);
    let seen = '';
    child.stdout.on('data', (data) => {
      seen += String(data);
    });
    // The checkpoint may be on disk only after the last word has come.
    await vi.waitFor(
      async () => {
        expect(seen.length).toBeGreaterThanOrEqual(400);
        expect((await readdir(directory)).some((name) => name.endsWith('.json'))).toBe(true);
      },
      { timeout: 60_000, interval: 10 },
    );
    child.kill('SIGKILL');
    await once(child, 'exit');

    const stream = await hold.resume('call-1', { client, tenant: 'acme' });
    const message = await stream?.finalMessage();

    expect(message?.content).toEqual(reference);
    expect(claude.requests.map(({ continues }) => continues)).toEqual([null, 'user-turn']);
    await vi.waitFor(async () =>
      expect(
        (await readdir(directory)).filter((name) => name.endsWith('.json')),
        'a finished answer leaves no checkpoint',
      ).toEqual([]),
    );
    await close();
  });
});

describe('resume', () => {
  async function interrupted(store: CheckpointStore) {
    const it = await world({ holdfast: { streams: { checkpoints: store, resumes: 0 } } });
    it.claude.script('cut-mid-stream');
    await it.client.messages
      .stream(request, callOptions({ requestId: 'call-2', tenant: 'acme' }))
      .finalMessage()
      .catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    await it.close();
  }

  it('goes on from a checkpoint written at the break', async () => {
    const store = memoryCheckpoints();
    await interrupted(store);
    const { client, hold, close } = await world({ holdfast: { streams: { checkpoints: store } } });

    const stream = await hold.resume('call-2', { client, tenant: 'acme' });
    let text = '';
    // Compiles only if the stream has the type of the SDK's own.
    stream?.on('text', (delta) => (text += delta));
    const message = await stream?.finalMessage();

    expect(message?.content).toEqual(reference);
    expect([{ type: 'text', text }]).toEqual(reference);
    expect(hold.attempts('call-2')).toMatchObject({ resumes: 1, attempts: [{ purpose: 'resume' }] });
    await close();
  });

  it('finds what broke, though another answer of the same request was whole; and nothing once it is whole itself', async () => {
    const store = memoryCheckpoints();
    await interrupted(store);
    const { client, hold, close } = await world({ holdfast: { streams: { checkpoints: store } } });
    const options = { client, tenant: 'acme' };
    await client.messages.stream(request, callOptions({ requestId: 'call-2', tenant: 'acme' })).finalMessage();

    const stream = await hold.resume('call-2', options);
    expect((await stream?.finalMessage())?.content).toEqual(reference);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await hold.resume('call-2', options)).toBeNull();
    await close();
  });

  it('finds nothing under another tenant, another id, or after the store lost or spoiled the value', async () => {
    const store = memoryCheckpoints();
    await interrupted(store);
    const { client, hold, close } = await world({ holdfast: { streams: { checkpoints: store } } });

    expect(await hold.resume('call-2', { client, tenant: 'other' })).toBeNull();
    expect(await hold.resume('call-2', { client })).toBeNull();
    expect(await hold.resume('call-3', { client, tenant: 'acme' })).toBeNull();
    const value = String(store.get(checkpointKey('call-2', 'acme')));
    for (const spoiled of [
      '',
      '{',
      'null',
      '[]',
      value.slice(0, -9),
      value.replace('"version":1', '"version":2'),
      value.replace('"index":0', '"index":7'),
      value.replace('"acme"', '"evil"'),
    ]) {
      store.set(checkpointKey('call-2', 'acme'), spoiled);
      expect(await hold.resume('call-2', { client, tenant: 'acme' }), spoiled.slice(0, 40)).toBeNull();
    }
    await close();
  });

  it('says what is missing without a store', async () => {
    const { client, hold, close } = await world();

    await expect(hold.resume('call-1', { client })).rejects.toThrow(HoldfastConfigError);
    await close();
  });
});

describe('the name of a checkpoint', () => {
  /** A stream that has begun, and what its checkpointer did. */
  async function spied() {
    const kept = new Map<string, string>();
    const log: string[] = [];
    const said = (value: string) => (JSON.parse(value) as { body: { messages: { content: string }[] } }).body.messages[0]?.content;
    const store: CheckpointStore = {
      get: (key) => kept.get(key),
      set(key, value) {
        log.push(`set ${said(value)}`);
        kept.set(key, value);
      },
      delete(key) {
        log.push('delete');
        kept.delete(key);
      },
    };
    const it = await world({ holdfast: { streams: { checkpoints: store, checkpointEveryMs: 0 } } });
    const ask = (content: string, options = {}) =>
      it.client.messages.create({ ...request, stream: true, messages: [{ role: 'user', content }] }, options);
    return { ...it, store, kept, log, ask };
  }
  const iterators = new WeakMap<object, AsyncIterator<unknown>>();
  const some = async (stream: AsyncIterable<unknown>, events: number): Promise<void> => {
    const iterator = iterators.get(stream) ?? stream[Symbol.asyncIterator]();
    iterators.set(stream, iterator);
    for (let read = 0; read < events; read += 1) await iterator.next();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const all = async (stream: AsyncIterable<unknown>): Promise<void> => {
    const iterator = iterators.get(stream) ?? stream[Symbol.asyncIterator]();
    while (!(await iterator.next()).done);
    await new Promise((resolve) => setImmediate(resolve));
  };

  it('is not what a client sent as the id of its request', async () => {
    const { kept, hold, client, ask, close } = await spied();

    await runInScope({ requestId: 'job-42' }, async () => {
      const victim = ask('the victim’s').withResponse();
      await some((await victim).data, 8);
      await some(await ask('the attacker’s'), 8);

      expect(await hold.resume('job-42', { client })).toBeNull();
      const id = hold.attempts((await victim).response)?.checkpointId as string;
      expect(kept.get(checkpointKey(id, null))).toContain('the victim’s');
    });
    expect(kept.size).toBe(2);
    await close();
  });

  it('is each stream’s own in one request', async () => {
    const { kept, log, ask, close } = await spied();

    await runInScope({ requestId: 'request-1', tenant: 'acme' }, async () => {
      await some(await ask('the long one'), 8);
      await all(await ask('the short one'));
    });

    expect(log.at(-1)).toBe('delete');
    expect([...kept.values()].filter((value) => value.includes('the long one'))).toHaveLength(1);
    expect(kept.size).toBe(1);
    await close();
  });

  it('given twice at once belongs to the younger while it lives, and to the older after it', async () => {
    const { claude, kept, log, ask, close } = await spied();
    claude.answer('long');
    const long = await ask('the long one', callOptions({ requestId: 'mine' }));
    await some(long, 4);
    const short = await ask('the short one', callOptions({ requestId: 'mine' }));
    await some(short, 4);
    const before = log.length;
    await some(long, 2);
    expect(log.slice(before), 'the older one waits').toEqual([]);
    await all(short);
    expect(kept.size).toBe(0);
    for (let read = 0; read < 2_000 && kept.size === 0; read += 1) await some(long, 1);

    expect([...kept.values()].join()).toContain('the long one');
    await all(long);
    expect(kept.size).toBe(0);
    await close();
  });
});

describe('a checkpoint nobody came for', () => {
  it('is one that its store was told to forget', async () => {
    const ttls: unknown[] = [];
    const store: CheckpointStore = { get: () => undefined, set: (...args) => void ttls.push(args[2]), delete: () => {} };
    const { client, close } = await world({
      holdfast: { streams: { checkpoints: store, checkpointEveryMs: 0, checkpointTtlMs: 5_000 } },
    });
    await client.messages.stream(request).finalMessage();

    expect(new Set(ttls)).toEqual(new Set([5_000]));
    await close();
  });

  it('is none when its time is over, in whatever store', async () => {
    const clock = new VirtualClock();
    const store = new Map<string, string>();
    const { claude, client, hold, close } = await world({
      holdfast: { clock, streams: { checkpoints: store, checkpointTtlMs: 5_000, resumes: 0 } },
    });
    claude.script('cut-mid-stream');
    const options = callOptions({ requestId: 'old' });
    await expect(client.messages.stream(request, options).finalMessage()).rejects.toThrow();
    await new Promise((resolve) => setImmediate(resolve));

    const [key, value] = [...store][0] as [string, string];

    clock.advance(5_000);
    const stream = await hold.resume('old', { client });
    expect(stream).not.toBeNull();
    await stream?.finalMessage().catch(() => {});
    store.set(key, value);
    clock.advance(1);
    expect(await hold.resume('old', { client })).toBeNull();
    await close();
  });

  it('leaves memory', () => {
    const clock = new VirtualClock();
    const store = memoryCheckpoints({ clock, maxLength: 10 });
    store.set('a', '12345', 1_000);
    store.set('b', '12345', 2_000);
    clock.advance(1_000);
    expect(store.get('a')).toBeUndefined();
    expect(store.get('b')).toBe('12345');
    store.set('c', '12345', 2_000);
    expect(store.get('b'), 'what is over takes no room').toBe('12345');
  });

  it('leaves its directory, with the first that is written by another process at the latest', async () => {
    const old = join(directory, `${'a'.repeat(64)}.json`);
    await writeFile(old, 'old');
    await utimes(old, new Date(0), new Date(0));
    const store = fileCheckpoints({ directory });
    await store.set('key', 'value');

    expect(await readdir(directory)).toHaveLength(1);
    const strict = fileCheckpoints({ directory, maxAgeMs: 1_000 });
    for (const name of await readdir(directory)) await utimes(join(directory, name), new Date(0), new Date(0));
    expect(await strict.get('key')).toBeUndefined();
  });
});

describe('a store in trouble', () => {
  it('fails no stream and is reported', async () => {
    const broken: CheckpointStore = { get: () => undefined, set: () => Promise.reject(new Error('disk full')), delete: () => undefined };
    const { claude, client, events, close } = await world({ holdfast: { streams: { checkpoints: broken } } });
    claude.script('cut-mid-stream');

    const { content } = await client.messages.stream(request).finalMessage();

    expect(content).toEqual(reference);
    expect(events.filter(({ type }) => type === 'checkpoint-failed')).not.toHaveLength(0);
    await close();
  });
});

describe('file checkpoints', () => {
  it('turn hostile keys into harmless names, readable by this user only', async () => {
    const store = fileCheckpoints({ directory });
    for (const key of ['../../etc/passwd', 'a/b', 'nul\0', 'x'.repeat(10_000)]) await store.set(key, 'value');

    const names = await readdir(directory);

    expect(names).toHaveLength(4);
    for (const name of names) {
      expect(name).toMatch(/^[0-9a-f]{64}\.json$/);
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    }
    expect(await store.get('../../etc/passwd')).toBe('value');
  });

  it('refuse what is too large, and keep the value before', async () => {
    const store = fileCheckpoints({ directory, maxBytes: 10 });
    await store.set('key', 'small');

    await expect(store.set('key', 'x'.repeat(11))).rejects.toThrow('11 bytes');
    expect(await store.get('key')).toBe('small');
  });

  it('remove the oldest beyond their number, half-written ones included', async () => {
    await writeFile(join(directory, `${'a'.repeat(64)}.json.1-2.tmp`), 'half');
    const store = fileCheckpoints({ directory, maxFiles: 20 });
    for (let index = 0; index < 100; index += 1) await store.set(`key-${index}`, 'value');

    const names = await readdir(directory);

    expect(names.length).toBeLessThanOrEqual(20);
    expect(names.some((name) => name.endsWith('.tmp'))).toBe(false);
    expect(await store.get('key-99')).toBe('value');
  });
});

describe('memory checkpoints', () => {
  it('are bounded by count and by length', () => {
    const store = memoryCheckpoints({ maxEntries: 2, maxLength: 10 });
    store.set('a', '1234');
    store.set('b', '1234');
    store.set('c', '1234');
    expect(store.get('a')).toBeUndefined();
    store.set('d', '12345678');
    expect(store.get('b')).toBeUndefined();
    expect(store.get('d')).toBe('12345678');
  });
});
