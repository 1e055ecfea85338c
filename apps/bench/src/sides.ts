// Compares sides that do the same, each in a process of its own, as they would be used: in one process they would share what V8
// learned of both. They take turns, so that whatever else the machine does meets all of them.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ratios, median } from './report.ts';

/** One side's process: answers every message with one measurement. */
export function serveSide(measure: () => Promise<number>): void {
  process.on('message', () => {
    void measure().then((value) => process.send?.(value));
  });
  process.once('disconnect', () => process.exit(0));
}

async function ask(side: ChildProcess): Promise<number> {
  side.send('measure');
  const [value] = (await once(side, 'message')) as [number];
  return value;
}

export interface Compared {
  readonly name: string;
  readonly median: number;
  /** Beside the first side, measured in the same round. */
  readonly ratio: { readonly middle: number; readonly low: number; readonly high: number };
}

/** Runs `file` once for each of `names`, with the name and `args` as its arguments, and measures `rounds` times after `warmUp`. */
export async function compareSides(
  file: string,
  names: readonly string[],
  args: readonly string[],
  { rounds, warmUp = 4 }: { readonly rounds: number; readonly warmUp?: number },
): Promise<Compared[]> {
  const sides = names.map((name) => fork(file, [name, ...args]));
  const values = names.map((): number[] => []);
  for (let round = -warmUp; round < rounds; round += 1)
    for (let turn = 0; turn < sides.length; turn += 1) {
      // Everybody goes first now and then.
      const which = (turn + round + warmUp) % sides.length;
      const value = await ask(sides[which] as ChildProcess);
      if (round >= 0) values[which]?.push(value);
    }
  for (const side of sides) side.disconnect();
  return names.map((name, i) => ({ name, median: median(values[i] ?? []), ratio: ratios(values[i] ?? [], values[0] ?? []) }));
}

export const spread = ({ low, high }: Compared['ratio']): string => `${low.toFixed(3)} to ${high.toFixed(3)}`;
