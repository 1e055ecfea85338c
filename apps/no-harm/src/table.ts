// Runs the table: every row on both sides, a bounded number at a time, and the verdict of the judge.

import { availableParallelism } from 'node:os';
import { judge, type Finding, type Harm } from './judge.ts';
import type { Observation } from './observation.ts';
import { observe } from './observe.ts';
import type { Observed, Situation, Subject, Surface } from './situation.ts';

export interface Row {
  readonly subject: string;
  readonly name: string;
  readonly surface: Surface;
  readonly situation: Situation | Observed;
}

export interface Result extends Row {
  readonly bare: Observation;
  readonly held: Observation;
  readonly findings: readonly Finding[];
}

/** The name of a row, by which it is chosen, printed and known. */
export const idOf = ({ subject, name, surface }: Row): string => `${situationOf({ subject, name })}, ${surface}`;

/** The name of a situation, whoever asks. */
export const situationOf = ({ subject, name }: Pick<Row, 'subject' | 'name'>): string => `${subject}: ${name}`;

/** One row for each surface of each situation. */
export const rowsOf = (subjects: readonly Subject[]): Row[] =>
  subjects.flatMap(({ title, situations }) =>
    situations.flatMap((situation) =>
      (situation.surfaces ?? ['create', 'stream']).map((surface) => ({ subject: title, name: situation.name, surface, situation })),
    ),
  );

/** Both sides wait for most of the time: many rows go at once. */
const atOnce = 12 * Math.max(1, Math.min(2, availableParallelism()));

/** What a busy machine may bring about as well. */
const timed: ReadonlySet<Harm> = new Set(['lost', 'late', 'process', 'broken promise', 'asked']);

/** Runs `rows`. Those whose fault may be the machine's are run once more, nearly alone. */
export async function runTable(rows: readonly Row[]): Promise<Result[]> {
  const results: (Result | undefined)[] = rows.map(() => undefined);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < rows.length) {
      const at = next++;
      results[at] = await runRow(rows[at] as Row);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, rows.length) }, worker));
  const first = results as Result[];
  const again = first.flatMap(({ findings }, at) => (findings.some(({ harm }) => timed.has(harm)) ? [at] : []));
  const alone = async (): Promise<void> => {
    for (let at = again.shift(); at !== undefined; at = again.shift()) results[at] = await runRow(first[at] as Result);
  };
  await Promise.all([alone(), alone(), alone()]);
  return results as Result[];
}

async function runRow({ subject, name, surface, situation }: Row): Promise<Result> {
  const [bare, held] = await Promise.all([observe(situation, surface, 'bare'), observe(situation, surface, 'held')]);
  return { subject, name, surface, situation, bare, held, findings: judge(bare, held, situation.rule) };
}
