// Time that passes when a test says so.

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock with timers, for `holdfast({ clock })` and for code of your own that takes one. */
export class VirtualClock {
  #now: number;
  #order = 0;
  #timers: Timer[] = [];

  /** @param startMs milliseconds since the Unix epoch; default: the beginning of 2026 */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: (this.#order += 1), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass; timers run in order, each at its own time. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#next(until); next; next = this.#next(until)) this.#run(next);
    this.#now = until;
  }

  /** Like `advance`, but lets promises settle before and after every timer. */
  async advanceAsync(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#run(next);
      await settle();
    }
    this.#now = until;
  }

  /** Lets time pass, timer by timer, until `promise` settles. Fails when nothing is left that could settle it. */
  async until<T>(promise: Promise<T>, options: { readonly maxMs?: number } = {}): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    const end = this.#now + (options.maxMs ?? 24 * 3600 * 1000);
    for (let idle = 0; !settled;) {
      await settle();
      if (settled) break;
      const next = this.#next(end);
      if (next) {
        this.#run(next);
        idle = 0;
      } else if ((idle += 1) > 1000) throw new Error(`nothing left to wait for: ${this.pending} timers, virtual time ${this.#now}`);
    }
    return promise;
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > until) continue;
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    }
    return first;
  }

  #run(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
  }
}

/** Real input and output may be under way: let the loop turn, not only the promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
