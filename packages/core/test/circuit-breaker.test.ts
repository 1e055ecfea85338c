// The breaker for any function.

import { VirtualClock } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { CircuitBreaker, CircuitOpenError, type CircuitBreakerOptions } from '../src/policy/index.ts';

const failing = (): Promise<never> => Promise.reject(new Error('down'));
const outcome = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

function circuit(options: CircuitBreakerOptions = {}) {
  const clock = new VirtualClock();
  const changes: string[] = [];
  const onChange = (from: string, to: string): void => void changes.push(`${from}>${to}`);
  return {
    clock,
    changes,
    it: new CircuitBreaker({ clock, consecutiveFailures: 2, openMs: 1_000, jitter: 0, rampMs: 0, successes: 1, onChange, ...options }),
  };
}

describe('a circuit breaker', () => {
  it('hands on what the function returns or throws, refuses while open, and closes after a success', async () => {
    const { it, clock, changes } = circuit();

    expect(await it.execute(() => 'now')).toBe('now');
    expect(await it.execute(async () => 'soon')).toBe('soon');
    for (let call = 0; call < 2; call += 1) expect(await outcome(it.execute(failing))).toMatchObject({ message: 'down' });
    const refused = await outcome(it.execute(() => 'never'));
    expect(refused).toBeInstanceOf(CircuitOpenError);
    expect(refused).toMatchObject({ name: 'CircuitOpenError', code: 'holdfast_circuit_open', retryAfterMs: 1_000 });
    expect(it.state).toBe('open');
    await clock.advanceAsync(1_000);
    expect(it.state).toBe('half-open');
    expect(await it.execute(() => 'again')).toBe('again');
    expect(changes).toEqual(['closed>open', 'open>half-open', 'half-open>closed']);
  });

  it('counts what a function throws that returns no promise', async () => {
    const { it } = circuit();
    const throwing = (): never => {
      throw new Error('down');
    };
    for (let call = 0; call < 2; call += 1) await outcome(it.execute(throwing));

    expect(it.state).toBe('open');
  });

  it('leaves it to classify what an error says about the thing called', async () => {
    const { it } = circuit({ classify: (error) => ((error as Error).message === 'down' ? 'neutral' : 'failure') });
    for (let call = 0; call < 10; call += 1) await outcome(it.execute(failing));

    expect(it.state).toBe('closed');
  });

  it('hands on the error of the function where classify throws one itself, and takes it for a failure', async () => {
    const { it } = circuit({
      classify: () => {
        throw new TypeError('classify');
      },
    });
    for (let call = 0; call < 2; call += 1) expect(await outcome(it.execute(failing))).toMatchObject({ message: 'down' });

    expect(it.state).toBe('open');
  });

  it('leaves it to callers with a life of their own when to settle', () => {
    const { it } = circuit();
    for (let call = 0; call < 2; call += 1) {
      const permit = it.admit();
      if (permit.admitted) it.settle(permit, 'failure');
    }

    expect(it.admit()).toMatchObject({ admitted: false, retryAfterMs: 1_000 });
  });
});
