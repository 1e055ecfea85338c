// Takes a server down without cutting answers off: not ready, then closed to new requests, then an honest end.

import type { Server } from 'node:http';
import { systemClock, type Clock } from '../time.ts';
import { watchConnections, type Connections, type ServerWithConnections } from './connections.ts';
import { createDrain, type Drain } from './drain.ts';

/** A server of `node:http`, `node:https` or `node:http2`. */
export type ClosableServer = Pick<Server, 'close' | 'listening'> & ServerWithConnections;

export interface GracefulShutdownOptions {
  /** Shared with the health routes and the relay. Default: a new one, on the result. */
  readonly drain?: Drain | undefined;
  /** What starts it. Default: SIGTERM and SIGINT; an empty list for none. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** Milliseconds between "not ready" and closing, for load balancers to notice: at least one probe period. Default: 5 000. */
  readonly readinessDelayMs?: number | undefined;
  /** Milliseconds answers may still take after closing. With the delay it must fit your platform's grace period (30 s in Kubernetes). Default: 20 000. */
  readonly drainMs?: number | undefined;
  /** Milliseconds for ended answers to reach their readers before connections are destroyed. Default: 1 000. */
  readonly endMs?: number | undefined;
  /** Runs when all connections are closed: close databases and flush telemetry here. */
  readonly onClosed?: (() => void | Promise<void>) | undefined;
  readonly clock?: Clock | undefined;
}

export interface GracefulShutdown {
  readonly drain: Drain;
  /** Starts it, or joins the one that runs. Resolves when every connection is closed and `onClosed` has run. */
  shutdown(): Promise<void>;
  /** Stops listening for process signals. */
  dispose(): void;
}

/**
 * On SIGTERM: the ready probe fails and requests are still served (`readinessDelayMs`); then the server takes nothing new
 * and running answers may end (`drainMs`); then those that still run end with an in-band error that invites a retry.
 * Call it before the server listens: the sessions of HTTP/2 are known from then on. A second signal skips the waiting, and a third ends the process at once. The process exits by itself when nothing else keeps it alive.
 */
export function gracefulShutdown(server: ClosableServer, options: GracefulShutdownOptions = {}): GracefulShutdown {
  const drain = options.drain ?? createDrain();
  const clock = options.clock ?? systemClock;
  const connections = watchConnections(server);
  const hurry = new AbortController();
  const signals = options.signals ?? ['SIGTERM', 'SIGINT'];
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    drain.enter('draining');
    await wait(clock, options.readinessDelayMs ?? 5_000, hurry.signal);

    drain.enter('closing');
    const closed = new AbortController();
    const closing = closeServer(server).then(() => closed.abort());
    const stopSweeping = sweep(connections, clock);
    await wait(clock, options.drainMs ?? 20_000, hurry.signal, closed.signal);

    drain.enter('ending');
    const endMs = options.endMs ?? 1_000;
    await wait(clock, hurry.signal.aborted ? Math.min(endMs, hurriedEndMs) : endMs, closed.signal);
    stopSweeping();
    connections.closeAll();
    await closing;

    drain.enter('closed');
    await options.onClosed?.();
    dispose();
  };
  const shutdown = (): Promise<void> => (running ??= run());
  const onSignal = (): void => {
    if (running) {
      hurry.abort();
      // A third one ends the process as if nobody listened.
      dispose();
    }
    void shutdown();
  };
  const dispose = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return { drain, shutdown, dispose };
}

function closeServer(server: ClosableServer): Promise<void> {
  return new Promise((resolve) => {
    // A server that does not listen reports an error, which is as good as closed.
    server.close(() => resolve());
  });
}

/** Somebody stands at the keyboard: time to write the last words, and no more. */
const hurriedEndMs = 100;

const sweepMs = 250;

/** `close` ends the connections that are idle at that moment; one whose answer ends later would be kept alive. */
function sweep(connections: Connections, clock: Clock): () => void {
  let cancel = (): void => {};
  const run = (): void => {
    connections.closeIdle();
    cancel = clock.after(sweepMs, run);
  };
  run();
  return () => cancel();
}

/** Resolves after `delayMs`, or when the first of `signals` aborts. */
function wait(clock: Clock, delayMs: number, ...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      cancel();
      for (const signal of signals) signal.removeEventListener('abort', settle);
      resolve();
    };
    const cancel = clock.after(delayMs, settle);
    for (const signal of signals) signal.addEventListener('abort', settle);
    if (signals.some((signal) => signal.aborted)) settle();
  });
}
