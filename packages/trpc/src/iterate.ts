// Procedures that go on after they have returned: async generators and observables, as subscriptions and streamed queries do.

import { AsyncLocalStorage } from 'node:async_hooks';
import { runInScope, type ScopeOptions } from '@holdfast/core/http';
import { isObservable, observable, type Observable } from '@trpc/server/observable';

/** Runs a function in a scope that was opened once: its deadline counts from then. */
export type RunInScope = <T>(fn: () => T) => T;

/** Opens a scope for code that runs in several pieces. */
export function openScope(options: ScopeOptions): RunInScope {
  const run = runInScope(options, () => AsyncLocalStorage.snapshot());
  return (fn) => run(fn);
}

/** `make` and every step of what it returns, in a scope. */
export async function* iterateIn<T>(run: RunInScope, make: () => AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = run(() => make()[Symbol.asyncIterator]());
  let isOver = false;
  try {
    for (;;) {
      const step = await run(() => iterator.next());
      isOver = step.done === true;
      if (step.done) return;
      yield step.value;
    }
  } finally {
    if (!isOver) await run(() => iterator.return?.());
  }
}

const selfEnding = new WeakSet<object>();

/** What is read for `claude` ends by itself when it has to, in words of its own. */
export const endsItself = (claude: object): void => void selfEnding.add(claude);

export interface Watch {
  /** `ctx.claude` of the procedure. */
  readonly claude: object;
  /** Every piece runs in it. */
  readonly run: RunInScope;
  /** Aborts when the reader has left: what fails then is nobody's business. */
  readonly left: AbortSignal | undefined;
  /** Aborts when what still runs has to end. */
  readonly deadline: AbortSignal;
  /** What to throw then. */
  readonly onDeadline: () => unknown;
  /** What to throw instead of an error of the source. */
  readonly mapError: (error: unknown) => unknown;
  /** Stops what the source still waits for, when nobody will read it. */
  readonly stop: () => void;
}

type Source = AsyncIterable<unknown> | Observable<unknown, unknown>;

/** Whether `value` goes on after its procedure has returned. */
export const goesOn = (value: unknown): value is Source =>
  isObservable(value) || (typeof value === 'object' && value !== null && Symbol.asyncIterator in value);

/** `source`, watched: tRPC gets the same kind of thing back. */
export const watched = (source: Source, watch: Watch): Source =>
  isObservable(source) ? watchedObservable(source, watch) : watchedIterable(source, watch);

function watchedObservable(source: Observable<unknown, unknown>, watch: Watch): Observable<unknown, unknown> {
  const { run, deadline, onDeadline, mapError, stop } = watch;
  return observable((observer) => {
    const onAbort = (): void => observer.error(onDeadline());
    deadline.addEventListener('abort', onAbort, { once: true });
    const subscription = run(() =>
      source.subscribe({
        next: (value) => observer.next(value),
        error: (error) => observer.error(mapError(error)),
        complete: () => observer.complete(),
      }),
    );
    return () => {
      deadline.removeEventListener('abort', onAbort);
      subscription.unsubscribe();
      stop();
    };
  });
}

async function* watchedIterable(source: AsyncIterable<unknown>, watch: Watch): AsyncGenerator<unknown, unknown> {
  const { claude, run, left, deadline, onDeadline, mapError, stop } = watch;
  const isLate = (): boolean => deadline.aborted && !selfEnding.has(claude);
  const iterator = run(() => source[Symbol.asyncIterator]());
  let wake = (): void => {};
  const onAbort = (): void => {
    if (left?.aborted || isLate()) wake();
  };
  for (const signal of [left, deadline]) signal?.addEventListener('abort', onAbort);
  let isOver = false;
  try {
    for (;;) {
      // Not a race with a promise that lives as long as the stream: it would remember every step.
      const step = await new Promise<IteratorResult<unknown> | null>((resolve, reject) => {
        wake = () => resolve(null);
        if (left?.aborted || isLate()) wake();
        else run(() => iterator.next()).then(resolve, reject);
      });
      if (left?.aborted) return undefined;
      if (step === null) throw onDeadline();
      if (step.done) {
        isOver = true;
        return step.value;
      }
      yield step.value;
    }
  } catch (error) {
    if (left?.aborted) return undefined;
    throw mapError(error);
  } finally {
    for (const signal of [left, deadline]) signal?.removeEventListener('abort', onAbort);
    if (!isOver) {
      stop();
      // Not awaited: what it waits for was just stopped, and may take its time.
      run(() => iterator.return?.())?.catch(() => {});
    }
  }
}
