// Checkpoints as files: they outlive the process.

import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { newId, systemClock } from '../time.ts';
import type { CheckpointStore } from './checkpoint-store.ts';

export interface FileCheckpointOptions {
  /** Made if it is missing, readable by this user only. */
  readonly directory: string;
  /** Larger checkpoints are not written. Bytes, default 16 MiB. */
  readonly maxBytes?: number;
  /** The oldest files beyond this many are removed. Default 1000. */
  readonly maxFiles?: number;
  /** Older files are no checkpoints any more, and are removed. Milliseconds, default 24 h. */
  readonly maxAgeMs?: number;
}

/**
 * Keeps each checkpoint in a file of its own. Names are hashes, so a key can never be a path; a file is written beside its
 * place, flushed and renamed, so that a crash leaves the old one or the new one and nothing between.
 *
 * @throws when the directory cannot be used; Holdfast reports that as a `checkpoint-failed` event and goes on
 */
export function fileCheckpoints({
  directory,
  maxBytes = 16 * 1024 * 1024,
  maxFiles = 1000,
  maxAgeMs = 24 * 3600 * 1000,
}: FileCheckpointOptions): CheckpointStore {
  const pathOf = (key: string): string => join(directory, `${createHash('sha256').update(key).digest('hex')}.json`);
  let written = 0;
  return {
    async get(key: string): Promise<string | undefined> {
      const path = pathOf(key);
      try {
        const { size, mtimeMs } = await stat(path);
        return size > maxBytes || isOld(mtimeMs, maxAgeMs) ? undefined : await readFile(path, 'utf8');
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    async set(key: string, value: string): Promise<void> {
      const bytes = Buffer.byteLength(value);
      if (bytes > maxBytes) throw Object.assign(new Error(`the checkpoint has ${bytes} bytes, more than ${maxBytes}`), { code: 'EFBIG' });
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = pathOf(key);
      const beside = `${path}.${newId()}.tmp`;
      try {
        await writeFlushed(beside, value);
        await rename(beside, path);
      } catch (error) {
        // A disk that is full is not made emptier by what could not be written.
        await unlink(beside).catch(() => {});
        throw error;
      }
      written += 1;
      // Counting files is slow beside writing one. The first one looks at what earlier processes left behind.
      if (written === 1 || written % 50 === 0) await prune(directory, maxFiles, maxAgeMs);
    },
    async delete(key: string): Promise<void> {
      await unlink(pathOf(key)).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    },
  };
}

async function writeFlushed(path: string, value: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(value);
    await file.sync();
  } finally {
    await file.close();
  }
}

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

const isOld = (mtimeMs: number, maxAgeMs: number): boolean => systemClock.wall() - mtimeMs > maxAgeMs;

/** Removes files that are too old, and the oldest beyond `most`, among them what a crash left half written. */
async function prune(directory: string, most: number, maxAgeMs: number): Promise<void> {
  const names = (await readdir(directory)).filter((name) => /^[0-9a-f]{64}\.json(\.[0-9a-f-]+\.tmp)?$/.test(name));
  const found: { name: string; at: number }[] = [];
  // One after the other: a thousand at once would take all file handles.
  for (const name of names) found.push({ name, at: (await stat(join(directory, name)).catch(() => null))?.mtimeMs ?? 0 });
  found.sort((a, b) => b.at - a.at);
  for (const [position, { name, at }] of found.entries())
    if (position >= most || isOld(at, maxAgeMs)) await unlink(join(directory, name)).catch(() => {});
}
