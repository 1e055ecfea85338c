// What is known of models by their ids. Nothing here is guessed for an unknown id: it gets the careful answer.

export interface ModelFacts {
  /** The id names a Claude model of a known family and generation. */
  readonly known: boolean;
  /** `opus`, `sonnet`, `haiku`, `fable`, `mythos`, or null. */
  readonly family: string | null;
  /** [4, 5] for claude-opus-4-5; null if the id does not say. */
  readonly generation: readonly [major: number, minor: number] | null;
  /** Takes a trailing assistant turn to continue from. Up to 4.5; newer models answer 400. https://platform.claude.com/docs/en/api/errors#prefill-not-supported */
  readonly acceptsPrefill: boolean;
  /** `thinking: { type: 'adaptive' }`. From 4.6 on. https://platform.claude.com/docs/en/build-with-claude/thinking */
  readonly adaptiveThinking: boolean;
  /** `thinking: { type: 'enabled', budget_tokens }`. From 3.7 to 4.6. */
  readonly budgetThinking: boolean;
  /** Thinks when the request does not mention thinking. From 5 on. */
  readonly thinksByDefault: boolean;
  /** `thinking: { type: 'disabled' }` is accepted. Not by models that always think, and not by Sonnet from 5.5 on. */
  readonly canDisableThinking: boolean;
  /** Thinking can be disabled only with `effort` up to high: Opus 5 and Haiku 5.5. */
  readonly disablingLimitsEffort: boolean;
  /** `thinking: { type: 'between_tools' }`, the least thinking that Sonnet does from 5.5 on. */
  readonly betweenToolsThinking: boolean;
  /** `tool_choice` may force a tool. Not with models that always think, and not with Sonnet from 5.5 on. */
  readonly acceptsForcedTool: boolean;
  /** `temperature`, `top_p` and `top_k` other than the defaults. Up to 4.6; the API version 2026-10-21 takes them for no model. */
  readonly samplingParameters: boolean;
  /**
   * Messages of the role `system` within the conversation. Opus from 4.8 on, Fable and Mythos from 5, Sonnet and Haiku from 5.5.
   * Reports about Sonnet 5 contradict each other: it counts as one that refuses them.
   * https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
   */
  readonly systemMessages: boolean;
  /** `output_config.effort`. From 4.5 on for Opus, 4.6 for others. */
  readonly effort: boolean;
  /** Input and output together, tokens. */
  readonly contextWindow: number;
  /** Most output tokens. https://platform.claude.com/docs/en/about-claude/models/overview */
  readonly maxOutput: number;
  /** Tokens for the same text, compared with 4.6 and earlier: the tokenizer of 4.7 makes about 30 % more. */
  readonly tokenFactor: number;
  /** Models with the same value share one rate limit of an account: Opus 4.x, Sonnet 4.x, Fable 5.x; others have their own. Null if unknown. */
  readonly limitClass: string | null;
}

const families = 'opus|sonnet|haiku|fable|mythos';

/**
 * `claude-opus-4-5`, `claude-3-7-sonnet`, after a platform's prefix (`us.anthropic.`, `publishers/anthropic/models/`, an ARN)
 * and before its suffix (`-20251101`, `@20251101`, `-v1:0`, `-latest`, `[1m]`). Anything else around it makes another name.
 */
const idPattern = new RegExp(
  `(?:^|[./:])claude-(?:(?<family>${families})-(?:(?<major>\\d)(?:[-.](?<minor>\\d{1,2}))?|preview)|(?<oldMajor>\\d)(?:[-.](?<oldMinor>\\d))?-(?<oldFamily>${families}))` +
    '(?:[-@]\\d{8}|[-@](?:latest|default))?(?:-v\\d+)?(?::\\d+k?)*(?:\\[1m\\])?$',
);

/**
 * What a model accepts, read from its id in any platform's spelling: `us.anthropic.claude-opus-4-5-20251101-v1:0`,
 * `claude-sonnet-4-5@20250929`, an ARN. An unknown id (a deployment's own name, a model of tomorrow) gets the answers that are
 * accepted by most: no prefill, adaptive thinking, the smallest window.
 */
export function modelFacts(id: string): ModelFacts {
  const groups = idPattern.exec(id.toLowerCase())?.groups;
  if (!groups) return unknown;
  const family = (groups['family'] ?? groups['oldFamily']) as string;
  const major = groups['major'] ?? groups['oldMajor'];
  if (major === undefined) return { ...factsOf(family, 4, 6), generation: null, limitClass: `${family}-preview` };
  return factsOf(family, Number(major), Number(groups['minor'] ?? groups['oldMinor'] ?? 0));
}

function factsOf(family: string, major: number, minor: number): ModelFacts {
  /** Orders generations: 405 is 4.5. */
  const rank = major * 100 + minor;
  const alwaysThinks = family === 'fable' || family === 'mythos' || (family === 'opus' && rank >= 505);
  const betweenTools = family === 'sonnet' && rank >= 505;
  return {
    known: true,
    family,
    generation: [major, minor],
    acceptsPrefill: rank < 406,
    adaptiveThinking: rank >= 406,
    budgetThinking: rank >= 307 && rank <= 406,
    thinksByDefault: rank >= 500 || alwaysThinks,
    canDisableThinking: !alwaysThinks && !betweenTools,
    disablingLimitsEffort: rank >= 500 && (family === 'opus' || family === 'haiku') && !alwaysThinks,
    betweenToolsThinking: betweenTools,
    acceptsForcedTool: !alwaysThinks && !betweenTools,
    samplingParameters: rank < 407,
    systemMessages: rank >= (systemMessagesFrom[family] ?? 505),
    effort: rank >= (family === 'opus' ? 405 : 406),
    contextWindow: rank >= 406 ? 1_000_000 : 200_000,
    maxOutput: maxOutput(family, rank),
    tokenFactor: rank >= 407 ? 1.3 : 1,
    limitClass: sharesLimit(family, major) ? `${family}-${major}` : `${family}-${major}.${minor}`,
  };
}

const systemMessagesFrom: Readonly<Record<string, number>> = { opus: 408, fable: 500, mythos: 500 };

function maxOutput(family: string, rank: number): number {
  if (rank >= 406) return 128_000;
  if (rank >= 400) return family === 'opus' && rank < 405 ? 32_000 : 64_000;
  if (rank >= 307) return 64_000;
  return rank >= 305 ? 8_192 : 4_096;
}

/** https://platform.claude.com/docs/en/api/rate-limits */
const sharesLimit = (family: string, major: number): boolean =>
  (major === 4 && (family === 'opus' || family === 'sonnet')) || (major === 5 && family === 'fable');

const unknown: ModelFacts = {
  known: false,
  family: null,
  generation: null,
  acceptsPrefill: false,
  adaptiveThinking: true,
  budgetThinking: false,
  thinksByDefault: true,
  canDisableThinking: false,
  disablingLimitsEffort: false,
  betweenToolsThinking: false,
  acceptsForcedTool: false,
  samplingParameters: false,
  systemMessages: false,
  effort: true,
  contextWindow: 200_000,
  maxOutput: 4_096,
  tokenFactor: 1.3,
  limitClass: null,
};
