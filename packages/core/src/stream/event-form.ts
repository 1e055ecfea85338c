// Which events have the form that their readers take for granted. Types nobody knows yet may have any.

import { isTooDeep } from './nesting.ts';
import { textMemberOf, textOfDelta } from './delta-shape.ts';

type Wire = Readonly<Record<string, unknown>>;

/** The events of a message. What they say, every reader goes by. */
export const messageEventTypes: ReadonlySet<unknown> = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
]);

/** The deltas of each kind of block; blocks of other kinds take any. */
const deltasOf: ReadonlyMap<string, readonly string[]> = new Map([
  ['text', ['text_delta', 'citations_delta']],
  ['thinking', ['thinking_delta', 'signature_delta']],
  ['tool_use', ['input_json_delta']],
  ['server_tool_use', ['input_json_delta']],
  ['mcp_tool_use', ['input_json_delta']],
  ['compaction', ['compaction_delta']],
]);
const knownDeltas = new Set([...deltasOf.values()].flat());

/** A message that begins has no content yet: its blocks are to come. Some gateways announce the first, empty. */
export function isMessageStart(message: unknown): message is Wire {
  if (!isObject(message)) return false;
  const { content } = message;
  return content === undefined || (Array.isArray(content) && content.every((block) => isObject(block) && block['text'] === ''));
}

export function isBlock(block: unknown): block is Wire & { readonly type: string } {
  if (!isObject(block)) return false;
  const { type } = block;
  const text = type === 'text' || type === 'thinking' ? block[type] : undefined;
  return typeof type === 'string' && (text === undefined || typeof text === 'string');
}

/** `delta` can follow in a block of type `blockType`. */
export function isDelta(delta: unknown, blockType: string): delta is Wire & { readonly type: string } {
  if (!isObject(delta)) return false;
  const { type } = delta;
  if (typeof type !== 'string') return false;
  if (textMemberOf(delta) !== undefined && textOfDelta(delta) === null) return false;
  if (type === 'signature_delta' && typeof delta['signature'] !== 'string') return false;
  return !knownDeltas.has(type) || (deltasOf.get(blockType)?.includes(type) ?? true);
}

export const isObject = (value: unknown): value is Wire => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object that `json` is; null for anything else, and for what is nested deeper than anything real. */
export function parseObject(json: string): Wire | null {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) && !isTooDeep(json) ? value : null;
  } catch {
    return null;
  }
}

/** A delta that adds nothing, with null for its text or of a kind that its block does not have: some gateways send one with every block. */
export function isEmptyForeign(delta: unknown, blockType: string): boolean {
  if (!isObject(delta)) return false;
  const member = textMemberOf(delta);
  const says = member === undefined || delta[member] !== null ? textOfDelta(delta) : '';
  return says === '' && !isDelta(delta, blockType);
}

/** A tool call's input has arrived whole; a call without input has. */
export const isWholeInput = (json: string): boolean => json === '' || parseObject(json) !== null;

const escapes = /\\(?:["\\/bfnrt]|u[\da-f]{4})|\\/gi;

/** Whole but for escapes that JSON does not know (`\\d`): what the model wrote, and nothing is missing of it. */
export const isMisspelt = (json: string): boolean =>
  parseObject(json.replace(escapes, (escape) => (escape === '\\' ? '\\\\' : escape))) !== null;
