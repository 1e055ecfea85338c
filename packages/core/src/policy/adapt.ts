// Fits a request to another target or model: drops what changes nothing, refuses what would change the answer's meaning.

import { versionAt } from './api-version.ts';
import { bodyFacts, charactersOf, isSystem, isThinking, type BodyFacts } from './body-facts.ts';
import { fitModel } from './fit-model.ts';
import { modelFacts } from './models.ts';
import { modelAt, type TargetFacts } from './target.ts';

type Json = Readonly<Record<string, unknown>>;

export type Adapted =
  | {
      readonly type: 'ok';
      readonly body: Json;
      readonly model: string;
      /** Beta names to send, null for the request's own. */
      readonly betas: string | null;
      /** The `anthropic-version` to send, null for the target's own. */
      readonly version: string | null;
      /** What was left out, for the ledger. */
      readonly dropped: readonly string[];
    }
  | { readonly type: 'ineligible'; readonly reason: string };

export interface AdaptInput {
  readonly body: Json;
  /** The `anthropic-beta` header of the request. */
  readonly betas: string | null;
  /** The `anthropic-version` header of the request. */
  readonly version: string | null;
  readonly target: TargetFacts;
  /** The model wanted, by the id used in requests. */
  readonly model: string;
  /** The model of the original request: another one cannot read its thinking. */
  readonly originalModel: string;
  /** The target whose account the conversation began with. */
  readonly sameAccount: boolean;
}

/**
 * Adapts `body` for `target` and `model`, or says why that cannot be. The input is never changed, and what need not change is
 * shared with it: nobody may change the body afterwards either.
 */
export function adapt(input: AdaptInput): Adapted {
  const { body, target, model, originalModel, sameAccount } = input;
  const { capabilities } = target;
  const modelId = modelAt(target, model);
  if (modelId === null) return ineligible(`model ${model} is not offered`);
  const facts = bodyFacts(body);
  const hindrance = hindranceAt(body, facts, target, sameAccount);
  if (hindrance) return ineligible(hindrance);
  // The first target says its own version, whatever the model.
  const versioned = sameAccount ? ({ type: 'ok', version: null } as const) : versionAt(target, input.version, idOf(modelId, model));
  if (versioned.type === 'unknown') return ineligible(`no API version ${input.version}`);
  const moves = model !== originalModel || !sameAccount;
  if (moves && facts.hasOpenThinking) return ineligible('thinking of an unfinished tool turn cannot move to another account or model');
  const hoists = moves && facts.hasSystemMessages && !takesSystemMessages(target, idOf(modelId, model));
  if (hoists && facts.changesTools) return ineligible('no changes of tools within a conversation');

  const dropped: string[] = [];
  const adapted: Record<string, unknown> = { ...body, model: modelId };
  const drop = (name: string): void => {
    if (!(name in adapted)) return;
    delete adapted[name];
    dropped.push(name);
  };
  // The fence has already kept the request where it must stay; on these platforms the endpoint decides the place.
  if (!capabilities.inferenceGeo) drop('inference_geo');
  if (!capabilities.speed) drop('speed');
  if (!capabilities.fallbacks) drop('fallbacks');
  if (moves) drop('fallback_credit_token');
  if (!sameAccount && target.kind !== 'anthropic') drop('service_tier');

  if (moves && facts.hasThinking) {
    adapted['messages'] = withoutThinking(adapted['messages'] as readonly unknown[]);
    dropped.push('thinking of earlier turns');
  }
  if (hoists) {
    hoistSystemMessages(adapted);
    dropped.push('the place of system messages');
  }
  const betas = capabilities.betas || !input.betas ? null : '';
  if (betas === '') dropped.push('anthropic-beta');
  const { version } = versioned;
  if (model === originalModel) return { type: 'ok', body: adapted, model: modelId, betas, version, dropped };
  const fitted = fitModel(adapted, originalModel, model, charactersOf(body));
  if (fitted.type === 'unfit') return ineligible(fitted.reason);
  return { type: 'ok', body: fitted.body, model: modelId, betas, version, dropped: [...dropped, ...fitted.dropped] };
}

/** A feature of the request without which the answer would mean something else. */
function hindranceAt(body: Json, facts: BodyFacts, { capabilities }: TargetFacts, sameAccount: boolean): string | null {
  if ('thread' in body && !(sameAccount && capabilities.threads)) return 'message threads stay where their history is';
  if ('container' in body && !sameAccount) return 'containers belong to an account';
  const { tools } = body;
  if (!capabilities.serverTools && ('mcp_servers' in body || (Array.isArray(tools) && tools.some(isServerTool)))) return 'no server tools';
  const output = body['output_config'] as Json | undefined;
  if (!capabilities.structuredOutput && ('output_format' in body || output?.['format'])) return 'no structured output';
  if (facts.hasFiles && (!sameAccount || !capabilities.files)) return 'files belong to an account';
  if (facts.hasUrls && !capabilities.urlSources) return 'no sources by URL';
  return null;
}

/** Client tools are `custom`, untyped, or of a type the caller runs (bash, text editor, memory, computer). */
function isServerTool(tool: unknown): boolean {
  const { type } = object(tool);
  return typeof type === 'string' && /^(web_search|web_fetch|code_execution|tool_search|advisor|mcp_toolset)/.test(type);
}

/** The id that says most: a platform's own name may be one of its operators' making. */
const idOf = (modelId: string, model: string): string => (modelFacts(modelId).known ? modelId : model);

/** Nothing is guessed for a model that is not known. */
function takesSystemMessages({ capabilities }: TargetFacts, modelId: string): boolean {
  const { known, systemMessages } = modelFacts(modelId);
  return capabilities.systemMessages && (systemMessages || !known);
}

/**
 * Signatures bind thinking to model and account: elsewhere it is dropped or refused. Finished turns may go without it; a
 * turn that still waits for its tool results may not.
 */
function withoutThinking(messages: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  for (const message of messages) {
    const { content } = object(message);
    const rest = Array.isArray(content) && content.some(isThinking) ? content.filter((block) => !isThinking(block)) : null;
    if (rest === null) kept.push(message);
    else if (rest.length > 0) kept.push({ ...object(message), content: rest });
  }
  return kept;
}

/**
 * Instructions within the conversation go to the end of the system prompt, in their order: they stay the operator's words,
 * which they would not be in a turn of the user's. Marks for the cache stay behind: they are counted, and their order matters.
 */
function hoistSystemMessages(body: Record<string, unknown>): void {
  const { system } = body;
  const messages = body['messages'] as readonly unknown[];
  const said: unknown[] = system === undefined || system === null ? [] : asBlocks(system);
  for (const message of messages)
    if (isSystem(message)) for (const block of asBlocks(object(message)['content'])) said.push(withoutCacheMark(block));
  body['system'] = said;
  body['messages'] = messages.filter((message) => !isSystem(message));
}

const asBlocks = (content: unknown): unknown[] =>
  Array.isArray(content) ? [...(content as unknown[])] : [{ type: 'text', text: content }];

function withoutCacheMark(block: unknown): unknown {
  const { cache_control: _, ...rest } = object(block);
  return rest;
}

/** Callers may send anything; what is wrong with it is the upstream's to say. */
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

const ineligible = (reason: string): Adapted => ({ type: 'ineligible', reason });
