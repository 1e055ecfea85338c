// Moves events from a source to a reader at the reader's pace: headers held until there is something to say, a sign of
// life when there is not, and one honest end.

import type { Clock } from '../time.ts';
import { relayError } from './relay-error.ts';
import type { RelayFormat } from './relay-format.ts';
import type { OpenSource, RelayItem } from './relay-source.ts';

/** How a relayed answer ended. */
export type RelayOutcome = 'completed' | 'failed' | 'interrupted' | 'left' | 'too-slow';

export interface PumpOptions {
  readonly source: OpenSource;
  readonly format: RelayFormat;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly holdHeadersMs: number;
  readonly slowReaderMs: number;
  /** Ends the answer in band as cancelled. */
  readonly signal: AbortSignal | undefined;
  /** Ends the answer in band as shutting down. */
  readonly interrupt: AbortSignal | undefined;
  /** The body of the last event for an error. */
  readonly failureBody: (error: unknown) => unknown;
  readonly onEnd: (outcome: RelayOutcome, error: unknown) => void;
}

export interface Pump {
  /** Resolves when headers may be sent; rejects when the call failed before, so that its status can still be told. */
  begin(): Promise<void>;
  /** The next bytes; null at the end. Rejects where the format cannot tell a failure, so that the connection can. */
  next(): Promise<Uint8Array | null>;
  /** How the format tells a failure in band; null when it cannot. */
  lastWords(error: unknown): Uint8Array | null;
  /** The reader has left: ends the upstream request and everything here. */
  leave(): void;
  /** The reader is too slow: ends everything here and calls `onTooSlow`. */
  giveUp(): void;
  /** Set by the owner: breaks the connection to a reader that took nothing for too long. */
  onTooSlow: () => void;
}

type Arrival =
  | { readonly type: 'item'; readonly item: RelayItem | null }
  | { readonly type: 'failure'; readonly error: unknown; readonly outcome: RelayOutcome };

/** After the last event the source is given this long to end by itself, so that what its owner awaits resolves. */
const settleMs = 1_000;

export function createPump(options: PumpOptions): Pump {
  const { source, format, clock } = options;
  let arrived: Arrival | null = null;
  let cut: Arrival | null = null;
  let reading = false;
  let wake: (() => void) | null = null;
  let ended = false;
  let begun = false;
  let quietTicks = 0;
  /** Headers went out before there was anything to say. */
  let owesSign = false;
  let idleTicks = 0;

  const read = (): void => {
    if (reading || arrived || cut || ended) return;
    reading = true;
    const settle = (arrival: Arrival): void => {
      reading = false;
      arrived = arrival;
      wake?.();
    };
    source.next().then(
      (item) => settle({ type: 'item', item }),
      (error: unknown) => settle({ type: 'failure', error, outcome: 'failed' }),
    );
  };

  const cutOff = (reason: 'aborted' | 'shutting_down'): void => {
    if (ended || cut) return;
    cut = { type: 'failure', error: relayError(reason), outcome: reason === 'aborted' ? 'left' : 'interrupted' };
    source.cancel();
    wake?.();
  };
  const onAbort = (): void => cutOff('aborted');
  const onInterrupt = (): void => cutOff('shutting_down');
  options.signal?.addEventListener('abort', onAbort);
  options.interrupt?.addEventListener('abort', onInterrupt);

  // One coarse timer for the whole answer, so that events cost none.
  const tickMs = Math.max(1, options.heartbeatMs / 2);
  let cancelTick = (): void => {};
  const tick = (): void => {
    if (wake) quietTicks += 1;
    else idleTicks += 1;
    cancelTick = clock.after(tickMs, tick);
    if (idleTicks * tickMs >= options.slowReaderMs) pump.giveUp();
    else if (quietTicks >= 2) wake?.();
  };

  const finish = (outcome: RelayOutcome, error: unknown): void => {
    if (ended) return;
    ended = true;
    cancelTick();
    options.signal?.removeEventListener('abort', onAbort);
    options.interrupt?.removeEventListener('abort', onInterrupt);
    // A failure before the beginning is thrown to the caller; it is not the end of an answer.
    if (begun || outcome === 'left') options.onEnd(outcome, error);
    wake?.();
  };

  /** Resolves when there is something to look at: an arrival, a cut, the end, or a tick. */
  const woken = (): Promise<void> =>
    new Promise((resolve) => {
      wake = () => {
        wake = null;
        resolve();
      };
    });

  const taken = (): Arrival | null => {
    const arrival = arrived ?? cut;
    if (arrived) arrived = null;
    return arrival;
  };

  const pump: Pump = {
    onTooSlow: () => {},

    async begin() {
      read();
      if (options.signal?.aborted) onAbort();
      if (options.interrupt?.aborted) onInterrupt();
      let held = true;
      const cancelHold = clock.after(options.holdHeadersMs, () => {
        held = false;
        wake?.();
      });
      while (held && !arrived && !cut && !ended) await woken();
      cancelHold();
      const first = arrived ?? cut;
      if (first?.type === 'failure') {
        source.cancel();
        finish(first.outcome, first.error);
        throw first.error;
      }
      begun = true;
      owesSign = first === null;
      if (!ended) cancelTick = clock.after(tickMs, tick);
    },

    async next() {
      idleTicks = 0;
      for (;;) {
        if (ended || !begun) return null;
        const arrival = taken();
        if (arrival === null) {
          read();
          if (owesSign && !arrived && !cut) {
            owesSign = false;
            if (format.heartbeat) return format.heartbeat;
          }
          if (!arrived) await woken();
          if (quietTicks >= 2 && !arrived && !cut && !ended) {
            quietTicks = 0;
            if (format.heartbeat) return format.heartbeat;
          }
          continue;
        }
        quietTicks = 0;
        owesSign = false;
        if (arrival.type === 'failure') {
          source.cancel();
          finish(arrival.outcome, arrival.error);
          const last = pump.lastWords(arrival.error);
          if (last === null) throw arrival.error;
          return last;
        }
        if (arrival.item === null) {
          finish('completed', undefined);
          return null;
        }
        const piece = format.encode(arrival.item);
        if (arrival.item.name === 'message_stop') {
          finish('completed', undefined);
          void settleSource(source, clock);
        }
        if (piece) return piece;
      }
    },

    lastWords: (error) => format.failure(options.failureBody(error)),

    giveUp() {
      source.cancel();
      finish('too-slow', undefined);
      pump.onTooSlow();
    },

    leave() {
      if (ended) return;
      source.cancel();
      finish('left', undefined);
    },
  };
  return pump;
}

/** What comes after the end cannot hurt the answer; a source that does not end is cancelled. */
async function settleSource(source: OpenSource, clock: Clock): Promise<void> {
  const cancelTimer = clock.after(settleMs, () => source.cancel());
  try {
    await source.drain();
  } catch {
    // The answer was complete.
  } finally {
    cancelTimer();
  }
}
