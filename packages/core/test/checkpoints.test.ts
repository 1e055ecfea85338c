// Answers that outlive the process that began them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceAnswer } from '@holdfast/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callOptions, fileCheckpoints, HoldfastConfigError, memoryCheckpoints, type CheckpointStore } from '../src/index.ts';
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
