// Fits a request to another target or model: drops what changes nothing, refuses what would change the answer's meaning.

import { fitModel } from './fit-model.ts';
import { modelAt, type TargetFacts } from './target.ts';

type Json = Readonly<Record<string, unknown>>;

export type Adapted =
  | {
      readonly type: 'ok';
      readonly body: Json;
      readonly model: string;
      /** Beta names to send, null for the request's own. */
      readonly betas: string | null;
      /** What was left out, for the ledger. */
      readonly dropped: readonly string[];
    }
  | { readonly type: 'ineligible'; readonly reason: string };

export interface AdaptInput {
  readonly body: Json;
  /** The `anthropic-beta` header of the request. */
  readonly betas: string | null;
  readonly target: TargetFacts;
  /** The model wanted, by the id used in requests. */
  readonly model: string;
  /** The model of the original request: another one cannot read its thinking. */
  readonly originalModel: string;
  /** The target whose account the conversation began with. */
  readonly sameAccount: boolean;
}

/** Adapts `body` for `target` and `model`, or says why that cannot be. The input is never changed. */
export function adapt(input: AdaptInput): Adapted {
  const { body, target, model } = input;
  const modelId = modelAt(target, model);
  if (modelId === null) return ineligible(`model ${model} is not offered`);
  const hindrance = hindranceAt(body, target, input.sameAccount);
  if (hindrance) return ineligible(hindrance);

  const dropped: string[] = [];
  const adapted: Record<string, unknown> = { ...body, model: modelId };
  const drop = (name: string): void => {
    if (!(name in adapted)) return;
    delete adapted[name];
    dropped.push(name);
  };
  const { capabilities } = target;
  // The fence has already kept the request where it must stay; on these platforms the endpoint decides the place.
  if (!capabilities.inferenceGeo) drop('inference_geo');
  if (!capabilities.speed) drop('speed');
  if (!capabilities.fallbacks) drop('fallbacks');
  if (!input.sameAccount || model !== input.originalModel) drop('fallback_credit_token');
  if (!input.sameAccount && target.kind !== 'anthropic') drop('service_tier');

  if (model !== input.originalModel || !input.sameAccount) {
    const messages = withoutThinking(adapted['messages']);
    if (messages === 'in-tool-turn') return ineligible('thinking of an unfinished tool turn cannot move to another account or model');
    if (messages) {
      adapted['messages'] = messages;
      dropped.push('thinking of earlier turns');
    }
  }
  const betas = capabilities.betas || !input.betas ? null : '';
  if (betas === '') dropped.push('anthropic-beta');
  if (model === input.originalModel) return { type: 'ok', body: adapted, model: modelId, betas, dropped };
  const fitted = fitModel(adapted, input.originalModel, model);
  if (fitted.type === 'unfit') return ineligible(fitted.reason);
  return { type: 'ok', body: fitted.body, model: modelId, betas, dropped: [...dropped, ...fitted.dropped] };
}

/** A feature of the request without which the answer would mean something else. */
function hindranceAt(body: Json, { capabilities }: TargetFacts, sameAccount: boolean): string | null {
  if ('thread' in body && !(sameAccount && capabilities.threads)) return 'message threads stay where their history is';
  if ('container' in body && !sameAccount) return 'containers belong to an account';
  const { tools } = body;
  if (!capabilities.serverTools && ('mcp_servers' in body || (Array.isArray(tools) && tools.some(isServerTool)))) return 'no server tools';
  const output = body['output_config'] as Json | undefined;
  if (!capabilities.structuredOutput && ('output_format' in body || output?.['format'])) return 'no structured output';
  const sources = sourceTypes(body['messages']);
  if (sources.has('file') && (!sameAccount || !capabilities.files)) return 'files belong to an account';
  if (sources.has('url') && !capabilities.urlSources) return 'no sources by URL';
  return null;
}

/** Client tools are `custom`, untyped, or of a type the caller runs (bash, text editor, memory, computer). */
function isServerTool(tool: unknown): boolean {
  const { type } = object(tool);
  return typeof type === 'string' && /^(web_search|web_fetch|code_execution|tool_search|advisor|mcp_toolset)/.test(type);
}

/** Where content comes from, also within the results of tools. Messages hold blocks as blocks do. */
function sourceTypes(holders: unknown, found = new Set<unknown>()): ReadonlySet<unknown> {
  if (!Array.isArray(holders)) return found;
  for (const holder of holders) {
    const { type, source, content } = object(holder);
    const { type: kind, content: inner } = object(source);
    if (type === 'container_upload') found.add('file');
    found.add(kind);
    sourceTypes(inner, found);
    sourceTypes(content, found);
  }
  return found;
}

/**
 * Signatures bind thinking to model and account: elsewhere it is dropped or refused. Finished turns may go without it; a
 * turn that still waits for its tool results may not. Null if there is none.
 */
function withoutThinking(messages: unknown): unknown[] | 'in-tool-turn' | null {
  if (!Array.isArray(messages)) return null;
  const openTurn = toolTurnOf(messages);
  const kept: unknown[] = [];
  let found = false;
  for (const [index, message] of messages.entries()) {
    const { content } = object(message);
    if (!Array.isArray(content) || !content.some(isThinking)) {
      kept.push(message);
      continue;
    }
    if (index >= openTurn) return 'in-tool-turn';
    found = true;
    const rest = content.filter((block) => !isThinking(block));
    if (rest.length > 0) kept.push({ ...object(message), content: rest });
  }
  return found ? kept : null;
}

function isThinking(block: unknown): boolean {
  const { type } = object(block);
  return type === 'thinking' || type === 'redacted_thinking';
}

/** Where the tool turn begins that the last message answers; beyond the end if it answers none. */
function toolTurnOf(messages: readonly unknown[]): number {
  if (!answersTools(messages.at(-1))) return messages.length;
  let index = messages.length - 1;
  while (object(messages[index])['role'] === 'assistant' || answersTools(messages[index])) index -= 1;
  return index + 1;
}

function answersTools(message: unknown): boolean {
  const { content } = object(message);
  return Array.isArray(content) && content.some((block) => object(block)['type'] === 'tool_result');
}

/** Callers may send anything; what is wrong with it is the upstream's to say. */
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

const ineligible = (reason: string): Adapted => ({ type: 'ineligible', reason });
