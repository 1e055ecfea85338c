// Notices silent streams: one coarse timer for all of them, a counter for each. No timer and no clock read per chunk.

import type { Clock } from '../time.ts';

/** How often silence is looked at, milliseconds. A stall is noticed up to two looks late: within a quarter of a second. */
const tickMs = 125;

export interface Watch {
  /** A read is outstanding: silence counts from now. */
  arm(): void;
  /** The read returned. A reader who takes a break is no stall. */
  disarm(): void;
  /** Stops watching. */
  stop(): void;
}

const never: Watch = { arm() {}, disarm() {}, stop() {} };
const tickers = new WeakMap<Clock, Ticker>();

/** Watches one stream: `onStall` is called when a read has been outstanding for `idleMs`. */
export function watchForStall(clock: Clock, idleMs: number, onStall: () => void): Watch {
  if (idleMs <= 0) return never;
  let ticker = tickers.get(clock);
  if (!ticker) tickers.set(clock, (ticker = new Ticker(clock)));
  return new TickingWatch(ticker, idleMs, onStall);
}

class TickingWatch implements Watch {
  readonly #ticker: Ticker;
  readonly #limit: number;
  readonly #onStall: () => void;
  #armed = false;
  #listed = false;
  #ticks = 0;

  constructor(ticker: Ticker, idleMs: number, onStall: () => void) {
    this.#ticker = ticker;
    // The first tick may come at once, so that many ticks mean at least the limit.
    this.#limit = Math.ceil(idleMs / tickMs) + 1;
    this.#onStall = onStall;
  }

  arm(): void {
    this.#armed = true;
    this.#ticks = 0;
    if (this.#listed) return;
    this.#listed = true;
    this.#ticker.list(this);
  }

  disarm(): void {
    this.#armed = false;
  }

  stop(): void {
    this.#armed = false;
    if (!this.#listed) return;
    this.#listed = false;
    this.#ticker.strike(this);
  }

  /** A tick has passed. False: nobody reads, and it need not be told again before somebody does. */
  tick(): boolean {
    if (!this.#armed) {
      this.#listed = false;
      return false;
    }
    this.#ticks += 1;
    if (this.#ticks < this.#limit) return true;
    this.#armed = false;
    this.#listed = false;
    this.#onStall();
    return false;
  }
}

/** Knows only streams that are being read: one that was forgotten by its reader is forgotten here too. */
class Ticker {
  readonly #clock: Clock;
  readonly #watches = new Set<TickingWatch>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  list(watch: TickingWatch): void {
    this.#watches.add(watch);
    this.#cancel ??= this.#clock.after(tickMs, this.#tick);
  }

  strike(watch: TickingWatch): void {
    this.#watches.delete(watch);
    if (this.#watches.size > 0) return;
    this.#cancel?.();
    this.#cancel = null;
  }

  #tick = (): void => {
    this.#cancel = null;
    for (const watch of this.#watches) if (!watch.tick()) this.#watches.delete(watch);
    if (this.#watches.size > 0) this.#cancel ??= this.#clock.after(tickMs, this.#tick);
  };
}
