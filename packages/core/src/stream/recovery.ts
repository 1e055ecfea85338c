// What to do about a broken stream: decided from what the reader has, what was asked, and what may be asked again.

import type { Verdict } from '../policy/verdict.ts';
import { chooseAnchor } from './anchor.ts';
import { deliveredText, lastText, type Transcript } from './transcript.ts';

type Json = Readonly<Record<string, unknown>>;

/** What of a request decides about recovery. */
export interface RequestFacts {
  /** Thinking was asked to be shown. */
  readonly showsThinking: boolean;
  readonly thinks: boolean;
  readonly structuredOutput: boolean;
  /** `tool_choice` forces a tool. */
  readonly forcedTool: boolean;
  /** Documents with citations were sent. */
  readonly citations: boolean;
  readonly thread: boolean;
  readonly stopSequences: readonly string[];
}

/** Reads them from the request's body. */
export function requestFacts(body: Json | null): RequestFacts {
  const thinking = object(body?.['thinking']);
  const output = object(body?.['output_config']);
  const choice = object(body?.['tool_choice'])['type'];
  const stops = body?.['stop_sequences'];
  return {
    showsThinking: typeof thinking['display'] === 'string' && thinking['display'] !== 'omitted',
    thinks: thinking['type'] === 'enabled' || thinking['type'] === 'adaptive',
    structuredOutput: Boolean(output['format'] ?? body?.['output_format']),
    forcedTool: choice === 'tool' || choice === 'any',
    citations: mentionsCitations(body?.['messages']),
    thread: body !== null && 'thread' in body,
    stopSequences: Array.isArray(stops) ? stops.filter((stop): stop is string => typeof stop === 'string') : [],
  };
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

function mentionsCitations(messages: unknown): boolean {
  for (const message of Array.isArray(messages) ? messages : []) {
    const { content } = object(message);
    for (const block of Array.isArray(content) ? content : []) if (object(object(block)['citations'])['enabled'] === true) return true;
  }
  return false;
}

/** Why a break cannot be mended, in `explain`'s words. */
export type SurfaceCause =
  | 'permanent-error'
  | 'healing-off'
  | 'resumes-spent'
  | 'refused'
  | 'circuit-open'
  | 'no-target'
  | 'thinking-shown'
  | 'tool-call-open'
  | 'server-tool'
  | 'citations'
  | 'structured-output'
  | 'forced-tool'
  | 'compaction'
  | 'thread'
  | 'unknown-content';

export type Plan =
  /** The stop reason is known: only the last event is missing. */
  | { readonly type: 'finish' }
  /** The reader has complete tool calls: the turn ends with them. */
  | { readonly type: 'close' }
  /** Ask anew. `nextIndex`: where the new answer's blocks begin for the reader. */
  | { readonly type: 'restart'; readonly nextIndex: number }
  /** Go on in the open text. */
  | { readonly type: 'continue'; readonly anchor: string; readonly delivered: string; readonly index: number }
  | { readonly type: 'surface'; readonly cause: SurfaceCause };

export interface PlanInput {
  readonly transcript: Transcript;
  /** `message_delta` with a stop reason was read, and every block before it came whole. */
  readonly stopKnown: boolean;
  readonly facts: RequestFacts;
  readonly verdict: Verdict;
  readonly options: { readonly heal: boolean; readonly thinking: 'auto' | 'surface' };
  /** Continuation requests that may still be made. */
  readonly resumesLeft: number;
}

const toolCalls = new Set(['tool_use']);
const plain = new Set(['text', 'thinking', 'redacted_thinking', ...toolCalls]);

/** The plan for a break. First match wins; what is not known to be safe is surfaced. */
export function planRecovery({ transcript, stopKnown, facts, verdict, options, resumesLeft }: PlanInput): Plan {
  const { blocks } = transcript;
  if (stopKnown) return { type: 'finish' };
  if (!options.heal) return surface('healing-off');
  if (facts.thread) return surface('thread');

  const openTool = blocks.find(({ type, complete }) => toolCalls.has(type) && !complete);
  if (openTool) return surface('tool-call-open');
  if (blocks.some(({ type }) => type === 'compaction')) return surface('compaction');
  const foreign = blocks.find(({ type }) => !plain.has(type));
  if (foreign) return surface(isServerTool(foreign.type) ? 'server-tool' : 'unknown-content');
  if (blocks.some(({ type }) => toolCalls.has(type))) return { type: 'close' };

  if (verdict.retry === 'never') return surface('permanent-error');
  if (resumesLeft <= 0) return surface('resumes-spent');

  const text = lastText(transcript);
  const hasText = blocks.some((block) => block.type === 'text' && block.text !== '');
  if (!text || !hasText)
    return options.thinking === 'surface' && blocks.some(isShownThinking) ? surface('thinking-shown') : restartAfter(transcript);
  if (facts.structuredOutput) return surface('structured-output');
  if (facts.forcedTool) return surface('forced-tool');
  if (facts.citations || blocks.some((block) => block.citations)) return surface('citations');
  // The last block alone may be a line break: the place is found in all that was said.
  const delivered = deliveredText(transcript);
  return { type: 'continue', anchor: chooseAnchor(delivered), delivered, index: text.index };
}

/** Text before the last block was delivered too, so beginning anew would repeat it. */
function restartAfter(transcript: Transcript): Plan {
  if (transcript.blocks.some((block) => block.type === 'text' && block.text !== '')) return surface('thinking-shown');
  return { type: 'restart', nextIndex: (transcript.blocks.at(-1)?.index ?? -1) + 1 };
}

const isShownThinking = ({ type, text }: { type: string; text: string }): boolean => type === 'thinking' && text !== '';
const isServerTool = (type: string): boolean => /^(server_tool_use|.*_tool_result|mcp_.*|advisor_.*|container_upload)$/.test(type);
const surface = (cause: SurfaceCause): Plan => ({ type: 'surface', cause });
