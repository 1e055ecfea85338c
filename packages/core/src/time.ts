// The only file that touches the machine's clock, timers and randomness. Everything else gets them as arguments.

/** A clock and a timer. Pass your own to run Holdfast in virtual time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `callback` once after `delayMs` milliseconds; returns a function that cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** A source of randomness: a number in [0, 1), like `Math.random`. */
export type Random = () => number;

/** setTimeout fires at once for anything longer: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), longestTimerMs));
    return () => clearTimeout(timer);
  },
};

/** The machine's randomness. */
export const systemRandom: Random = () => Math.random();

/** A new unique id for a logical call. */
export const newId = (): string => crypto.randomUUID();

/**
 * Waits `delayMs` on `clock`. Resolves to `true` when the time has passed and to `false` as soon as `signal`
 * aborts; the timer and the listener are gone in either case.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve(true);
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
