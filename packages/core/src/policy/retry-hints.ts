// What response headers say about trying again. Hostile or absurd values become "no hint".

import { parseDate } from '../time.ts';
import type { HeaderReader } from './outcome.ts';

/** A year: longer than any hint that means anything, and safe in every sum. */
const maxHintMs = 365 * 24 * 3600 * 1000;

/**
 * The server's own hint: milliseconds from `now` before which no retry will succeed. `retry-after-ms` wins over
 * `retry-after` (seconds or an HTTP date), as in the SDK. Zero, negative, past and unreadable values give undefined. The
 * result is finite and at most a year; how much of it is worth waiting is for the caller to decide.
 *
 * @param now milliseconds since the Unix epoch, to read dates
 */
export function retryHint(headers: HeaderReader, now: number): number | undefined {
  const retryAfter = headers.get('retry-after');
  return positive(number(headers.get('retry-after-ms'))) ?? positive(number(retryAfter), 1000) ?? positive(instant(retryAfter, now));
}

/**
 * The server's explicit word on whether to retry (`x-should-retry`), undefined when it gives none. The SDK obeys it before
 * it looks at the status.
 */
export function shouldRetryHeader(headers: HeaderReader): boolean | undefined {
  const value = headers.get('x-should-retry');
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

/** One limit as the headers tell it. Absent: not told. */
export interface RateLimit {
  /** The most per minute. */
  readonly limit?: number | undefined;
  /** What is left; tokens are rounded to thousands. */
  readonly remaining?: number | undefined;
  /** When it will be full again, milliseconds since the Unix epoch. It refills all the while: to pace requests, wait for `retryHint`. */
  readonly fullAt?: number | undefined;
}

/** Limits by what they count. Absent: the response said nothing of it, as on Amazon, Google and Microsoft. */
export interface RateLimits {
  readonly requests?: RateLimit | undefined;
  /** The most restrictive token limit in force. */
  readonly tokens?: RateLimit | undefined;
  readonly inputTokens?: RateLimit | undefined;
  readonly outputTokens?: RateLimit | undefined;
  readonly priorityInputTokens?: RateLimit | undefined;
  readonly priorityOutputTokens?: RateLimit | undefined;
  readonly fastInputTokens?: RateLimit | undefined;
  readonly fastOutputTokens?: RateLimit | undefined;
}

/** https://platform.claude.com/docs/en/api/rate-limits#response-headers */
const limitHeaders: readonly (readonly [name: keyof RateLimits, prefix: string])[] = [
  ['requests', 'anthropic-ratelimit-requests'],
  ['tokens', 'anthropic-ratelimit-tokens'],
  ['inputTokens', 'anthropic-ratelimit-input-tokens'],
  ['outputTokens', 'anthropic-ratelimit-output-tokens'],
  ['priorityInputTokens', 'anthropic-priority-input-tokens'],
  ['priorityOutputTokens', 'anthropic-priority-output-tokens'],
  ['fastInputTokens', 'anthropic-fast-input-tokens'],
  ['fastOutputTokens', 'anthropic-fast-output-tokens'],
];

/** Reads the rate-limit headers of any response. What is missing or unreadable stays absent. */
export function rateLimits(headers: HeaderReader): RateLimits {
  const found: { -readonly [name in keyof RateLimits]: RateLimit } = {};
  for (const [name, prefix] of limitHeaders) {
    const limit = number(headers.get(`${prefix}-limit`));
    const remaining = number(headers.get(`${prefix}-remaining`));
    const fullAt = instant(headers.get(`${prefix}-reset`), 0);
    if (limit === undefined && remaining === undefined && fullAt === undefined) continue;
    found[name] = {
      ...(limit === undefined ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(fullAt === undefined ? {} : { fullAt }),
    };
  }
  return found;
}

/** Plain decimals only: no sign, no exponent, no Infinity. Too many digits still are a number, if not a finite one. */
const number = (value: string | null): number | undefined =>
  value !== null && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Math.min(Number(value), Number.MAX_SAFE_INTEGER) : undefined;

const httpDate = /^[a-z]{3}, \d{1,2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} (GMT|UTC|[+-]\d{4})$/i;
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/** Milliseconds from `now`. Only the shapes that are sent: the machine's own parser takes almost any word with a number for a date. */
function instant(value: string | null, now: number): number | undefined {
  const text = (value ?? '').trim();
  if (!httpDate.test(text) && !rfc3339.test(text)) return undefined;
  const ms = parseDate(text) - now;
  return Number.isFinite(ms) ? ms : undefined;
}

const positive = (value = 0, unitMs = 1): number | undefined => (value > 0 ? Math.min(value * unitMs, maxHintMs) : undefined);
