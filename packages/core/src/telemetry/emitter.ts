// Hands events to whoever listens.

import type { HoldfastEvent, Listener } from './events.ts';
import { quietly } from './quietly.ts';
import { snapshotOf } from './snapshot.ts';

/** A listener that throws or rejects harms nobody. */
export interface Emitter {
  /** False when nobody listens: the event need not be built. */
  readonly active: boolean;
  emit(event: HoldfastEvent): void;
  on(listener: Listener): () => void;
  /** For listeners of ours, which keep and change nothing: they are shown the event itself. */
  onLive(listener: Listener): () => void;
}

export function createEmitter(): Emitter {
  const listeners = new Set<Listener>();
  const live = new Set<Listener>();
  const joinIn =
    (set: Set<Listener>) =>
    (listener: Listener): (() => void) => {
      set.add(listener);
      return () => set.delete(listener);
    };
  return {
    get active() {
      return listeners.size + live.size > 0;
    },
    emit(event) {
      // Telemetry must never fail a call.
      for (const listener of live) quietly(() => listener(event));
      if (listeners.size === 0) return;
      const seen = snapshotOf(event);
      for (const listener of listeners) quietly(() => listener(seen));
    },
    on: joinIn(listeners),
    onLive: joinIn(live),
  };
}
