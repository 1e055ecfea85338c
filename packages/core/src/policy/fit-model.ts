// Fits a request to a model it was not written for: thinking, effort, sampling, and how much goes in and comes out.

import { charactersOf } from './body-facts.ts';
import { modelFacts, type ModelFacts } from './models.ts';

type Json = Readonly<Record<string, unknown>>;

export type Fitted =
  | { readonly type: 'ok'; readonly body: Json; readonly dropped: readonly string[] }
  | { readonly type: 'unfit'; readonly reason: string };

/**
 * Fits `body`, written for the model `from`, to the model `to`. What the caller wanted is kept as far as `to` can do it: who
 * asked for no thinking gets the least there is. Nothing is guessed for a model that is not known. `characters` are the body's
 * own unless somebody has counted them.
 */
export function fitModel(body: Json, from: string, to: string, characters: number = charactersOf(body)): Fitted {
  const fitted: Record<string, unknown> = { ...body };
  const dropped: string[] = [];
  const set = (name: string, value: unknown, label = name): void => {
    if (value === undefined) delete fitted[name];
    else fitted[name] = value;
    dropped.push(label);
  };
  if ('speed' in fitted) set('speed', undefined);
  const facts = modelFacts(to);
  if (!facts.known) return { type: 'ok', body: fitted, dropped };
  if (!facts.acceptsForcedTool && forcesTool(body)) return { type: 'unfit', reason: `${to} cannot be made to use a tool` };
  if ((characters / mostCharactersPerToken) * facts.tokenFactor > facts.contextWindow)
    return { type: 'unfit', reason: `the request is longer than the context window of ${to}` };

  const { max_tokens: maxTokens } = fitted;
  if (typeof maxTokens === 'number' && maxTokens > facts.maxOutput)
    set('max_tokens', facts.maxOutput, 'max_tokens above the model’s limit');
  if (!facts.samplingParameters) for (const name of ['temperature', 'top_p', 'top_k']) if (name in fitted) set(name, undefined);
  const thinking = fitThinking(fitted, modelFacts(from), facts);
  if (thinking !== fitted['thinking']) set('thinking', thinking);
  const output = fitOutput(fitted, facts);
  if (output !== fitted['output_config']) set('output_config', output, 'output_config.effort');
  return { type: 'ok', body: fitted, dropped };
}

interface Thinking {
  readonly type?: unknown;
  readonly budget_tokens?: unknown;
  readonly display?: unknown;
}

/** The `thinking` for `to`; undefined to leave it out. */
function fitThinking(body: Json, from: ModelFacts, to: ModelFacts): unknown {
  const thinking = body['thinking'] as Thinking | undefined;
  switch (thinking?.type) {
    case undefined:
      // Who wrote for a model that does not think unasked set `max_tokens` for the answer alone.
      return from.known && !from.thinksByDefault && to.thinksByDefault ? leastThinking(to) : thinking;
    case 'disabled':
      return to.canDisableThinking ? thinking : leastThinking(to);
    case 'between_tools':
      return to.betweenToolsThinking ? thinking : leastThinking(to);
    case 'adaptive':
      return to.adaptiveThinking ? thinking : undefined;
    case 'enabled':
      if (to.budgetThinking) return withinOutput(thinking, body['max_tokens']);
      if (!to.adaptiveThinking) return undefined;
      return { type: 'adaptive', ...(thinking.display ? { display: thinking.display } : {}) };
  }
  return thinking;
}

/** As little thinking as the model can do; undefined for one that always thinks. */
function leastThinking({ canDisableThinking, betweenToolsThinking }: ModelFacts): { readonly type: string } | undefined {
  if (canDisableThinking) return { type: 'disabled' };
  return betweenToolsThinking ? { type: 'between_tools' } : undefined;
}

/** The least budget the API takes. https://platform.claude.com/docs/en/build-with-claude/extended-thinking */
const leastBudget = 1_024;

/** A budget must be smaller than `max_tokens`, which may have shrunk. */
function withinOutput(thinking: Thinking, maxTokens: unknown): Thinking | undefined {
  const { budget_tokens: budget } = thinking;
  if (typeof budget !== 'number' || typeof maxTokens !== 'number' || budget < maxTokens) return thinking;
  return maxTokens > leastBudget ? { ...thinking, budget_tokens: Math.max(leastBudget, Math.floor(maxTokens / 2)) } : undefined;
}

/** Called when `thinking` is settled: some models limit the effort of a request that disables it. */
function fitOutput(body: Json, facts: ModelFacts): unknown {
  const output = body['output_config'] as Json | null | undefined;
  if (typeof output !== 'object' || output === null || !('effort' in output)) return output;
  const { effort, ...rest } = output;
  if (!facts.effort) return Object.keys(rest).length > 0 ? rest : undefined;
  const disabled = (body['thinking'] as Thinking | undefined)?.type === 'disabled';
  return disabled && facts.disablingLimitsEffort && (effort === 'xhigh' || effort === 'max') ? { ...rest, effort: 'high' } : output;
}

function forcesTool(body: Json): boolean {
  const type = (body['tool_choice'] as { type?: unknown } | undefined)?.type;
  return type === 'tool' || type === 'any';
}

/** Nobody's text has fewer tokens than one for so many characters: a request that is surely too long is not worth sending. */
const mostCharactersPerToken = 6;
