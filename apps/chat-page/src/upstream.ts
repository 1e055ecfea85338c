// Where the sample apps ask: the real API when a key is set, else a fake Claude with switches to break it while it runs.

import Anthropic from '@anthropic-ai/sdk';
import type { Holdfast, Ledger } from '@holdfast/core';
import { cut, fakeClaude, streamError, type FaultLike } from '@holdfast/testing';

export interface Switch {
  readonly name: string;
  readonly label: string;
}

export interface Upstream {
  client(hold: Holdfast): Anthropic;
  readonly model: string;
  /** Empty when the real API is asked. */
  readonly switches: readonly Switch[];
  /** @returns false for a switch that is not there */
  flip(name: string): boolean;
  close(): Promise<void>;
}

/** A little time between words, so that one can watch. */
const pace: FaultLike = { delayPerEventMs: 12 };

/** What each switch does to the next request; `always` to all of them. */
const breakage: Record<string, { label: string; once?: readonly FaultLike[]; always?: FaultLike }> = {
  well: { label: 'nothing' },
  cut: { label: 'cut the stream', once: [{ ...pace, ...cut({ afterText: 300, how: 'reset' }) }] },
  stall: { label: 'stall', once: [{ ...pace, ...cut({ afterText: 300, how: 'stall' }) }] },
  overload: { label: 'overload once', once: ['overloaded', { ...pace, ...streamError('overloaded_error', { afterText: 300 }) }] },
  slow: { label: 'slow', always: { delayPerEventMs: 60 } },
  outage: { label: 'outage', always: 'server-error' },
};

export async function upstream(): Promise<Upstream> {
  if (process.env['ANTHROPIC_API_KEY']) {
    return {
      client: (hold) => new Anthropic({ middleware: [hold] }),
      model: process.env['ANTHROPIC_MODEL'] ?? 'claude-opus-5-5',
      switches: [],
      flip: () => false,
      close: async () => {},
    };
  }
  const claude = await fakeClaude();
  claude.always(pace);
  return {
    client: (hold) => new Anthropic({ baseURL: claude.url, apiKey: 'fake', middleware: [hold] }),
    model: 'claude-opus-5-5',
    switches: Object.entries(breakage).map(([name, { label }]) => ({ name, label })),
    flip(name) {
      const chosen = Object.hasOwn(breakage, name) ? breakage[name] : undefined;
      if (!chosen) return false;
      claude.always(chosen.always ?? pace);
      claude.script(...(chosen.once ?? []));
      return true;
    },
    close: () => claude.close(),
  };
}

/** What an answer took, in a line for people. */
export function summaryOf(ledger: Ledger): string {
  const last = ledger.attempts.at(-1);
  const requests = `${ledger.attempts.length} ${ledger.attempts.length === 1 ? 'request' : 'requests'}`;
  const resumed = ledger.resumes === 0 ? '' : `, resumed ${ledger.resumes === 1 ? 'once' : `${ledger.resumes} times`}`;
  const degraded = ledger.degraded ? `, degraded to ${ledger.degraded}` : '';
  return `${last?.target ?? 'nobody'} · ${requests}${resumed}${degraded} · ${((ledger.durationMs ?? 0) / 1000).toFixed(1)} s`;
}

/** Options every sample app gives Holdfast. */
export const appOptions = { limits: { idleMs: 2_000 } } as const;
