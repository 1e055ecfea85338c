// Stores belong to the application: they may hang, throw, reject, or answer with anything. Nobody waits for them for long.

import type { Clock } from '../time.ts';

/** The store did not answer in time. */
export class StoreTimeout extends Error {
  readonly code = 'timeout';

  constructor(patienceMs: number) {
    super(`no answer within ${patienceMs} ms`);
    this.name = 'StoreTimeout';
  }
}

/**
 * What `work` resolves to.
 *
 * @throws {StoreTimeout} when it takes longer than `patienceMs`; otherwise what it throws or rejects with
 */
export async function askStore(clock: Clock, patienceMs: number, work: () => unknown): Promise<unknown> {
  let cancel = (): void => {};
  const tooLong = new Promise<never>((_, reject) => {
    cancel = clock.after(patienceMs, () => reject(new StoreTimeout(patienceMs)));
  });
  try {
    return await Promise.race([(async () => work())(), tooLong]);
  } finally {
    cancel();
  }
}
