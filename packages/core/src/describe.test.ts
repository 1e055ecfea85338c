import { Anthropic } from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { checkOptions } from './check-options.ts';
import { holdfast } from './holdfast.ts';

const client = new Anthropic({ apiKey: 'sk-ant-secret', baseURL: 'http://127.0.0.1:1' });

/** The names the check knows in a section, as its refusal of a wrong one lists them. */
function namesIn(section: string | null): string[] {
  const wrong = { nonsense: 1 };
  const given = section === null ? wrong : { [section]: section === 'targets' ? [wrong] : wrong };
  const refusal = checkOptions(given).find(({ code }) => code === 'HOLDFAST_OPTION_UNKNOWN');
  return /known: (.+)$/.exec(refusal?.message ?? '')?.[1]?.split(', ') ?? [];
}

describe('the description of the settings', () => {
  it('names every option there is', () => {
    const described = holdfast({ cache: { store: new Map() }, fallbacks: [{ model: 'claude-haiku-5-5' }], primary: {} }).describe();

    expect(Object.keys(described).toSorted()).toEqual(
      namesIn(null)
        .filter((name) => name !== 'primary')
        .toSorted(),
    );
    for (const section of ['slow', 'retry', 'budget', 'breaker', 'limits', 'streams'] as const)
      expect(Object.keys(described[section]).toSorted(), section).toEqual(namesIn(section).toSorted());
    expect(Object.keys(described.cache)).toEqual(namesIn('cache').filter((name) => name !== 'store'));
    expect(Object.keys(described.targets[0] ?? {})).toEqual(expect.arrayContaining(namesIn('primary')));
    expect(described.fallbacks).toEqual([{ model: 'claude-haiku-5-5', accept: false }]);
  });

  it('fills in the defaults', () => {
    const described = holdfast().describe();

    expect(described.limits).toEqual({ deadlineMs: null, firstByteMs: null, idleMs: 180_000, adaptive: true, streamLongCalls: false });
    expect(described).toMatchObject({ probeEveryMs: 0, cache: false, fence: null, logger: false, clock: false });
    expect(described.retry).toMatchObject({ attempts: 4, capMs: 8_000, maxRetryAfterMs: 60_000 });
    expect(described.budget).toEqual({ capacity: 64, initial: 8, ratio: 1, ratePerSecond: 0.05 });
    expect(described.targets).toMatchObject([
      { name: 'primary', kind: 'anthropic', geo: null, processor: 'anthropic', weight: 1, models: {}, idleMs: 180_000 },
    ]);
  });

  it('tells what was set, of targets too, and no key', () => {
    class AnthropicBedrock extends Anthropic {}
    const described = holdfast({
      probeEveryMs: 5_000,
      primary: { weight: 3, geo: 'us' },
      targets: [
        { name: 'cloud', client: new AnthropicBedrock({ apiKey: 'sk-ant-secret' }), capabilities: { urlSources: true } },
        { name: 'gateway', client, models: (model) => model },
      ],
      limits: { deadlineMs: 20_000, adaptive: false },
      fallbacks: ['claude-haiku-5-5', { model: 'claude-haiku-4-5', accept: () => true }],
      cache: { store: new Map(), patienceMs: 10 },
      retry: false,
      on: () => {},
    }).describe();

    expect(described).toMatchObject({
      probeEveryMs: 5_000,
      limits: { deadlineMs: 20_000, adaptive: false },
      fallbacks: [
        { model: 'claude-haiku-5-5', accept: false },
        { model: 'claude-haiku-4-5', accept: true },
      ],
      cache: { maxAgeMs: 86_400_000, maxEntryBytes: 262_144, patienceMs: 10 },
      retry: { attempts: 1 },
      on: true,
    });
    expect(described.targets).toMatchObject([
      { name: 'primary', weight: 3, geo: 'us' },
      { name: 'cloud', kind: 'bedrock', processor: 'aws', idleMs: 300_000, capabilities: { urlSources: true, files: false } },
      { name: 'gateway', kind: 'gateway', processor: null, models: 'function', idleMs: 180_000 },
    ]);
    expect(JSON.stringify(described)).not.toContain('secret');
  });

  it('cannot be used to change the settings', () => {
    const models = { a: 'b' };
    const geo = ['us'];
    const hold = holdfast({ primary: { models }, fence: { geo } });

    const described = hold.describe() as unknown as { fence: { geo: string[] }; targets: { models: Record<string, string> }[] };
    described.fence.geo.push('eu');
    for (const target of described.targets) target.models['a'] = 'c';

    expect({ models, geo }).toEqual({ models: { a: 'b' }, geo: ['us'] });
  });
});
