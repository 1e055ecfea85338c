// Notices silent streams: one coarse timer for all of them, a counter for each. No timer and no clock read per chunk.

import type { Clock } from '../time.ts';

/** How often silence is looked at, milliseconds: the most by which a stall is noticed late. */
const tickMs = 250;

export interface Watch {
  /** A read is outstanding: silence counts from now. */
  arm(): void;
  /** The read returned. A reader who takes a break is no stall. */
  disarm(): void;
  /** Stops watching. */
  stop(): void;
}

interface Watched {
  armed: boolean;
  ticks: number;
  readonly limit: number;
  readonly onStall: () => void;
}

const tickers = new WeakMap<Clock, Ticker>();

/** Watches one stream: `onStall` is called when a read has been outstanding for `idleMs`. */
export function watchForStall(clock: Clock, idleMs: number, onStall: () => void): Watch {
  if (idleMs <= 0) return { arm() {}, disarm() {}, stop() {} };
  let ticker = tickers.get(clock);
  if (!ticker) tickers.set(clock, (ticker = new Ticker(clock)));
  return ticker.watch(idleMs, onStall);
}

class Ticker {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(idleMs: number, onStall: () => void): Watch {
    // The first tick may come at once, so that many ticks mean at least the limit.
    const entry: Watched = { armed: false, ticks: 0, limit: Math.ceil(idleMs / tickMs) + 1, onStall };
    this.#watched.add(entry);
    this.#cancel ??= this.#clock.after(tickMs, this.#tick);
    return {
      arm() {
        entry.armed = true;
        entry.ticks = 0;
      },
      disarm() {
        entry.armed = false;
      },
      stop: () => {
        this.#watched.delete(entry);
        if (this.#watched.size > 0) return;
        this.#cancel?.();
        this.#cancel = null;
      },
    };
  }

  #tick = (): void => {
    this.#cancel = this.#clock.after(tickMs, this.#tick);
    for (const entry of this.#watched) {
      if (!entry.armed) continue;
      entry.ticks += 1;
      if (entry.ticks < entry.limit) continue;
      entry.armed = false;
      entry.onStall();
    }
  };
}
