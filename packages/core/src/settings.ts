// The options with every default filled in, once, when an instance is made.

import { AnswerCache } from './engine/cache.ts';
import type { HoldfastOptions, StreamOptions } from './options.ts';
import { backoff, type Backoff } from './policy/backoff.ts';
import { breakerPresets, type BreakerSettings } from './policy/breaker-options.ts';
import { withDefaults } from './policy/defaults.ts';
import type { JourneyRules } from './policy/journey.ts';
import { Budgets } from './engine/budgets.ts';
import { createEmitter, type Emitter } from './telemetry/emitter.ts';
import { createLedgerBook, type LedgerBook } from './telemetry/ledger.ts';
import { createPartialBook, type PartialBook } from './partials.ts';
import type { StoryBook } from './stories.ts';
import { forwardOnly, systemClock, systemRandom, type Clock, type Random } from './time.ts';

export type StreamSettings = Required<Omit<StreamOptions, 'checkpoints'>> & Pick<StreamOptions, 'checkpoints'>;

export interface Settings {
  readonly options: HoldfastOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly emitter: Emitter;
  readonly book: LedgerBook;
  readonly backoff: Backoff;
  readonly budgets: Budgets;
  readonly breaker: BreakerSettings | null;
  /** A call waits no longer than this for open circuits, milliseconds. */
  readonly circuitWaitMs: number;
  readonly attempts: number;
  readonly maxRetryAfterMs: number;
  readonly journey: JourneyRules;
  readonly streams: StreamSettings;
  /** What readers of broken streams had been given, by call id, for `explain`. */
  readonly partials: PartialBook;
  /** How calls failed, for `explain`. */
  readonly stories: StoryBook;
  readonly cache: AnswerCache | null;
}

export const streamDefaults: StreamSettings = {
  heal: true,
  resumes: 2,
  tools: 'message',
  thinking: 'auto',
  structuredOutput: 'surface',
  seam: 'strict',
  checkpointEveryMs: 2_000,
  checkpointTtlMs: 24 * 3600 * 1000,
};

/** The classic guide fails fast. */
const circuitWaits = { default: 5_000, classic: 0 };

function circuitOf({ breaker = 'default' }: HoldfastOptions): Pick<Settings, 'breaker' | 'circuitWaitMs'> {
  if (breaker === false) return { breaker: null, circuitWaitMs: 0 };
  if (typeof breaker === 'string') return { breaker: breakerPresets[breaker], circuitWaitMs: circuitWaits[breaker] };
  const { waitMs = circuitWaits.default, ...options } = breaker;
  return { breaker: withDefaults(breakerPresets.default, options), circuitWaitMs: waitMs };
}

export function resolveSettings(options: HoldfastOptions): Settings {
  const retry = options.retry === false ? { attempts: 1 } : (options.retry ?? {});
  const streams = options.streams === false ? { heal: false } : (options.streams ?? {});
  const clock = forwardOnly(options.clock ?? systemClock);
  const random = options.random ?? systemRandom;
  const delays = backoff(retry);
  const maxRetryAfterMs = ('maxRetryAfterMs' in retry ? retry.maxRetryAfterMs : undefined) ?? 60_000;
  return {
    options,
    clock,
    random,
    emitter: createEmitter(),
    book: createLedgerBook(),
    backoff: delays,
    journey: { mode: options.route ?? 'ordered', maxRetryAfterMs, backoff: delays, random },
    budgets: new Budgets(options.budget ?? {}),
    ...circuitOf(options),
    attempts: retry.attempts ?? 4,
    maxRetryAfterMs,
    streams: withDefaults(streamDefaults, streams),
    partials: createPartialBook(),
    stories: new WeakMap(),
    cache: options.cache ? new AnswerCache(options.cache, clock) : null,
  };
}
