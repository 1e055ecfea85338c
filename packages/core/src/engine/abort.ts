// Joins abort signals and waits on them, leaving no listener or timer behind.

import type { Clock } from '../time.ts';

type Signals = readonly (AbortSignal | null | undefined)[];

/** Calls `onAbort` once when the first of `signals` aborts (at once if one already has). Returns the function that unlinks it. */
export function onFirstAbort(signals: Signals, onAbort: (signal: AbortSignal) => void): () => void {
  for (const signal of signals) {
    if (!signal?.aborted) continue;
    onAbort(signal);
    return () => {};
  }
  const unlink = (): void => {
    for (const signal of signals) signal?.removeEventListener('abort', fire);
  };
  const fire = (event: Event): void => {
    unlink();
    onAbort(event.target as AbortSignal);
  };
  for (const signal of signals) signal?.addEventListener('abort', fire);
  return unlink;
}

/**
 * Aborts without a stack trace. A trace holds on to whoever was calling, with all they know, for as long as the signal's
 * reason lives; and the SDK keeps the signal of a body until that body is collected, which it then never is.
 */
export function abortQuietly(controller: AbortController): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    controller.abort();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

export const isAborted = (signals: Signals): boolean => signals.some((signal) => signal?.aborted === true);

/** Waits `delayMs` on `clock`. Resolves to `true` when the time has passed, to `false` as soon as one of `signals` aborts. */
export function pause(clock: Clock, delayMs: number, signals: Signals): Promise<boolean> {
  return new Promise((resolve) => {
    let cancel = (): void => {};
    const unlink = onFirstAbort(signals, () => {
      cancel();
      resolve(false);
    });
    if (isAborted(signals)) return;
    cancel = clock.after(delayMs, () => {
      unlink();
      resolve(true);
    });
  });
}
