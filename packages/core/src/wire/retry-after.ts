// What response headers say about trying again: the one reading of them. Hostile or absurd values become "no hint".

import { parseDate } from '../time.ts';
import type { HeaderReader } from '../policy/outcome.ts';

/** A year: longer than any hint that means anything, and safe in every sum. */
const maxHintMs = 365 * 24 * 3600 * 1000;

/**
 * The server's own hint: milliseconds from `now` before which no retry will succeed. `retry-after-ms` wins over
 * `retry-after` (seconds, or a date in any of the three forms of RFC 9110), as in the SDK. Of several values, as a proxy
 * in between may add one, the shortest counts: to ask too early costs a refusal, to ask too late may cost the call. Zero,
 * negative, past and unreadable values give undefined. The result is finite and at most a year; how much of it is worth
 * waiting is for the caller to decide.
 *
 * @param now milliseconds since the Unix epoch, to read dates
 */
export function retryHint(headers: HeaderReader, now: number): number | undefined {
  return (
    shortest(headers.get('retry-after-ms'), (value) => positive(number(value))) ??
    shortest(headers.get('retry-after'), (value) => positive(number(value), 1000) ?? positive(instant(value, now)))
  );
}

/** Of a list, which is what a header that was sent twice becomes. The comma after the day of a week belongs to its date. */
function shortest(header: string | null, read: (value: string) => number | undefined): number | undefined {
  if (header === null || header.length > longestHeader) return undefined;
  let least: number | undefined;
  for (const value of header.match(listItem) ?? []) {
    const ms = read(value);
    if (ms !== undefined && (least === undefined || ms < least)) least = ms;
  }
  return least;
}

/** More than two dates, and hundreds of digits: still a number, if an absurd one. */
const longestHeader = 512;
const listItem = /(?:\s*(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,)?[^,]+/gi;

/**
 * When a rate limit that came without a hint lets the next request pass, milliseconds from `now`: limits whose headers say
 * that nothing is left refill all the while, so that the next request has its place long before the time at which all of it
 * is back. How many tokens a request takes nobody knows here: a tenth of the limit is assumed.
 */
export function refillHint(headers: HeaderReader, now: number): number | undefined {
  let waitMs: number | undefined;
  for (const [name, { limit, remaining, fullAt }] of Object.entries(rateLimits(headers)) as [keyof RateLimits, RateLimit][]) {
    if (remaining !== 0 || fullAt === undefined || fullAt <= now) continue;
    const share = name === 'requests' ? 1 / Math.max(1, limit ?? 1) : 1 / 10;
    waitMs = Math.max(waitMs ?? 0, Math.ceil((fullAt - now) * share));
  }
  return positive(waitMs);
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

const dayName = '(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*';
const time = String.raw`\d{2}:\d{2}:\d{2}`;
/** The preferred form, with an offset too, which mail has and servers send. */
const imfDate = new RegExp(String.raw`^[a-z]{3}, \d{1,2} [a-z]{3} \d{4} ${time} (GMT|UTC|[+-]\d{4})$`, 'i');
/** `Sunday, 06-Nov-94 08:49:37 GMT`, and `Sun Nov  6 08:49:37 1994`: obsolete, and to be understood all the same. */
const rfc850Date = new RegExp(String.raw`^${dayName}, (\d{2})-([a-z]{3})-(\d{2}) (${time}) GMT$`, 'i');
const asctimeDate = new RegExp(String.raw`^${dayName} ([a-z]{3}) ([\d ]\d) (${time}) (\d{4})$`, 'i');
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/** Milliseconds from `now`. Only the shapes that are sent: the machine's own parser takes almost any word with a number for a date. */
function instant(value: string | null, now: number): number | undefined {
  const text = (value ?? '').trim();
  if (imfDate.test(text) || rfc3339.test(text)) return until(text, now);
  const [, day, month, year, at] = rfc850Date.exec(text) ?? [];
  // In whose century, RFC 9110 asks to guess. No hint is older than this one.
  if (day !== undefined) return until(`${day} ${month} 20${year} ${at} GMT`, now);
  const [, monthName, dayOfMonth, clock, fullYear] = asctimeDate.exec(text) ?? [];
  return monthName === undefined ? undefined : until(`${dayOfMonth?.trim()} ${monthName} ${fullYear} ${clock} GMT`, now);
}

function until(date: string, now: number): number | undefined {
  const ms = parseDate(date) - now;
  return Number.isFinite(ms) ? ms : undefined;
}

const positive = (value = 0, unitMs = 1): number | undefined => (value > 0 ? Math.min(value * unitMs, maxHintMs) : undefined);
