// Asks targets that are not well whether they are again, without spending a caller's request on it.

import { abortQuietly, pause } from './abort.ts';
import { dispatchProbe } from './dispatch.ts';
import type { TargetClient } from '../options.ts';
import type { Clock } from '../time.ts';

export interface ProbedTarget {
  readonly name: string;
  readonly client: TargetClient;
  /** It could not be asked just now. */
  readonly isIll: () => boolean;
  /** It answered. */
  readonly onWell: () => void;
}

/** A probe that takes longer has not answered. Milliseconds. */
const patienceMs = 10_000;

/**
 * Probes one ill target after another every `everyMs`, with the cheapest request there is: a list of models. Never more than
 * one at a time. Returns the function that stops it.
 */
export function startProbes(targets: readonly ProbedTarget[], everyMs: number, clock: Clock): () => void {
  const stopped = new AbortController();
  let cancel = (): void => {};
  const round = async (): Promise<void> => {
    for (const target of targets) {
      if (stopped.signal.aborted || !target.isIll()) continue;
      if (await isWell(target, clock, stopped.signal)) target.onWell();
    }
    if (!stopped.signal.aborted) cancel = clock.after(everyMs, () => void round());
  };
  cancel = clock.after(everyMs, () => void round());
  return () => {
    stopped.abort();
    cancel();
  };
}

async function isWell({ client }: ProbedTarget, clock: Clock, stop: AbortSignal): Promise<boolean> {
  const giveUp = new AbortController();
  const answered = dispatchProbe(client, giveUp.signal).then(
    (status) => status < 500 && status !== 401 && status !== 403 && status !== 429,
    () => false,
  );
  const waited = pause(clock, patienceMs, [stop, giveUp.signal]).then(() => false);
  const well = await Promise.race([answered, waited]);
  abortQuietly(giveUp);
  return well;
}
