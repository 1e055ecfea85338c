// What is known of a place that answers: its kind, where it is, what it can do.

/** Which SDK package's client it is. `gateway`: an `Anthropic` client with another base URL. */
export type TargetKind = 'anthropic' | 'aws' | 'google-cloud' | 'foundry' | 'bedrock' | 'bedrock-mantle' | 'vertex' | 'gateway';

/** Request features that not every platform has. https://platform.claude.com/docs/en/build-with-claude/overview */
export interface TargetCapabilities {
  /** `anthropic-beta` headers. */
  readonly betas: boolean;
  /** Web search, code execution and other tools the platform runs. */
  readonly serverTools: boolean;
  /** Content by file id. */
  readonly files: boolean;
  /** Images and documents by URL. */
  readonly urlSources: boolean;
  /** `output_config.format`. */
  readonly structuredOutput: boolean;
  /** Message threads. */
  readonly threads: boolean;
  /** `speed: "fast"`. */
  readonly speed: boolean;
  /** `/v1/messages/count_tokens`. */
  readonly countTokens: boolean;
  /** `inference_geo`. */
  readonly inferenceGeo: boolean;
  /** `fallbacks` for refusals. */
  readonly fallbacks: boolean;
  /** Messages of the role `system` within the conversation, for models that take them. */
  readonly systemMessages: boolean;
}

export interface TargetFacts {
  readonly name: string;
  readonly kind: TargetKind;
  readonly geo: string | null;
  readonly processor: string | null;
  readonly weight: number;
  readonly models: Readonly<Record<string, string | null>> | ((model: string) => string | null);
  readonly capabilities: TargetCapabilities;
}

/** The class name tells the kind. Names are stable in the shipped builds; `instanceof` would fail across module formats. */
export function targetKind(client: object): TargetKind {
  switch (client.constructor.name) {
    case 'AnthropicAws':
      return 'aws';
    case 'AnthropicGoogleCloud':
      return 'google-cloud';
    case 'AnthropicFoundry':
      return 'foundry';
    case 'AnthropicBedrock':
      return 'bedrock';
    case 'AnthropicBedrockMantle':
      return 'bedrock-mantle';
    case 'AnthropicVertex':
      return 'vertex';
  }
  const { baseURL } = client as { baseURL?: unknown };
  return typeof baseURL !== 'string' || /^https:\/\/api\.anthropic\.com(\/|$)/.test(baseURL) ? 'anthropic' : 'gateway';
}

const everything: TargetCapabilities = {
  betas: true,
  serverTools: true,
  files: true,
  urlSources: true,
  structuredOutput: true,
  threads: true,
  speed: true,
  countTokens: true,
  inferenceGeo: true,
  fallbacks: true,
  systemMessages: true,
};

const kinds: Record<TargetKind, { processor: string | null; capabilities: TargetCapabilities }> = {
  anthropic: { processor: 'anthropic', capabilities: everything },
  gateway: { processor: null, capabilities: everything },
  aws: { processor: 'anthropic', capabilities: { ...everything, speed: false, fallbacks: false } },
  'google-cloud': { processor: 'anthropic', capabilities: { ...everything, speed: false, fallbacks: false, inferenceGeo: false } },
  foundry: {
    processor: 'microsoft',
    capabilities: {
      ...everything,
      speed: false,
      fallbacks: false,
      inferenceGeo: false,
      serverTools: false,
      structuredOutput: false,
      files: false,
      systemMessages: false,
    },
  },
  bedrock: {
    processor: 'aws',
    capabilities: {
      ...everything,
      speed: false,
      fallbacks: false,
      inferenceGeo: false,
      serverTools: false,
      files: false,
      urlSources: false,
      threads: false,
      countTokens: false,
    },
  },
  'bedrock-mantle': {
    processor: 'aws',
    capabilities: {
      ...everything,
      betas: false,
      speed: false,
      fallbacks: false,
      inferenceGeo: false,
      serverTools: false,
      files: false,
      urlSources: false,
      structuredOutput: false,
      threads: false,
    },
  },
  vertex: {
    processor: 'google',
    capabilities: {
      ...everything,
      speed: false,
      fallbacks: false,
      inferenceGeo: false,
      files: false,
      threads: false,
      systemMessages: false,
    },
  },
};

/** What holds for every target of a kind unless its options say otherwise. */
export const defaultsOf = (kind: TargetKind): { processor: string | null; capabilities: TargetCapabilities } => kinds[kind];

/** True for platforms other than Anthropic's own address: their silence lasts longer and their ids differ. */
export const isCloud = (kind: TargetKind): boolean => kind !== 'anthropic' && kind !== 'gateway';

/** The id of `model` at a target: its own where nothing is said; null if the target does not offer it. */
export function modelAt({ models }: Pick<TargetFacts, 'models'>, model: string): string | null {
  const named = typeof models === 'function' ? ask(models, model) : Object.hasOwn(models, model) ? models[model] : undefined;
  return named === undefined ? model : named;
}

/** A function that fails offers nothing: the call goes elsewhere. */
function ask(models: (model: string) => string | null | undefined, model: string): string | null | undefined {
  try {
    return models(model);
  } catch {
    return null;
  }
}
