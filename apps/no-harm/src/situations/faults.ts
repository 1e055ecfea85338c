// Every way in which the fake Claude can fail, for good and once.

import { faults, type FaultName } from '@holdfast/testing';
import type { Situation, Subject } from '../situation.ts';
import { fake } from '../upstream.ts';

/** Nothing comes, for longer than anybody waits: the SDK's own time limit ends it. Real time, since the SDK's is real. */
const stalls: ReadonlySet<FaultName> = new Set(['silent']);
/** The bare SDK waits for ever; Holdfast's idle limit of 180 s comes after 2 s. */
const stalling: ReadonlySet<FaultName> = new Set(['stall-mid-stream', 'pings-only']);

const limits = (name: FaultName): Partial<Situation> => {
  if (stalls.has(name)) return { speed: 1, sdk: { timeout: 400 } };
  if (name === 'rate-limited-a-day') return { patienceMs: 1500 };
  return stalling.has(name) ? { speed: 100, patienceMs: 9000 } : {};
};

/** Documented as answers that no repetition changes: one that comes true the second time is no situation. */
const forGood: ReadonlySet<FaultName> = new Set(['spend-limit', 'contract-limit', 'conflict', 'not-implemented']);

const names = Object.keys(faults) as FaultName[];

export const faultsByName: Subject = {
  title: 'Failures of Claude',
  situations: [
    ...names.map((name): Situation => ({
      name: `${name}, every time`,
      upstream: fake((claude) => claude.always(name)),
      ...limits(name),
    })),
    ...names
      .filter((name) => !forGood.has(name))
      .map((name): Situation => ({
        name: `${name}, once`,
        upstream: fake((claude) => claude.script(name)),
        ...limits(name),
      })),
  ],
};
