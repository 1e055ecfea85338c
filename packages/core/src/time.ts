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

/** The machine's clock for housekeeping: its timers do not keep a process alive that has nothing else to do. */
export const backgroundClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), longestTimerMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The machine's randomness. */
export const systemRandom: Random = () => Math.random();

/** `now` as an RFC 3339 timestamp. */
export const isoTime = (now: number): string => new Date(now).toISOString();

/** The moment an HTTP or RFC 3339 date names, milliseconds since the Unix epoch; NaN if it names none. */
export const parseDate = (text: string): number => Date.parse(text);

/** The first moment of the next month, UTC. */
export function nextMonth(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** A new unique id for a logical call. */
export const newId = (): string => crypto.randomUUID();
