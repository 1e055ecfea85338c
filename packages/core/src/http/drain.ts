// Where a server is on its way down, for everyone who has to know.

/**
 * `serving` → `draining` (not ready any more, still answers) → `closing` (takes nothing new, answers end in their own
 * time) → `ending` (what still runs is ended in band) → `closed`.
 */
export type DrainState = 'serving' | 'draining' | 'closing' | 'ending' | 'closed';

export interface Drain {
  readonly state: DrainState;
  /** New requests are refused as `shutting-down`. */
  readonly refuses: boolean;
  /** Aborts when answers that still run have to end: hand it to `relay` as `interrupt`. */
  readonly deadline: AbortSignal;
  /** Moves on; never back. */
  enter(state: Exclude<DrainState, 'serving'>): void;
}

const order: readonly DrainState[] = ['serving', 'draining', 'closing', 'ending', 'closed'];

/** Makes the drain of one server, serving. */
export function createDrain(): Drain {
  const controller = new AbortController();
  let at = 0;
  return {
    get state() {
      return order[at] as DrainState;
    },
    get refuses() {
      return at >= order.indexOf('closing');
    },
    deadline: controller.signal,
    enter(state) {
      at = Math.max(at, order.indexOf(state));
      if (at >= order.indexOf('ending')) controller.abort();
    },
  };
}
