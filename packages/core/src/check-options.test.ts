import { describe, expect, it } from 'vitest';
import { checkCallOptions, checkOptions } from './check-options.ts';
import { breakerPresets } from './policy/breaker-options.ts';
import { retryBudgetDefaults } from './policy/retry-budget.ts';

const client = { request: () => ({ asResponse: async () => new Response() }) };
const pathsOf = (options: unknown): string[] => checkOptions(options).map(({ path, code }) => `${path} ${code}`);

describe('checkOptions', () => {
  it('accepts no options and every option at a sensible value', () => {
    const store = new Map();

    expect(checkOptions(undefined)).toEqual([]);
    expect(
      checkOptions({
        primary: { name: 'direct', geo: 'us', processor: 'anthropic', weight: 2, models: { a: 'b' }, capabilities: {} },
        targets: [{ name: 'aws', client, geo: 'us' }],
        route: 'weighted',
        slow: { factor: 3, minimumSamples: 10, lookEveryMs: 1_000 },
        fence: { geo: ['us'], processor: ['anthropic', 'aws'] },
        retry: { attempts: 4, jitter: 'full', baseMs: 100, throttledBaseMs: 200, capMs: 1000, maxRetryAfterMs: 5000 },
        breaker: 'classic',
        budget: false,
        limits: { deadlineMs: 20_000, firstByteMs: 1_000, idleMs: 0, adaptive: false, streamLongCalls: true },
        streams: {
          heal: true,
          resumes: 1,
          tools: 'block',
          thinking: 'surface',
          structuredOutput: 'hold',
          seam: 'lenient',
          checkpoints: store,
        },
        fallbacks: ['claude-haiku-5-5', { model: 'claude-haiku-4-5', accept: () => true }],
        cache: { store, maxAgeMs: 1000 },
        answer: () => null,
        degrade: 'cache',
        probeEveryMs: 0,
        logger: console,
        on: () => {},
      }),
    ).toEqual([]);
  });

  it('knows every option of the breaker and of the budget by the name the policies know it by', () => {
    expect(checkOptions({ breaker: breakerPresets.default, budget: retryBudgetDefaults })).toEqual([]);
    expect(checkOptions({ breaker: { ...breakerPresets.classic, openMs: 30_000 } })).toEqual([]);
    expect(pathsOf({ breaker: { openMs: Infinity } })).toEqual(['breaker.openMs HOLDFAST_OPTION_TYPE']);
  });

  it('reports every mistake at once, each with its place and a stable code', () => {
    const found = pathsOf({
      retries: 3,
      retry: { attempts: 0, jitter: 'random', baseMs: '500' },
      breaker: 'clasic',
      limits: { deadlineMs: Number.NaN },
      targets: [{ client }, { name: 'x' }, 7],
      fallbacks: [{ accept: () => true }, ''],
      logger: { info() {} },
    });

    expect(found).toEqual([
      'retries HOLDFAST_OPTION_UNKNOWN',
      'retry.attempts HOLDFAST_OPTION_RANGE',
      'retry.jitter HOLDFAST_OPTION_VALUE',
      'retry.baseMs HOLDFAST_OPTION_TYPE',
      'breaker HOLDFAST_OPTION_TYPE',
      'limits.deadlineMs HOLDFAST_OPTION_TYPE',
      'targets[0].name HOLDFAST_OPTION_MISSING',
      'targets[1].client HOLDFAST_OPTION_MISSING',
      'targets[2] HOLDFAST_OPTION_TYPE',
      'fallbacks[0].model HOLDFAST_OPTION_MISSING',
      'fallbacks[1] HOLDFAST_OPTION_TYPE',
      'logger HOLDFAST_OPTION_TYPE',
    ]);
  });

  it.each<[string, unknown, readonly string[]]>([
    ['a client of the primary', { primary: { client } }, ['primary.client HOLDFAST_OPTION_UNKNOWN']],
    [
      'a capability there is none of',
      { primary: { capabilities: { file: false } } },
      ['primary.capabilities.file HOLDFAST_OPTION_UNKNOWN'],
    ],
    [
      'a capability that is no yes or no',
      { primary: { capabilities: { betas: 'no' } } },
      ['primary.capabilities.betas HOLDFAST_OPTION_TYPE'],
    ],
    ['models that are no object', { primary: { models: 5 } }, ['primary.models HOLDFAST_OPTION_TYPE']],
    ['models in a list', { primary: { models: ['a'] } }, ['primary.models HOLDFAST_OPTION_TYPE']],
    ['models in a map', { primary: { models: new Map([['a', 'b']]) } }, ['primary.models HOLDFAST_OPTION_TYPE']],
    [
      'a model that is no id',
      { primary: { models: { a: true, b: '', c: null } } },
      ['primary.models.a HOLDFAST_OPTION_TYPE', 'primary.models.b HOLDFAST_OPTION_TYPE'],
    ],
    [
      'an empty name',
      { primary: { name: '' }, targets: [{ name: '', client }] },
      ['primary.name HOLDFAST_OPTION_VALUE', 'targets[0].name HOLDFAST_OPTION_VALUE'],
    ],
    [
      'an empty place',
      { primary: { geo: '', processor: '' } },
      ['primary.geo HOLDFAST_OPTION_VALUE', 'primary.processor HOLDFAST_OPTION_VALUE'],
    ],
    [
      'a target that is not there',
      { targets: [undefined, null], fallbacks: [undefined, null] },
      [
        'targets[0] HOLDFAST_OPTION_TYPE',
        'targets[1] HOLDFAST_OPTION_TYPE',
        'fallbacks[0] HOLDFAST_OPTION_TYPE',
        'fallbacks[1] HOLDFAST_OPTION_TYPE',
      ],
    ],
    // oxlint-disable-next-line no-sparse-arrays -- what a slip of the comma leaves
    ['a hole in a list', { fallbacks: ['a', , 'b'] }, ['fallbacks[1] HOLDFAST_OPTION_TYPE']],
    ['a fallback without a model', { fallbacks: [{ model: '' }] }, ['fallbacks[0].model HOLDFAST_OPTION_VALUE']],
    ['a cache without a store', { cache: {} }, ['cache.store HOLDFAST_OPTION_MISSING']],
    ['a clock whose date is no function', { clock: { now: () => 0, after: () => () => {}, wall: 7 } }, ['clock.wall HOLDFAST_OPTION_TYPE']],
    ['a section that keeps its values elsewhere', { retry: new Map([['attempts', 1]]) }, ['retry HOLDFAST_OPTION_TYPE']],
    [
      'a base above the cap',
      { retry: { baseMs: 9_000, throttledBaseMs: 2_000, capMs: 1_000 } },
      ['retry.baseMs HOLDFAST_OPTION_RANGE', 'retry.throttledBaseMs HOLDFAST_OPTION_RANGE'],
    ],
    ['a base above the cap that holds', { retry: { baseMs: 9_000 } }, ['retry.baseMs HOLDFAST_OPTION_RANGE']],
    ['an open time above the longest that holds', { breaker: { openMs: 60_000 } }, ['breaker.openMs HOLDFAST_OPTION_RANGE']],
    ['more retries than there is room for', { budget: { capacity: 1, initial: 5 } }, ['budget.initial HOLDFAST_OPTION_RANGE']],
    [
      'checkpoints that are forgotten before the next',
      { streams: { checkpointTtlMs: 1_000, checkpointEveryMs: 2_000 } },
      ['streams.checkpointEveryMs HOLDFAST_OPTION_RANGE'],
    ],
  ])('refuses %s', (_, options, paths) => {
    expect(pathsOf(options)).toEqual(paths);
  });

  it('takes a bound alone that is below what holds for the other', () => {
    expect(
      checkOptions({ retry: { capMs: 100 }, budget: { capacity: 2 }, breaker: { maxOpenMs: 1_000 }, streams: { checkpointTtlMs: 1 } }),
    ).toEqual([]);
    expect(checkOptions({ breaker: { openMs: 60_000, maxOpenMs: 60_000 } })).toEqual([]);
    expect(checkOptions({ primary: { models: () => null }, targets: [{ name: 'b', client, models: { a: null } }] })).toEqual([]);
  });

  it('says what an option clashes with', () => {
    expect(checkOptions({ breaker: { openMs: 60_000 } }).map(({ message }) => message)).toEqual([
      'must not be above maxOpenMs, which is 6800 where it is not set; is 60000',
    ]);
    expect(checkOptions({ budget: { capacity: 1, initial: 5 } }).map(({ message }) => message)).toEqual([
      'must not be above capacity, 1; is 5',
    ]);
  });

  it('refuses two targets of one name, and one named like the primary', () => {
    expect(
      pathsOf({
        targets: [
          { name: 'primary', client },
          { name: 'a', client },
          { name: 'a', client },
        ],
      }),
    ).toEqual(['targets[0].name HOLDFAST_OPTION_DUPLICATE', 'targets[2].name HOLDFAST_OPTION_DUPLICATE']);
  });

  it('is not fooled by names every object has', () => {
    expect(pathsOf({ constructor: 1, toString: 2 })).toEqual(['constructor HOLDFAST_OPTION_UNKNOWN', 'toString HOLDFAST_OPTION_UNKNOWN']);
  });

  it('checks the options of a single call, whose message never reads like a timeout of the SDK', () => {
    const problems = checkCallOptions({ attempts: 0, deadline: 5 });

    expect(problems.map(({ path }) => path)).toEqual(['holdfast.attempts', 'holdfast.deadline']);
    expect(problems.map(({ message }) => message).join(' ')).not.toMatch(/timed? ?out/i);
  });
});
