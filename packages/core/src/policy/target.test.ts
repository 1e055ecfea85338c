import { describe, expect, it } from 'vitest';
import { defaultsOf, isCloud, modelAt, targetKind, type TargetKind } from './target.ts';

/** A client as the SDKs make them: what it is shows in the name of its class only. */
const client = (name: string, baseURL?: unknown): object =>
  Object.assign(Object.create({ constructor: { name } }) as object, baseURL === undefined ? {} : { baseURL });

describe('the kind of a target', () => {
  it.each<[string, TargetKind]>([
    ['AnthropicAws', 'aws'],
    ['AnthropicGoogleCloud', 'google-cloud'],
    ['AnthropicFoundry', 'foundry'],
    ['AnthropicBedrock', 'bedrock'],
    ['AnthropicBedrockMantle', 'bedrock-mantle'],
    ['AnthropicVertex', 'vertex'],
  ])('shows in the class %s, wherever it points', (name, kind) => {
    expect(targetKind(client(name, 'https://api.anthropic.com'))).toBe(kind);
    expect(targetKind(client(name, 'https://proxy.example'))).toBe(kind);
  });

  it.each<[unknown, TargetKind]>([
    ['https://api.anthropic.com', 'anthropic'],
    ['https://api.anthropic.com/', 'anthropic'],
    ['https://api.anthropic.com/v1', 'anthropic'],
    [undefined, 'anthropic'],
    [null, 'anthropic'],
    ['http://api.anthropic.com', 'gateway'],
    ['https://api.anthropic.com.example', 'gateway'],
    ['https://example.com/https://api.anthropic.com', 'gateway'],
    ['http://localhost:8080', 'gateway'],
    ['', 'gateway'],
  ])('of a plain client at %j is %s', (baseURL, kind) => {
    expect(targetKind(client('Anthropic', baseURL))).toBe(kind);
  });
});

describe('what holds for a kind', () => {
  it.each<[TargetKind, string | null, string[]]>([
    ['anthropic', 'anthropic', []],
    ['gateway', null, []],
    ['aws', 'anthropic', ['speed', 'fallbacks']],
    ['google-cloud', 'anthropic', ['speed', 'inferenceGeo', 'fallbacks']],
    ['foundry', 'microsoft', ['serverTools', 'files', 'structuredOutput', 'speed', 'inferenceGeo', 'fallbacks', 'systemMessages']],
    ['bedrock', 'aws', ['serverTools', 'files', 'urlSources', 'threads', 'speed', 'countTokens', 'inferenceGeo', 'fallbacks']],
    [
      'bedrock-mantle',
      'aws',
      ['betas', 'serverTools', 'files', 'urlSources', 'structuredOutput', 'threads', 'speed', 'inferenceGeo', 'fallbacks'],
    ],
    ['vertex', 'google', ['files', 'threads', 'speed', 'inferenceGeo', 'fallbacks', 'systemMessages']],
  ])('%s: %s processes the data, and lacks %j', (kind, processor, lacks) => {
    const { capabilities, ...defaults } = defaultsOf(kind);

    expect(defaults.processor).toBe(processor);
    expect(Object.keys(capabilities)).toHaveLength(11);
    expect(
      Object.entries(capabilities)
        .filter(([, able]) => able !== true)
        .map(([name]) => name)
        .toSorted(),
    ).toEqual(lacks.toSorted());
  });

  it('everything but Anthropic’s own address and gateways is a cloud', () => {
    const kinds = ['anthropic', 'gateway', 'aws', 'google-cloud', 'foundry', 'bedrock', 'bedrock-mantle', 'vertex'] as const;

    expect(kinds.filter((kind) => !isCloud(kind))).toEqual(['anthropic', 'gateway']);
  });
});

describe('the id of a model at a target', () => {
  it('is the one given for it, none if that is null, and otherwise its own', () => {
    const models = { opus: 'anthropic.opus-v1:0', haiku: null };

    expect(['opus', 'haiku', 'sonnet', 'constructor'].map((model) => modelAt({ models }, model))).toEqual([
      'anthropic.opus-v1:0',
      null,
      'sonnet',
      'constructor',
    ]);
  });

  it('is what a function says', () => {
    const models = (model: string): string | null => (model === 'opus' ? 'ours' : null);

    expect(['opus', 'haiku'].map((model) => modelAt({ models }, model))).toEqual(['ours', null]);
  });

  it('is its own where undefined is said, and none where the function fails', () => {
    const nothing: Record<string, string> = {};
    const fails = (): never => {
      throw new Error('no table');
    };
    const unknown = { opus: undefined } as unknown as Record<string, string>;

    for (const models of [unknown, (model: string) => nothing[model] as string]) expect(modelAt({ models }, 'opus')).toBe('opus');
    expect(modelAt({ models: fails }, 'opus')).toBeNull();
  });
});
