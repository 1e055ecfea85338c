// Which request meets which fault.

import { toFault, type Fault, type FaultLike } from './faults.ts';
import { seededRandom } from './seeded-random.ts';

export interface RandomFaults {
  readonly seed: number;
  /** Share of requests that fail, 0 to 1. */
  readonly rate: number;
  readonly faults: readonly FaultLike[];
}

/** Which requests faults are for. What is left out does not matter. */
export interface Only {
  /** The path without its query: `/v1/messages/count_tokens`. With `/*` at its end, everything below too. */
  readonly path?: string;
  readonly model?: string;
  /** The credential, as the ledger has it: without `Bearer`. */
  readonly key?: string;
  readonly stream?: boolean;
}

/** Ways to say what fails. */
export interface FaultSwitches {
  /** Faults for the next requests, one each; null is a healthy one. Then nothing more from this script. */
  script(...faults: readonly (FaultLike | null)[]): void;
  /** The same fault every time, until null. `{}` is none: it keeps these requests healthy whatever others meet. */
  always(fault: FaultLike | null): void;
  /** Seeded random faults, until null. */
  random(faults: RandomFaults | null): void;
}

/** What a plan looks at. */
export interface Asked {
  readonly path: string;
  readonly model: string | null;
  readonly key: string | null;
  readonly stream: boolean;
}

export interface FaultPlan extends FaultSwitches {
  only(which: Only): FaultSwitches;
  next(asked: Asked): Fault | null;
  reset(): void;
}

const messagesPath = '/v1/messages';
const selectors: readonly string[] = ['path', 'model', 'key', 'stream'] satisfies readonly (keyof Only)[];

/**
 * Without `only`, a script and random faults are for /v1/messages, and `always` is for every path. Those given with `only`
 * come first, the newest selection before the older ones; one that has nothing to say leaves the request to the next.
 */
export function faultPlan(): FaultPlan {
  const general = source();
  let selections: { readonly which: Only; readonly faults: Source }[] = [];
  return {
    ...general.switches,
    only(which) {
      for (const name of Object.keys(which))
        if (!selectors.includes(name)) throw new Error(`requests are not selected by "${name}"; known: ${selectors.join(', ')}`);
      const known = selections.find((selection) =>
        selectors.every((name) => selection.which[name as keyof Only] === which[name as keyof Only]),
      );
      if (known) return known.faults.switches;
      const faults = source();
      selections = [{ which: { ...which }, faults }, ...selections];
      return faults.switches;
    },
    next(asked) {
      for (const { which, faults } of selections) {
        const fault = matches(which, asked) ? faults.next() : undefined;
        if (fault !== undefined) return fault;
      }
      return (asked.path === messagesPath ? general.next() : general.constant()) ?? null;
    },
    reset() {
      general.reset();
      selections = [];
    },
  };
}

interface Source {
  readonly switches: FaultSwitches;
  /** Undefined: it has nothing to say. Null: healthy. */
  next(): Fault | null | undefined;
  constant(): Fault | undefined;
  reset(): void;
}

function source(): Source {
  let scripted: (Fault | null)[] = [];
  let constant: Fault | undefined;
  let chance: (() => Fault | undefined) | undefined;
  return {
    switches: {
      script(...faults) {
        scripted = faults.map((fault) => (fault === null ? null : toFault(fault)));
      },
      always(fault) {
        constant = fault === null ? undefined : toFault(fault);
      },
      random(faults) {
        chance = faults ? chanceOf(faults) : undefined;
      },
    },
    next: () => (scripted.length > 0 ? scripted.shift() : (constant ?? chance?.())),
    constant: () => constant,
    reset() {
      scripted = [];
      constant = undefined;
      chance = undefined;
    },
  };
}

function chanceOf({ seed, rate, faults }: RandomFaults): () => Fault | undefined {
  const random = seededRandom(seed);
  const choices = faults.map(toFault);
  return () => (random() < rate ? choices[Math.floor(random() * choices.length)] : undefined);
}

function matches({ path, model, key, stream }: Only, asked: Asked): boolean {
  return (
    (path === undefined || isAt(asked.path, path)) &&
    (model === undefined || model === asked.model) &&
    (key === undefined || key === asked.key) &&
    (stream === undefined || stream === asked.stream)
  );
}

function isAt(path: string, wanted: string): boolean {
  if (!wanted.endsWith('/*')) return path === wanted;
  const above = wanted.slice(0, -2);
  return path === above || path.startsWith(`${above}/`);
}
