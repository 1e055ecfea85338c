import { describe, expect, it } from 'vitest';
import { modelFacts, type ModelFacts } from './models.ts';

/** The ids the SDK's `Model` type lists. */
const current = [
  'claude-fable-5-2',
  'claude-mythos-5-2',
  'claude-haiku-5-5',
  'claude-sonnet-5-5',
  'claude-fable-5-1',
  'claude-opus-5-5',
  'claude-mythos-5-1',
  'claude-sonnet-5',
  'claude-fable-5',
  'claude-mythos-5',
  'claude-opus-5',
  'claude-opus-4-8',
  'claude-opus-4-7',
  'claude-mythos-preview',
  'claude-opus-4-6',
  'claude-sonnet-4-6',
  'claude-haiku-4-5',
  'claude-opus-4-5',
  'claude-sonnet-4-5',
];

const those = (holds: (facts: ModelFacts) => boolean): string[] => current.filter((id) => holds(modelFacts(id)));
const except = (...ids: string[]): string[] => current.filter((id) => !ids.includes(id));
const older = ['claude-haiku-4-5', 'claude-opus-4-5', 'claude-sonnet-4-5'];
const neverSilent = current.filter((id) => /fable|mythos|opus-5-5/.test(id));

describe('modelFacts', () => {
  it('knows every model the SDK lists', () => {
    expect(those(({ known }) => known)).toEqual(current);
  });

  it('takes only 4.5 and earlier for models that accept a prefill', () => {
    expect(those(({ acceptsPrefill }) => acceptsPrefill)).toEqual(older);
  });

  it('knows which kinds of thinking a model takes', () => {
    expect(those(({ adaptiveThinking }) => adaptiveThinking)).toEqual(except(...older));
    expect(those(({ budgetThinking }) => budgetThinking)).toEqual([
      'claude-mythos-preview',
      'claude-opus-4-6',
      'claude-sonnet-4-6',
      ...older,
    ]);
    expect(modelFacts('claude-3-7-sonnet-latest').budgetThinking).toBe(true);
    expect(modelFacts('claude-3-5-sonnet-latest').budgetThinking).toBe(false);
    expect(those(({ canDisableThinking }) => canDisableThinking)).toEqual(except(...neverSilent, 'claude-sonnet-5-5'));
    expect(those(({ disablingLimitsEffort }) => disablingLimitsEffort)).toEqual(['claude-haiku-5-5', 'claude-opus-5']);
    expect(those(({ betweenToolsThinking }) => betweenToolsThinking)).toEqual(['claude-sonnet-5-5']);
    expect(those(({ thinksByDefault }) => thinksByDefault)).toEqual(
      current.filter((id) => /-5($|-\d$)|preview/.test(id) && !/-4-/.test(id)),
    );
  });

  it('knows which models take no forced tool', () => {
    expect(those(({ acceptsForcedTool }) => !acceptsForcedTool)).toEqual(
      current.filter((id) => neverSilent.includes(id) || id === 'claude-sonnet-5-5'),
    );
  });

  it('knows who takes effort and sampling parameters, and whose tokens are smaller', () => {
    expect(those(({ effort }) => !effort)).toEqual(['claude-haiku-4-5', 'claude-sonnet-4-5']);
    expect(those(({ samplingParameters }) => samplingParameters)).toEqual([
      'claude-mythos-preview',
      'claude-opus-4-6',
      'claude-sonnet-4-6',
      ...older,
    ]);
    expect(those(({ tokenFactor }) => tokenFactor === 1)).toEqual([
      'claude-mythos-preview',
      'claude-opus-4-6',
      'claude-sonnet-4-6',
      ...older,
    ]);
  });

  it('knows who takes instructions within the conversation, and counts those of whom reports contradict each other as others', () => {
    expect(those(({ systemMessages }) => systemMessages)).toEqual(
      current.filter((id) => /(fable|mythos)-5|opus-(4-8|5)|(sonnet|haiku)-5-5/.test(id)),
    );
  });

  it.each([
    ['claude-opus-5-5', 1_000_000, 128_000],
    ['claude-haiku-5-5', 1_000_000, 128_000],
    ['claude-sonnet-4-6', 1_000_000, 128_000],
    ['claude-opus-4-5', 200_000, 64_000],
    ['claude-haiku-4-5', 200_000, 64_000],
    ['claude-opus-4-1', 200_000, 32_000],
    ['claude-opus-4-0', 200_000, 32_000],
    ['claude-sonnet-4-0', 200_000, 64_000],
    ['claude-3-7-sonnet-latest', 200_000, 64_000],
    ['claude-3-5-haiku-20241022', 200_000, 8_192],
    ['claude-3-opus-20240229', 200_000, 4_096],
  ])('%s reads %i tokens and writes %i', (id, contextWindow, maxOutput) => {
    expect(modelFacts(id)).toMatchObject({ contextWindow, maxOutput });
  });

  it.each([
    ['claude-opus-4-8', 'opus-4'],
    ['claude-opus-4-5', 'opus-4'],
    ['claude-sonnet-4-6', 'sonnet-4'],
    ['claude-opus-5', 'opus-5.0'],
    ['claude-opus-5-5', 'opus-5.5'],
    ['claude-fable-5', 'fable-5'],
    ['claude-fable-5-2', 'fable-5'],
    ['claude-fable-6', 'fable-6.0'],
    ['claude-haiku-4-5', 'haiku-4.5'],
    ['claude-mythos-preview', 'mythos-preview'],
    ['gpt-9', null],
  ])('%s shares the rate limit of %s', (id, limitClass) => {
    expect(modelFacts(id).limitClass).toBe(limitClass);
  });

  it.each([
    ['claude-opus-4-5-20251101', 'opus', [4, 5]],
    ['claude-sonnet-4-20250514', 'sonnet', [4, 0]],
    ['claude-opus-4@20250514', 'opus', [4, 0]],
    ['claude-opus-4-5@20251101', 'opus', [4, 5]],
    ['claude-opus-5-5@default', 'opus', [5, 5]],
    ['anthropic.claude-opus-5-5', 'opus', [5, 5]],
    ['anthropic.claude-opus-4-6-v1', 'opus', [4, 6]],
    ['anthropic.claude-3-haiku-20240307-v1:0:200k', 'haiku', [3, 0]],
    ['us.anthropic.claude-opus-4-5-20251101-v1:0', 'opus', [4, 5]],
    ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'sonnet', [4, 5]],
    ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'sonnet', [4, 5]],
    ['arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20241022-v2:0', 'sonnet', [3, 5]],
    ['publishers/anthropic/models/claude-haiku-4-5@20251001', 'haiku', [4, 5]],
    ['anthropic/claude-opus-4.5', 'opus', [4, 5]],
    ['anthropic/claude-3.7-sonnet', 'sonnet', [3, 7]],
    ['Claude-Opus-4-5', 'opus', [4, 5]],
    ['claude-opus-4-8[1m]', 'opus', [4, 8]],
    ['claude-opus-6', 'opus', [6, 0]],
    ['claude-sonnet-4-10', 'sonnet', [4, 10]],
  ])('reads %s', (id, family, generation) => {
    expect(modelFacts(id)).toMatchObject({ known: true, family, generation });
  });

  it.each([
    '',
    'gpt-9',
    'claude',
    'claude-2.1',
    'claude-instant-1.2',
    'claude-saga-6-1',
    'claude-opus-latest',
    'claude-opus-4-5-turbo',
    'my-claude-opus-4-5',
    'production',
    'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123',
    'claude-opus-4-5\nx',
    `claude-opus-4-5${':1'.repeat(50_000)}x`,
  ])('gives the careful answer for %.60j', (id) => {
    expect(modelFacts(id)).toEqual({
      known: false,
      family: null,
      generation: null,
      // What is accepted by most …
      adaptiveThinking: true,
      effort: true,
      // … nothing that only some can do …
      acceptsPrefill: false,
      budgetThinking: false,
      canDisableThinking: false,
      disablingLimitsEffort: false,
      betweenToolsThinking: false,
      acceptsForcedTool: false,
      samplingParameters: false,
      systemMessages: false,
      // … and the most that it may cost.
      thinksByDefault: true,
      contextWindow: 200_000,
      maxOutput: 4_096,
      tokenFactor: 1.3,
      limitClass: null,
    });
  });

  it('takes the model of tomorrow for one like the newest', () => {
    expect(modelFacts('claude-opus-6')).toMatchObject({
      acceptsPrefill: false,
      adaptiveThinking: true,
      budgetThinking: false,
      canDisableThinking: false,
    });
    expect(modelFacts('claude-sonnet-4-10').acceptsPrefill).toBe(false);
  });
});
