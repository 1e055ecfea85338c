import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { currentScope, runInScope } from './scope.ts';

const clock = { now: () => 1_000, after: () => () => {} };

describe('a scope', () => {
  it('is there across awaits and gone outside', async () => {
    const seen = await runInScope({ requestId: 'r-1', tenant: 't' }, async () => {
      await setImmediate();
      return currentScope();
    });

    expect(seen).toMatchObject({ requestId: 'r-1', tenant: 't' });
    expect(currentScope()).toBeUndefined();
  });

  it('inside another inherits what it does not set', () => {
    const controller = new AbortController();

    const seen = runInScope({ requestId: 'r-1', tenant: 't', signal: controller.signal }, () =>
      runInScope({ requestId: 'r-2' }, currentScope),
    );

    expect(seen).toEqual({ requestId: 'r-2', tenant: 't', signal: controller.signal, deadlineAt: undefined });
  });

  it.each([
    [{ deadlineMs: 500 }, { deadlineMs: 900 }, 1_500],
    [{ deadlineMs: 500 }, { deadlineMs: 100 }, 1_100],
    [{ deadlineAt: 1_200 }, {}, 1_200],
    [{}, { deadlineAt: 1_300, deadlineMs: 100 }, 1_100],
    [{ deadlineMs: Infinity }, {}, undefined],
  ])('can only bring the deadline forward (%o, then %o)', (outer, inner, expected) => {
    const seen = runInScope(outer, () => runInScope(inner, currentScope, clock), clock);

    expect(seen?.deadlineAt).toBe(expected);
  });

  it.each(['outer', 'inner'])('ends its calls when the %s signal aborts', (which) => {
    const outer = new AbortController();
    const inner = new AbortController();

    const seen = runInScope({ signal: outer.signal }, () => runInScope({ signal: inner.signal }, currentScope));
    (which === 'outer' ? outer : inner).abort();

    expect(seen?.signal?.aborted).toBe(true);
  });

  it('that outlives the one around it ends by its own signal only, and inherits the rest', () => {
    const outer = new AbortController();
    const inner = new AbortController();

    const seen = runInScope({ signal: outer.signal, requestId: 'r', tenant: 't', deadlineAt: 2_000 }, () =>
      runInScope({ signal: inner.signal, outlives: true }, currentScope),
    );

    expect(seen).toEqual({ signal: inner.signal, requestId: 'r', tenant: 't', deadlineAt: 2_000 });
  });

  it('is aborted at once when a signal already was', () => {
    const seen = runInScope({ signal: AbortSignal.abort() }, () => runInScope({ signal: new AbortController().signal }, currentScope));

    expect(seen?.signal?.aborted).toBe(true);
  });

  it('refuses a deadline that is not a number', () => {
    expect(() => runInScope({ deadlineMs: Number.NaN }, () => 0)).toThrow(RangeError);
  });

  it('is the same for a second copy of this package', async () => {
    vi.resetModules();
    const second = await import('./scope.ts');

    expect(second.runInScope).not.toBe(runInScope);
    expect(runInScope({ requestId: 'r-1' }, second.currentScope)?.requestId).toBe('r-1');
  });
});
