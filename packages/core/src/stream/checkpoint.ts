// The stored form of an unfinished answer. What comes back from a store is checked before it is believed.

import { isBlock as isBlockStart, isMessageStart, isObject, isWholeInput, parseObject } from './event-form.ts';
import type { Transcript } from './transcript.ts';

type Json = Readonly<Record<string, unknown>>;

/** Everything another process needs to finish an answer. Holds prompt and answer text: keep the store as you keep those. */
export interface Checkpoint {
  readonly callId: string;
  readonly tenant: string | null;
  /** The request as it was sent. */
  readonly body: Json;
  readonly transcript: Transcript;
  /** Milliseconds since the Unix epoch. */
  readonly savedAt: number;
}

/** A checkpoint larger than this is not read. Characters. */
export const maxCheckpointLength: number = 64 * 1024 * 1024;

const version = 1;

/** Tenant and call together, so that no tenant can name another's. JSON keeps the two apart whatever they contain. */
export const checkpointKey = (callId: string, tenant: string | null): string => `holdfast:checkpoint:${JSON.stringify([tenant, callId])}`;

export const encodeCheckpoint = (checkpoint: Checkpoint): string => JSON.stringify({ version, ...checkpoint });

export type DecodedCheckpoint =
  | { readonly type: 'ok'; readonly checkpoint: Checkpoint }
  | { readonly type: 'bad'; readonly reason: 'not-text' | 'too-large' | 'not-json' | 'shape' | 'foreign' };

/** Reads what a store returned. A value of another call, tenant or version is no checkpoint of this one. */
export function decodeCheckpoint(value: unknown, callId: string, tenant: string | null): DecodedCheckpoint {
  if (typeof value !== 'string') return bad('not-text');
  if (value.length > maxCheckpointLength) return bad('too-large');
  const found = parseObject(value);
  if (found === null) return bad('not-json');
  if (found['version'] !== version) return bad('shape');
  if (found['callId'] !== callId || found['tenant'] !== tenant) return bad('foreign');
  const { body, transcript, savedAt } = found;
  if (
    !isObject(body) ||
    typeof body['model'] !== 'string' ||
    !Array.isArray(body['messages']) ||
    !Number.isFinite(savedAt) ||
    !isTranscript(transcript)
  )
    return bad('shape');
  return { type: 'ok', checkpoint: { callId, tenant, body, transcript, savedAt: savedAt as number } };
}

const bad = (reason: Extract<DecodedCheckpoint, { type: 'bad' }>['reason']): DecodedCheckpoint => ({ type: 'bad', reason });

/** What a splice could have told: a value that was changed must not make a stream that no reader takes. */
function isTranscript(value: unknown): value is Transcript {
  if (!isObject(value) || value['version'] !== 1 || !isMessageStart(value['message'])) return false;
  const { blocks, usage } = value;
  if (!Array.isArray(blocks) || !Array.isArray(usage) || !usage.every(isUsage)) return false;
  return blocks.every((block, position) => isBlock(block, position, position === blocks.length - 1));
}

function isBlock(value: unknown, position: number, isLast: boolean): boolean {
  if (!isObject(value)) return false;
  const { index, type, text, closed, citations, complete, start, signature } = value;
  if (index !== position || typeof text !== 'string' || !isBlockStart(start) || start.type !== type) return false;
  if (![closed, citations, complete].every((flag) => typeof flag === 'boolean')) return false;
  // One block is open at a time, and text goes on only where it is.
  if (!closed && !isLast) return false;
  if (signature !== undefined && (typeof signature !== 'string' || type !== 'thinking')) return false;
  // The text a block began with is part of its text.
  if ((type === 'text' || type === 'thinking') && start[type] !== undefined && start[type] !== '') return false;
  return type !== 'tool_use' || !complete || isWholeInput(text);
}

function isUsage(value: unknown): boolean {
  return (
    isObject(value) &&
    ['input', 'output', 'cacheRead', 'cacheCreation'].every((name) => Number.isFinite(value[name]) && (value[name] as number) >= 0) &&
    typeof value['estimated'] === 'boolean'
  );
}
