import { describe, expect, it } from 'vitest';
import { fitModel } from './fit-model.ts';

const base = { model: 'claude-opus-5-5', max_tokens: 8_192, messages: [{ role: 'user', content: 'Hello' }] };
const fit = (change: object, to: string, from = 'claude-opus-5-5') => fitModel({ ...base, ...change }, from, to);
const bodyOf = (change: object, to: string, from?: string) => {
  const fitted = fit(change, to, from);
  if (fitted.type === 'unfit') throw new Error(fitted.reason);
  return fitted.body;
};

describe('thinking', () => {
  const older = 'claude-opus-4-8';
  const rows: [what: string, from: string, asked: object | undefined, to: string, expected: object | undefined][] = [
    ['nothing said, for a model that thinks unasked: left to the model', 'claude-opus-5-5', undefined, 'claude-haiku-5-5', undefined],
    ['nothing said, for one that does not: disabled where it would think', older, undefined, 'claude-haiku-5-5', { type: 'disabled' }],
    ['… the least there is on Sonnet 5.5', older, undefined, 'claude-sonnet-5-5', { type: 'between_tools' }],
    ['… and nothing on a model that always thinks', older, undefined, 'claude-opus-5-5', undefined],
    ['… or does not think unasked either', older, undefined, 'claude-haiku-4-5', undefined],
    ['… or when the first model is not known', 'my-deployment', undefined, 'claude-haiku-5-5', undefined],
    ['disabled stays', 'claude-opus-5', { type: 'disabled' }, 'claude-haiku-5-5', { type: 'disabled' }],
    ['disabled becomes the least there is', 'claude-opus-5', { type: 'disabled' }, 'claude-sonnet-5-5', { type: 'between_tools' }],
    ['disabled is dropped where a model always thinks', 'claude-opus-5', { type: 'disabled' }, 'claude-opus-5-5', undefined],
    ['between tools stays', 'claude-sonnet-5-5', { type: 'between_tools' }, 'claude-sonnet-5-6', { type: 'between_tools' }],
    ['between tools becomes none', 'claude-sonnet-5-5', { type: 'between_tools' }, 'claude-haiku-5-5', { type: 'disabled' }],
    ['between tools is dropped where a model always thinks', 'claude-sonnet-5-5', { type: 'between_tools' }, 'claude-opus-5-5', undefined],
    ['adaptive stays', 'claude-opus-5-5', { type: 'adaptive' }, 'claude-sonnet-4-6', { type: 'adaptive' }],
    ['adaptive is dropped before 4.6', 'claude-opus-5-5', { type: 'adaptive' }, 'claude-haiku-4-5', undefined],
    [
      'a budget becomes adaptive',
      'claude-opus-4-5',
      { type: 'enabled', budget_tokens: 2_000, display: 'summarized' },
      'claude-haiku-5-5',
      { type: 'adaptive', display: 'summarized' },
    ],
    [
      'a budget stays before 4.7',
      'claude-opus-4-5',
      { type: 'enabled', budget_tokens: 2_000 },
      'claude-haiku-4-5',
      { type: 'enabled', budget_tokens: 2_000 },
    ],
    [
      'a budget is dropped before 3.7',
      'claude-opus-4-5',
      { type: 'enabled', budget_tokens: 2_000 },
      'claude-3-5-haiku-20241022',
      undefined,
    ],
    ['what nobody knows yet stays', 'claude-opus-5-5', { type: 'deep' }, 'claude-haiku-5-5', { type: 'deep' }],
  ];
  it.each(rows)('%s', (_, from, asked, to, expected) => {
    expect(bodyOf(asked ? { thinking: asked } : {}, to, from)['thinking']).toEqual(expected);
  });

  it('a budget stays below max_tokens when those shrink', () => {
    const body = bodyOf(
      { max_tokens: 100_000, thinking: { type: 'enabled', budget_tokens: 90_000 } },
      'claude-haiku-4-5',
      'claude-opus-4-6',
    );

    expect(body).toMatchObject({ max_tokens: 64_000, thinking: { type: 'enabled', budget_tokens: 32_000 } });
  });

  it.each<[what: string, maxTokens: unknown, budget: unknown, expected: unknown]>([
    ['one that fits stays', 3_000, 2_999, 2_999],
    ['one as large as the output becomes half of it', 3_000, 3_000, 1_500],
    ['half may be less than the least', 1_500, 2_000, 1_024],
    ['there is room for the least', 1_025, 2_000, 1_024],
    ['without room, thinking is dropped', 1_024, 1_024, undefined],
    ['without a limit it stays', undefined, 5_000, 5_000],
    ['what is no budget is left for the API to refuse', 3_000, '5000', '5000'],
    ['what is no limit too', '3000', 5_000, 5_000],
  ])('a budget must be smaller than the output: %s', (_, max_tokens, budget_tokens, expected) => {
    const thinking = bodyOf({ max_tokens, thinking: { type: 'enabled', budget_tokens } }, 'claude-haiku-4-5')['thinking'];

    expect(thinking).toEqual(expected === undefined ? undefined : { type: 'enabled', budget_tokens: expected });
  });
});

