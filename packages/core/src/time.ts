// The only file that touches the machine's clock, timers and randomness. Everything else gets them as arguments.

/** A clock and a timer. Pass your own to run Holdfast in virtual time. */
export interface Clock {
  /**
   * Milliseconds on a clock that only goes forward, whatever is done to the machine's date: durations, waits and deadlines are
   * measured on it. The machine's counts from the Unix epoch as it was known when the process began.
   */
  now(): number;
  /** Runs `callback` once after `delayMs` milliseconds; returns a function that cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** The date now, milliseconds since the Unix epoch: for what names dates, such as an HTTP date. It may be set back. Default: `now`. */
  wall?(): number;
}

/** A source of randomness: a number in [0, 1), like `Math.random`. */
export type Random = () => number;

/** setTimeout fires at once for anything longer: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const longestTimerMs = 2 ** 31 - 1;

/** Timers drop fractions and fire up to a millisecond early: what waits for a moment must find that it has come. */
const timerMs = (delayMs: number): number => (delayMs > 0 ? Math.min(Math.ceil(delayMs) + 1, longestTimerMs) : 0);

/** The machine's clock. */
export const systemClock: Clock & { wall(): number } = {
  now: forwardNow,
  wall: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, timerMs(delayMs));
    return () => clearTimeout(timer);
  },
};

/** The machine's clock for housekeeping: its timers do not keep a process alive that has nothing else to do. */
export const backgroundClock: Clock & { wall(): number } = {
  now: forwardNow,
  wall: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, timerMs(delayMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** `clock` for what only watches: with the machine's, its timers do not keep the process alive. */
export const watching = (clock: Clock): Clock => (clock === systemClock ? backgroundClock : clock);

const startedAt = performance.timeOrigin;

/** The date is set by people, by NTP and by what restores virtual machines. This is not. */
function forwardNow(): number {
  return Math.floor(startedAt + performance.now());
}

/** The date on `clock`, milliseconds since the Unix epoch. */
export const wallNow = (clock: Clock): number => clock.wall?.() ?? clock.now();

/** The date of `moment`, which was read from `clock.now()`. */
export const dateOf = (moment: number, clock: Clock): number => moment + wallNow(clock) - clock.now();

/** `clock`, made to only go forward: somebody else's may be the machine's date. Where it is set back, time goes on from where it was. */
export function forwardOnly(clock: Clock): Clock {
  if (clock === systemClock || clock === backgroundClock) return clock;
  let last = -Infinity;
  let setBack = 0;
  const now = (atLeast: number): number => {
    const read = clock.now() + setBack;
    last = Math.max(read, atLeast);
    setBack += last - read;
    return last;
  };
  return {
    now: () => now(last),
    after(delayMs, callback) {
      const waitMs = Math.min(Math.max(delayMs, 0), longestTimerMs);
      const due = now(last) + waitMs;
      return clock.after(waitMs, () => {
        // A timer that fires tells that its time has passed, whatever the clock says.
        now(Math.max(last, due));
        callback();
      });
    },
    wall: () => wallNow(clock),
  };
}

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
