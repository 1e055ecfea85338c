// What every Claude call below a request inherits: when the client leaves, until when an answer is of use, and whose it is.

import { AsyncLocalStorage } from 'node:async_hooks';
import { systemClock, wallNow, type Clock } from '../time.ts';

/** What holds inside `runInScope`. Read by the middleware for every call. */
export interface Scope {
  /** Aborts when the client has left. */
  readonly signal: AbortSignal | undefined;
  /** No answer is of use after this. Milliseconds since the Unix epoch. */
  readonly deadlineAt: number | undefined;
  /** The id of the request, for logs and replies. */
  readonly requestId: string | undefined;
  /** Whose request it is: keeps cached answers and faults of one tenant from another. */
  readonly tenant: string | undefined;
}

export interface ScopeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since the Unix epoch. The earlier of both deadlines holds. */
  readonly deadlineAt?: number | undefined;
  /** Milliseconds from now. */
  readonly deadlineMs?: number | undefined;
  readonly requestId?: string | undefined;
  readonly tenant?: string | undefined;
  /**
   * Its calls outlive the client of the surrounding scope, for an answer that somebody else may still read: only `signal` ends
   * them. Everything else is inherited. Default: false.
   */
  readonly outlives?: boolean | undefined;
}

// Two copies of this package in one process (two versions, or a bundle beside a module) must see the same scope.
const storageKey = Symbol.for('holdfast.scope.v1');
const shared = globalThis as { [storageKey]?: AsyncLocalStorage<Scope> };
const storage: AsyncLocalStorage<Scope> = (shared[storageKey] ??= new AsyncLocalStorage<Scope>());

/** The scope of the code that asks, or undefined outside of any. */
export function currentScope(): Scope | undefined {
  return storage.getStore();
}

/**
 * Runs `fn` so that every Claude call inside it, however deep and across awaits, inherits `options`. A nested scope
 * inherits what it does not set; it can bring the deadline forward and never put it off, and both signals end its calls
 * unless it `outlives` the outer one.
 *
 * @returns what `fn` returns
 * @throws {RangeError} when a deadline is not a number
 */
export function runInScope<T>(options: ScopeOptions, fn: () => T, clock: Clock = systemClock): T {
  return storage.run(scopeWithin(currentScope(), options, clock), fn);
}

/** The deadlines of scopes on the machine's clock that only goes forward: the date may be set while a request is answered. */
const deadlines = new WeakMap<Scope, number>();

/** Until when an answer is of use in `scope`, as `clock.now()` counts; Infinity without a deadline. */
export function deadlineOn(clock: Clock, scope: Scope | undefined): number {
  if (scope?.deadlineAt === undefined) return Infinity;
  const known = clock === systemClock ? deadlines.get(scope) : undefined;
  return known ?? scope.deadlineAt - wallNow(clock) + clock.now();
}

function scopeWithin(outer: Scope | undefined, options: ScopeOptions, clock: Clock): Scope {
  const date = wallNow(clock);
  const scope: Scope = {
    signal: joinSignals(options.outlives ? undefined : outer?.signal, options.signal),
    deadlineAt: earliest(outer?.deadlineAt, options.deadlineAt, options.deadlineMs === undefined ? undefined : date + options.deadlineMs),
    requestId: options.requestId ?? outer?.requestId,
    tenant: options.tenant ?? outer?.tenant,
  };
  if (clock !== systemClock || scope.deadlineAt === undefined) return scope;
  const own = earliest(options.deadlineAt, options.deadlineMs === undefined ? undefined : date + options.deadlineMs) ?? Infinity;
  deadlines.set(scope, Math.min(deadlineOn(clock, outer), own - date + clock.now()));
  return scope;
}

function earliest(...deadlines: (number | undefined)[]): number | undefined {
  let first = Infinity;
  for (const deadline of deadlines) {
    if (deadline === undefined) continue;
    if (Number.isNaN(deadline)) throw new RangeError('The deadline of a scope must be a number of milliseconds.');
    first = Math.min(first, deadline);
  }
  return first === Infinity ? undefined : first;
}

/** `AbortSignal.any` holds its sources weakly: an inner scope leaves nothing behind on a signal that lives long. */
function joinSignals(outer: AbortSignal | undefined, inner: AbortSignal | undefined): AbortSignal | undefined {
  if (!outer || !inner || outer === inner) return inner ?? outer;
  if (outer.aborted) return outer;
  return inner.aborted ? inner : AbortSignal.any([outer, inner]);
}
