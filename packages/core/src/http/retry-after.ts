// When a client may try again, and how HTTP says it.

import { parseDate } from '../time.ts';
import type { HeaderReader } from '../policy/outcome.ts';
import { type Failure, millisecondsIn } from './failure.ts';

/** Announcements beyond a day help no client, and a broken header must not send one away for years. */
const longestMs = 24 * 60 * 60 * 1000;

/** Milliseconds after which a retry may succeed, as the failure itself knows it; undefined when it does not. */
export function knownRetryAfterMs(failure: Failure, now: number): number | undefined {
  const known = millisecondsIn(failure.details, 'retryAfterMs', 'retry_after_ms') ?? headerRetryAfterMs(failure.headers, now);
  return known === undefined ? undefined : Math.min(known, longestMs);
}

/** The header's value: whole seconds, rounded up, so that no client comes back too early. */
export function retryAfterSeconds(retryAfterMs: number): string {
  return String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
}

function headerRetryAfterMs(headers: HeaderReader | undefined, now: number): number | undefined {
  const precise = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(precise) && precise > 0) return precise;
  const value = headers?.get('retry-after')?.trim();
  if (!value) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const date = parseDate(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
