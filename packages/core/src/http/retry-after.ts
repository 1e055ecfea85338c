// When a client may try again, and how HTTP says it.

import type { Story } from '../policy/story.ts';

/** Announcements beyond a day help no client, and a broken header must not send one away for years. */
const longestMs = 24 * 60 * 60 * 1000;

/** Milliseconds after which a retry may succeed, as the failure itself knows it; undefined when it does not. */
export const knownRetryAfterMs = ({ retryAfterMs }: Story): number | undefined =>
  retryAfterMs === null ? undefined : Math.min(retryAfterMs, longestMs);

/** The header's value: whole seconds, rounded up, so that no client comes back too early. */
export function retryAfterSeconds(retryAfterMs: number): string {
  return String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
}
