import { describe, expect, it } from 'vitest';
import { rateLimits, refillHint, retryHint, shouldRetryHeader } from './retry-after.ts';

const now = Date.UTC(2026, 10, 24, 12);
const hint = (headers: Record<string, string>): number | undefined => retryHint(new Headers(headers), now);
const year = 365 * 24 * 3600 * 1000;

describe('retryHint', () => {
  it.each<[string, number | undefined]>([
    ['30', 30_000],
    [' 30 ', 30_000],
    ['1.5', 1_500],
    ['0.001', 1],
    ['86400', 86_400_000],
    ['99999999999', year],
    ['9'.repeat(400), year],
    ['0', undefined],
    ['0.0', undefined],
    ['-1', undefined],
    ['+1', undefined],
    ['1e3', undefined],
    ['1e309', undefined],
    ['0x10', undefined],
    ['Infinity', undefined],
    ['NaN', undefined],
    // A header that was sent twice, or that a proxy added to.
    ['3, 3', 3_000],
    ['30,120', 30_000],
    ['120, 30', 30_000],
    ['1,5', 1_000],
    ['0, 7', 7_000],
    ['soon, 7', 7_000],
    [',', undefined],
    ['3,'.repeat(10_000), undefined],
    ['Tue, 24 Nov 2026 12:00:30 GMT, Tue, 24 Nov 2026 12:00:20 GMT', 20_000],
    ['Tue, 24 Nov 2026 12:00:30 GMT, 40', 30_000],
    ['.5', undefined],
    ['5.', undefined],
    ['5 seconds', undefined],
    ['', undefined],
    ['Tue, 24 Nov 2026 12:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 12:00:30 UTC', 30_000],
    ['Tue, 24 Nov 2026 13:00:30 +0100', 30_000],
    ['Tuesday, 24-Nov-26 12:00:30 GMT', 30_000],
    ['Tue, 24-Nov-26 12:00:30 GMT', 30_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', year],
    ['Someday, 24-Nov-26 12:00:30 GMT', undefined],
    ['Tuesday, 24-Nov-26 12:00:30', undefined],
    ['Tue Nov 24 12:00:30 2026', 30_000],
    ['Sun Dec  6 12:00:30 2026', 12 * 86_400_000 + 30_000],
    ['Sun Nov  6 08:49:37 1994', undefined],
    ['Tue Nov 24 12:00:30', undefined],
    ['2026-11-24T12:00:30Z', 30_000],
    ['2026-11-24T12:00:30.250Z', 30_250],
    ['2026-11-24T13:00:30+01:00', 30_000],
    ['Tue, 24 Nov 2026 12:00:30 GMT (about)', undefined],
    ['about Tue, 24 Nov 2026 12:00:30 GMT', undefined],
    ['2026-11-24T12:00:30Z (about)', undefined],
    ['about 2026-11-24T12:00:30Z', undefined],
    // A date to JavaScript, and to nobody who writes headers.
    ['+002026-11-24T12:00:30Z', undefined],
    ['Tue, 24 Nov 2099 12:00:30 GMT', year],
    ['Tue, 24 Nov 2026 12:00:00 GMT', undefined],
    ['Tue, 24 Nov 2020 12:00:30 GMT', undefined],
    ['Tue, 99 Nov 2026 12:00:30 GMT', undefined],
    ['Tue, 24 Foo 2026 12:00:30 GMT', undefined],
    ['24 Nov 2030', undefined],
    ['Dec 2030', undefined],
    ['retry 2030', undefined],
    ['2030', 2_030_000],
  ])('reads retry-after: %s as %s', (value, expected) => {
    expect(hint({ 'retry-after': value })).toBe(expected);
  });

  it.each<[string, number | undefined]>([
    ['1500', 1_500],
    ['0.5', 0.5],
    ['0', undefined],
    ['-1', undefined],
    ['1e309', undefined],
    ['Tue, 24 Nov 2026 12:00:30 GMT', undefined],
  ])('reads retry-after-ms: %s as %s', (value, expected) => {
    expect(hint({ 'retry-after-ms': value })).toBe(expected);
  });

  it('prefers milliseconds, and falls back to seconds and to a date', () => {
    expect(hint({ 'retry-after-ms': '10', 'retry-after': '30' })).toBe(10);
    expect(hint({ 'retry-after-ms': 'x', 'retry-after': '30' })).toBe(30_000);
    expect(hint({ 'retry-after-ms': '0', 'retry-after': 'Tue, 24 Nov 2026 12:00:30 GMT' })).toBe(30_000);
    expect(hint({})).toBeUndefined();
  });

  it('reads values that nobody has trimmed', () => {
    const raw = (value: string) => retryHint({ get: (name) => (name === 'retry-after' ? value : null) }, now);

    expect(raw(' 30\t')).toBe(30_000);
    expect(raw(' Tue, 24 Nov 2026 12:00:30 GMT ')).toBe(30_000);
    expect(raw(' 2026-11-24T12:00:30Z ')).toBe(30_000);
  });

  it('is not slow on hostile values', () => {
    expect(hint({ 'retry-after': `${'1'.repeat(100_000)}x` })).toBeUndefined();
    expect(hint({ 'retry-after': `1${' '.repeat(100_000)}x` })).toBeUndefined();
  });
});

describe('refillHint', () => {
  const refill = (headers: Record<string, string>): number | undefined => refillHint(new Headers(headers), now);
  const fullIn = (seconds: number): string => new Date(now + seconds * 1000).toISOString();

  it('waits for the next request of a limit on requests, not for all of them', () => {
    const name = 'anthropic-ratelimit-requests';
    expect(refill({ [`${name}-limit`]: '50', [`${name}-remaining`]: '0', [`${name}-reset`]: fullIn(20) })).toBe(400);
  });

  it('waits for a part of a limit on tokens', () => {
    const name = 'anthropic-ratelimit-input-tokens';
    expect(refill({ [`${name}-limit`]: '30000', [`${name}-remaining`]: '0', [`${name}-reset`]: fullIn(60) })).toBe(6_000);
  });

  it('waits for the slowest of those that are empty', () => {
    const headers = {
      'anthropic-ratelimit-input-tokens-remaining': '0',
      'anthropic-ratelimit-input-tokens-reset': fullIn(10),
      'anthropic-ratelimit-output-tokens-remaining': '0',
      'anthropic-ratelimit-output-tokens-reset': fullIn(30),
    };
    expect(refill(headers)).toBe(3_000);
  });

  it.each([
    ['something is left', { 'anthropic-ratelimit-tokens-remaining': '1000', 'anthropic-ratelimit-tokens-reset': fullIn(60) }],
    ['it is full again', { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': fullIn(-1) }],
    ['nobody says when', { 'anthropic-ratelimit-tokens-remaining': '0' }],
    ['nothing is said', {}],
  ])('says nothing where %s', (_, headers) => {
    expect(refill(headers as Record<string, string>)).toBeUndefined();
  });
});

describe('shouldRetryHeader', () => {
  it.each([
    ['true', true],
    ['false', false],
    ['TRUE', undefined],
    ['1', undefined],
    ['', undefined],
  ])('reads x-should-retry: %s as %s', (value, expected) => {
    expect(shouldRetryHeader(new Headers({ 'x-should-retry': value }))).toBe(expected);
  });

  it('knows when the server said nothing', () => {
    expect(shouldRetryHeader(new Headers())).toBeUndefined();
  });
});

describe('rateLimits', () => {
  it('reads what Anthropic sends', () => {
    const limits = rateLimits(
      new Headers({
        'anthropic-ratelimit-requests-limit': '4000',
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': '2026-11-24T12:00:01Z',
        'anthropic-ratelimit-tokens-limit': '480000',
        'anthropic-ratelimit-tokens-remaining': '479000',
        'anthropic-ratelimit-tokens-reset': '2026-11-24T12:00:02Z',
        'anthropic-ratelimit-input-tokens-limit': '400000',
        'anthropic-ratelimit-output-tokens-remaining': '80000',
        'anthropic-priority-input-tokens-limit': '1',
        'anthropic-priority-output-tokens-limit': '2',
        'anthropic-fast-input-tokens-limit': '3',
        'anthropic-fast-output-tokens-reset': '2026-11-24T12:00:03Z',
        'retry-after': '7',
      }),
    );

    expect(limits).toStrictEqual({
      requests: { limit: 4_000, remaining: 0, fullAt: now + 1_000 },
      tokens: { limit: 480_000, remaining: 479_000, fullAt: now + 2_000 },
      inputTokens: { limit: 400_000 },
      outputTokens: { remaining: 80_000 },
      priorityInputTokens: { limit: 1 },
      priorityOutputTokens: { limit: 2 },
      fastInputTokens: { limit: 3 },
      fastOutputTokens: { fullAt: now + 3_000 },
    });
  });

  it('knows nothing where nothing is said, as on other platforms', () => {
    expect(rateLimits(new Headers({ 'x-amzn-requestid': 'x' }))).toEqual({});
  });

  it('leaves out what it cannot read', () => {
    const limits = rateLimits(
      new Headers({
        'anthropic-ratelimit-requests-limit': 'many',
        'anthropic-ratelimit-requests-remaining': '-1',
        'anthropic-ratelimit-requests-reset': 'tomorrow 1',
        'anthropic-ratelimit-tokens-remaining': '9'.repeat(400),
        'anthropic-ratelimit-tokens-limit': 'Infinity',
        'anthropic-ratelimit-tokens-reset': '2026-99-99T00:00:00Z',
      }),
    );

    expect(limits).toEqual({ tokens: { remaining: Number.MAX_SAFE_INTEGER } });
  });
});
