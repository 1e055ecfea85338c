// What is known of models by their ids. Nothing here is guessed for an unknown id: it gets the careful answer.

export interface ModelFacts {
  /** The id names a Claude model whose generation is known. */
  readonly known: boolean;
  /** `opus`, `sonnet`, … or null. */
  readonly family: string | null;
  /** 4.5 for claude-opus-4-5; null if unknown. */
  readonly generation: number | null;
  /** Takes a trailing assistant turn to continue from. Up to 4.5; newer models answer 400. https://platform.claude.com/docs/en/build-with-claude/prompt-engineering/prefill-claudes-response */
  readonly acceptsPrefill: boolean;
  /** `thinking: { type: 'adaptive' }`. From 4.6 on. */
  readonly adaptiveThinking: boolean;
  /** `thinking: { type: 'enabled', budget_tokens }`. Up to 4.6. */
  readonly budgetThinking: boolean;
  /** `thinking: { type: 'disabled' }` is accepted. Not by models that always think. */
  readonly canDisableThinking: boolean;
  /** `output_config.effort`. From 4.5 on for opus, 4.6 for others. */
  readonly effort: boolean;
  /** Input and output together, tokens. */
  readonly contextWindow: number;
  /** Most output tokens that every model of the generation accepts. */
  readonly maxOutput: number;
}

const idPattern = /claude-(?:([a-z]+)-(\d{1,2})(?:[-.](\d{1,2}))?|(\d{1,2})(?:[-.](\d{1,2}))?-([a-z]+))(?![\d.])/;

/** Reads facts from a model id in any platform's spelling: `us.anthropic.claude-opus-4-5-20251101-v1:0`, `claude-sonnet-4-5@20250929`, an ARN. */
export function modelFacts(id: string): ModelFacts {
  const match = idPattern.exec(id.toLowerCase().replace(/[-@]\d{8}.*$/, ''));
  if (!match) return { ...careful, known: false, family: null, generation: null };
  const family = (match[1] ?? match[6]) as string;
  const generation = Number(match[2] ?? match[4]) + Number(match[3] ?? match[5] ?? 0) / 10;
  const before46 = generation < 4.55;
  return {
    known: true,
    family,
    generation,
    acceptsPrefill: before46,
    adaptiveThinking: !before46,
    budgetThinking: generation < 4.65,
    canDisableThinking: !alwaysThinks(family, generation),
    effort: family === 'opus' ? generation >= 4.45 : generation >= 4.55,
    contextWindow: before46 || (family === 'haiku' && generation < 5) ? 200_000 : 1_000_000,
    maxOutput: generation < 4 ? 8_192 : before46 ? 32_000 : 64_000,
  };
}

const careful = {
  acceptsPrefill: false,
  adaptiveThinking: true,
  budgetThinking: false,
  canDisableThinking: false,
  effort: true,
  contextWindow: 200_000,
  maxOutput: 8_192,
} as const;

/** Fable and Mythos always think, and so does Sonnet from 5.5 on. */
const alwaysThinks = (family: string, generation: number): boolean => family === 'fable' || family === 'mythos' || (family === 'sonnet' && generation >= 5.45);
