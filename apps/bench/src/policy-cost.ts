// What the policies cost by themselves: nanoseconds and bytes of garbage for each decision.

import { Breaker, backoff, classify, CircuitBreaker, RetryBudget, type Outcome } from '@holdfast/core/policy';
import { CircuitBreakerPolicy, circuitBreaker, ConsecutiveBreaker, handleAll } from 'cockatiel';
import Opossum from 'opossum';
import { median, table } from './report.ts';

const rounds = 15;
const perRound = 200_000;

interface Task {
  readonly name: string;
  readonly goal?: string;
  readonly run: (times: number) => unknown;
}

const now = 1_767_225_600_000;
const random = (): number => 0.5;
/** What the decisions gave: exported, so that none of them can be left out. */
export let sink = 0;

const closed = new Breaker();
const settled = new Breaker();
const openBreaker = new Breaker({ consecutiveFailures: 1, openMs: 60_000 });
openBreaker.settle(openBreaker.admitClosed(), 'failure', now, random);
const budget = new RetryBudget();
const wait = backoff();
const overloaded: Outcome = { type: 'response', status: 529, headers: new Headers(), error: { type: 'overloaded_error' } };

const answer = async (): Promise<number> => 1;
const ours = new CircuitBreaker();
const oursOpen = new CircuitBreaker({ consecutiveFailures: 1, openMs: 60_000 });
const theirs: CircuitBreakerPolicy = circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(5) });
const theirsOpen: CircuitBreakerPolicy = circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(1) });
const opossum = new Opossum(answer, { timeout: false });
const opossumOpen = new Opossum(answer, { timeout: false });
opossumOpen.open();
const fail = (): Promise<never> => Promise.reject(new Error('broken'));
await oursOpen.execute(fail).catch(() => {});
await theirsOpen.execute(fail).catch(() => {});

const each = async (times: number, run: () => Promise<unknown>): Promise<void> => {
  for (let i = 0; i < times; i += 1) sink += (await run().then(one, one)) as number;
};
const one = (): number => 1;

const tasks: Task[] = [
  {
    name: 'breaker, closed: may this call go?',
    goal: '5 ns, 0 B',
    run: (n) => {
      for (let i = 0; i < n; i += 1) if (closed.isClosed) sink += closed.admitClosed().era;
    },
  },
  {
    name: 'breaker, closed: decision and result',
    run: (n) => {
      for (let i = 0; i < n; i += 1) settled.settle(settled.admitClosed(), 'success', now + i, random);
    },
  },
  {
    name: 'breaker, open: refusal',
    goal: '300 ns',
    run: (n) => {
      for (let i = 0; i < n; i += 1) sink += openBreaker.admit(now + 1, random).admitted ? 1 : 0;
    },
  },
  {
    name: 'retry budget: take and deposit',
    run: (n) => {
      for (let i = 0; i < n; i += 1) {
        budget.deposit();
        sink += budget.tryTake(now + i) ? 1 : 0;
      }
    },
  },
  {
    name: 'backoff: one delay',
    run: (n) => {
      for (let i = 0; i < n; i += 1) sink += wait({ attempt: 1 + (i % 4), random });
    },
  },
  {
    name: 'classify: a 529',
    run: (n) => {
      for (let i = 0; i < n; i += 1) sink += classify(overloaded, { now }).kind.length;
    },
  },
  { name: 'CircuitBreaker.execute, closed', run: (n) => each(n / 10, () => ours.execute(answer)) },
  { name: '  cockatiel', run: (n) => each(n / 10, () => theirs.execute(answer)) },
  { name: '  opossum', run: (n) => each(n / 10, () => opossum.fire()) },
  { name: 'CircuitBreaker.execute, open: refusal', run: (n) => each(n / 10, () => oursOpen.execute(answer)) },
  { name: '  cockatiel', run: (n) => each(n / 10, () => theirsOpen.execute(answer)) },
  { name: '  opossum', run: (n) => each(n / 10, () => opossumOpen.fire()) },
];

const rows: string[][] = [];
for (const { name, goal = '', run } of tasks) {
  const times: number[] = [];
  const bytes: number[] = [];
  const count = /execute|cockatiel|opossum/.test(name) ? perRound / 10 : perRound;
  for (let round = -5; round < rounds; round += 1) {
    globalThis.gc?.();
    const heap = process.memoryUsage().heapUsed;
    const started = process.hrtime.bigint();
    const running = run(perRound);
    if (running instanceof Promise) await running;
    const took = Number(process.hrtime.bigint() - started);
    if (round < 0) continue;
    times.push(took / count);
    bytes.push(Math.max(0, process.memoryUsage().heapUsed - heap) / count);
  }
  // The heap is measured with a noise of some kilobytes; of young garbage, only what was not collected meanwhile is seen.
  rows.push([name, median(times).toFixed(1), median(bytes) < 1 ? '0' : median(bytes).toFixed(0), goal]);
}
console.log(`Policies, medians of ${rounds} rounds of ${perRound} decisions; Node.js ${process.version}`);
console.log(table(['decision', 'ns', 'bytes', 'goal'], rows));
process.exit(0);
