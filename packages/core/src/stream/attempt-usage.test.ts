import { describe, expect, it } from 'vitest';
import { readUsageInto, usageFrom } from '../wire/usage.ts';
import { totalUsage } from './attempt-usage.ts';

describe('the usage of an attempt', () => {
  it('begins with what message_start says', () => {
    expect(usageFrom({ input_tokens: 7, output_tokens: 1, cache_read_input_tokens: 3, cache_creation_input_tokens: null })).toEqual({
      input: 7,
      output: 1,
      cacheRead: 3,
      cacheCreation: 0,
      estimated: false,
    });
    for (const none of [undefined, null, 'text'])
      expect(usageFrom(none)).toEqual({ input: 0, output: 0, cacheRead: 0, cacheCreation: 0, estimated: false });
  });

  it('takes later numbers, and keeps what they leave out or spoil', () => {
    const usage = usageFrom({ input_tokens: 7, cache_read_input_tokens: 3 });
    readUsageInto(usage, { output_tokens: 40, input_tokens: null, cache_read_input_tokens: -1, cache_creation_input_tokens: '9' });

    expect(usage).toEqual({ input: 7, output: 40, cacheRead: 3, cacheCreation: 0, estimated: false });
  });

  it('takes any count that can be exact', () => {
    const usage = usageFrom({ input_tokens: 7, output_tokens: 5 });
    readUsageInto(usage, { input_tokens: 0, output_tokens: Number.MAX_SAFE_INTEGER, cache_read_input_tokens: 2 ** 53 });

    expect(usage).toMatchObject({ input: 0, output: Number.MAX_SAFE_INTEGER, cacheRead: 0 });
  });
});

describe('the usage of an answer', () => {
  it('is the sum over its attempts, beside what the last one says of other things', () => {
    const attempts = [
      usageFrom({ input_tokens: 7, output_tokens: 5 }),
      usageFrom({ input_tokens: 9, output_tokens: 40, cache_read_input_tokens: 2 }),
    ];

    expect(totalUsage(attempts, { output_tokens: 40, service_tier: 'standard' })).toEqual({
      input_tokens: 16,
      output_tokens: 45,
      cache_read_input_tokens: 2,
      cache_creation_input_tokens: 0,
      service_tier: 'standard',
    });
    const nothing = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
    for (const none of [null, undefined, 'text']) expect(totalUsage([], none)).toEqual(nothing);
  });
});