describe('effort', () => {
  it('is left out where a model does not know it, and the rest of output_config stays', () => {
    const format = { type: 'json_schema' };

    expect(bodyOf({ output_config: { effort: 'high', format } }, 'claude-haiku-4-5')['output_config']).toEqual({ format });
    expect(bodyOf({ output_config: { effort: 'high' } }, 'claude-haiku-4-5')).not.toHaveProperty('output_config');
    expect(bodyOf({ output_config: { effort: 'max' } }, 'claude-opus-4-8')['output_config']).toEqual({ effort: 'max' });
    expect(fit({ output_config: { effort: 'high' } }, 'claude-haiku-4-5')).toMatchObject({ dropped: ['output_config.effort'] });
  });

  it.each([
    ['max', 'high'],
    ['xhigh', 'high'],
    ['high', 'high'],
    ['low', 'low'],
  ])('of %s is %s where only that lets thinking be disabled', (effort, lowered) => {
    const format = { type: 'json_schema' };
    const off = { thinking: { type: 'disabled' }, output_config: { effort, format } };

    expect(bodyOf(off, 'claude-haiku-5-5', 'claude-opus-4-8')['output_config']).toEqual({ effort: lowered, format });
    expect(bodyOf(off, 'claude-opus-4-8', 'claude-opus-5')['output_config']).toEqual({ effort, format });
    expect(bodyOf({ ...off, thinking: { type: 'adaptive' } }, 'claude-haiku-5-5')['output_config']).toEqual({ effort, format });
  });
});

describe('what a model cannot do', () => {
  it('forcing a tool makes it unfit where that would be refused', () => {
    for (const type of ['any', 'tool']) {
      expect(fit({ tool_choice: { type } }, 'claude-sonnet-5-5', 'claude-opus-4-8')).toEqual({
        type: 'unfit',
        reason: 'claude-sonnet-5-5 cannot be made to use a tool',
      });
      expect(fit({ tool_choice: { type } }, 'claude-haiku-5-5', 'claude-opus-4-8')).toMatchObject({ type: 'ok' });
    }
    expect(fit({ tool_choice: { type: 'auto' } }, 'claude-sonnet-5-5')).toMatchObject({ type: 'ok' });
  });

  it('a request that is surely longer than its window makes it unfit; images do not count', () => {
    const long = (characters: number) => ({ messages: [{ role: 'user', content: [{ type: 'text', text: 'x'.repeat(characters) }] }] });
    const image = { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', data: 'x'.repeat(2_000_000) } }] }] };

    // Six characters a token, the words `user` and `text` among them.
    expect(fit(long(1_200_000 - 7), 'claude-haiku-4-5')).toEqual({
      type: 'unfit',
      reason: 'the request is longer than the context window of claude-haiku-4-5',
    });
    expect(fit(long(1_200_000 - 8), 'claude-haiku-4-5')).toMatchObject({ type: 'ok' });
    expect(fit(long(1_300_000), 'claude-haiku-5-5')).toMatchObject({ type: 'ok' });
    expect(fit(image, 'claude-haiku-4-5')).toMatchObject({ type: 'ok' });
  });

  it('the length of a request is that of its system prompt, tools and messages together', () => {
    const words = (count: number): string => 'x'.repeat(count);
    const request = (count: number) => ({
      system: [{ type: 'text', text: words(count), cache_control: null }],
      tools: [{ name: 'tool', input_schema: { properties: { at: { description: words(count) } } } }],
      messages: [{ role: 'user', content: words(count) }],
    });

    expect(fit(request(401_000), 'claude-haiku-4-5')).toMatchObject({ type: 'unfit' });
    expect(fit(request(399_000), 'claude-haiku-4-5')).toMatchObject({ type: 'ok' });
  });

  it('a newer model makes more tokens of the same words', () => {
    const words = { system: 'x'.repeat(5_000_000) };

    expect(fit(words, 'claude-haiku-5-5')).toMatchObject({ type: 'unfit' });
    expect(fit(words, 'claude-sonnet-4-6')).toMatchObject({ type: 'ok' });
  });

  it.each([
    [64_000, 64_000],
    [64_001, 64_000],
    ['many', 'many'],
    ['99999999', '99999999'],
  ])('max_tokens of %j become %j where 64,000 are the most', (asked, expected) => {
    const fitted = fit({ max_tokens: asked }, 'claude-haiku-4-5');

    expect(fitted).toMatchObject({
      body: { max_tokens: expected },
      dropped: asked === expected ? [] : ['max_tokens above the model’s limit'],
    });
  });

  it('sampling parameters, fast mode and output beyond its limit are left out, and named', () => {
    expect(fit({ temperature: 0.2, top_p: 1, speed: 'fast', max_tokens: 128_000 }, 'claude-haiku-4-5', 'claude-opus-4-6')).toMatchObject({
      type: 'ok',
      body: { temperature: 0.2, max_tokens: 64_000 },
      dropped: ['speed', 'max_tokens above the model’s limit'],
    });
    expect(fit({ temperature: 0.2, top_p: 1, top_k: 5 }, 'claude-haiku-5-5')).toEqual({
      type: 'ok',
      body: base,
      dropped: ['temperature', 'top_p', 'top_k'],
    });
    expect(fit({ top_k: 5 }, 'claude-haiku-5-5')).toMatchObject({ dropped: ['top_k'] });
  });

  it('nothing is guessed for a model that is not known', () => {
    const body = { ...base, max_tokens: 500_000, thinking: { type: 'disabled' }, temperature: 1, tool_choice: { type: 'any' } };

    expect(fitModel(body, 'claude-opus-5-5', 'my-deployment')).toEqual({ type: 'ok', body, dropped: [] });
  });
});
