// Compares sides that do the same, each in a process of its own, as they would be used: in one process they would share what V8
// learned of both. They take turns, so that whatever else the machine does meets all of them.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ratios, median, type Ratio } from './report.ts';

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
  readonly ratio: Ratio;
  /** The least and the most of the median ratios of single processes. */
  readonly least: number;
  readonly most: number;
}

export interface Comparison {
  /** Measurements that count, of each process. */
  readonly rounds: number;
  /** Measurements before them, until V8 has compiled what it will. */
  readonly warmUp?: number;
  /** How often all sides begin anew. V8 does not compile the same program alike every time: one process is one sample of that. */
  readonly processes?: number;
}

/** Runs `file` for each of `names`, with the name and `args` as its arguments, and measures all of them side by side. */
export async function compareSides(
  file: string,
  names: readonly string[],
  args: readonly string[],
  { rounds, warmUp = 4, processes = 1 }: Comparison,
): Promise<Compared[]> {
  const runs: number[][][] = [];
  for (let run = 0; run < processes; run += 1) runs.push(await measureSides(file, names, args, rounds, warmUp));
  return names.map((name, side) => {
    const ours = runs.map((values) => values[side] ?? []);
    const bare = runs.map((values) => values[0] ?? []);
    const each = ours.map((values, run) => ratios(values, bare[run] ?? []).middle);
    return {
      name,
      median: median(ours.flat()),
      ratio: ratios(ours.flat(), bare.flat()),
      least: Math.min(...each),
      most: Math.max(...each),
    };
  });
}

async function measureSides(
  file: string,
  names: readonly string[],
  args: readonly string[],
  rounds: number,
  warmUp: number,
): Promise<number[][]> {
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
  return values;
}

export const spread = ({ low, high }: Ratio): string => `${low.toFixed(3)} to ${high.toFixed(3)}`;
