// What response headers say about trying again. Hostile or absurd values become "no hint".

import { parseDate } from '../time.ts';
import type { HeaderReader } from './outcome.ts';

/** A year: longer than any hint that means anything, and safe in every sum. */
const maxHintMs = 365 * 24 * 3600 * 1000;

/**
 * The server's own hint: milliseconds from `now` before which no retry will succeed. `retry-after-ms` wins over
 * `retry-after` (seconds or an HTTP date), as in the SDK. Negative, unreadable and past values give undefined; the
 * result is finite but not capped by policy.
 */
export function retryHint(headers: HeaderReader, now: number): number | undefined {
  return milliseconds(headers.get('retry-after-ms'), 1) ?? milliseconds(headers.get('retry-after'), 1000) ?? date(headers.get('retry-after'), now);
}

/** The server's explicit word on whether to retry, undefined when it gives none. */
export function shouldRetryHeader(headers: HeaderReader): boolean | undefined {
  const value = headers.get('x-should-retry');
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

function milliseconds(value: string | null, unit: number): number | undefined {
  if (value === null || !/^\s*\d+(\.\d+)?\s*$/.test(value)) return undefined;
  const ms = Number(value) * unit;
  return ms > 0 ? Math.min(ms, maxHintMs) : undefined;
}

function date(value: string | null, now: number): number | undefined {
  // A bare number would be taken for a year.
  if (value === null || !/[a-z]/i.test(value)) return undefined;
  const ms = parseDate(value) - now;
  return ms > 0 ? Math.min(ms, maxHintMs) : undefined;
}
