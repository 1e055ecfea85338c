// For the browser: recognise failed Claude calls, and come back when the server said.

import { TRPCClientError, type TRPCLink } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import type { ClaudeErrorData } from './errors.ts';

export type { ClaudeErrorData, ClaudeEvent } from './errors.ts';

/** What the server said about a failed Claude call; null for any other error. */
export function claudeErrorOf(error: unknown): ClaudeErrorData | null {
  const { data } = (error ?? {}) as { data?: { claude?: Partial<ClaudeErrorData> } | null };
  const claude = data?.claude;
  return claude && typeof claude.kind === 'string' && typeof claude.retryable === 'boolean' ? (claude as ClaudeErrorData) : null;
}

/** Whether `error` is a failed Claude call. */
export const isClaudeError = (error: unknown): error is TRPCClientError<AnyTRPCRouter> & { data: { claude: ClaudeErrorData } } =>
  claudeErrorOf(error) !== null;

export interface ClaudeRetryOptions {
  /** Requests for one query or mutation, the first included. Default 2: the server has retried already. */
  readonly attempts?: number;
  /** A longer wait is not waited: the error is shown at once. Milliseconds, default 10000. */
  readonly maxWaitMs?: number;
}

/** A link that repeats queries and mutations whose failure invites it, when the server says it makes sense. Subscriptions resume by themselves. */
export function claudeRetryLink<Router extends AnyTRPCRouter>({
  attempts = 2,
  maxWaitMs = 10_000,
}: ClaudeRetryOptions = {}): TRPCLink<Router> {
  return () =>
    ({ op, next }) =>
      observable((observer) => {
        let made = 0;
        let timer: ReturnType<typeof setTimeout> | undefined;
        let running: { unsubscribe(): void } | undefined;
        const run = (): void => {
          made += 1;
          running = next(op).subscribe({
            next: (value) => observer.next(value),
            complete: () => observer.complete(),
            error(error) {
              const claude = claudeErrorOf(error);
              const waitMs = claude?.retryAfterMs ?? 0;
              if (op.type === 'subscription' || !claude?.retryable || made >= attempts || waitMs > maxWaitMs) observer.error(error);
              else timer = setTimeout(run, waitMs);
            },
          });
        };
        run();
        return () => {
          clearTimeout(timer);
          running?.unsubscribe();
        };
      });
}
