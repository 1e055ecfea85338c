// The settings in force as plain data, for logs and support: no clients, stores, keys or functions.

import { cacheDefaults, type AnswerCacheOptions } from './engine/cache.ts';
import { factsOf } from './engine/target-facts.ts';
import type { CircuitOptions, HoldfastOptions, LimitOptions, RetryOptions, TargetClient, TargetOptions } from './options.ts';
import { backoffDefaults } from './policy/backoff.ts';
import { withDefaults } from './policy/defaults.ts';
import type { Rung } from './policy/endings.ts';
import type { Fence } from './policy/fence.ts';
import { silenceMs } from './policy/limits.ts';
import { slowDefaults, type SlowOptions } from './policy/pace.ts';
import { retryBudgetDefaults, type RetryBudgetOptions } from './policy/retry-budget.ts';
import { isCloud, type TargetCapabilities, type TargetKind } from './policy/target.ts';
import type { Settings, StreamSettings } from './settings.ts';

/** Options with nothing left open. */
type Filled<Options> = { readonly [Name in keyof Options]-?: NonNullable<Options[Name]> };

/** One target as it is used. */
export interface TargetDescription {
  readonly name: string;
  /** Of the client that carries the middleware it is taken to be `anthropic`. */
  readonly kind: TargetKind;
  readonly geo: string | null;
  readonly processor: string | null;
  readonly weight: number;
  /** Ids by the id used in requests; `function`: one of yours tells them. */
  readonly models: Readonly<Record<string, string | null>> | 'function';
  readonly capabilities: TargetCapabilities;
  /** Time without a byte after which a stream from there is stalled, milliseconds. 0: never. */
  readonly idleMs: number;
}

/** The settings in force, every option by its name. Of stores and functions it says whether they are set. Times in milliseconds. */
export interface SettingsDescription {
  /** The client that carries the middleware comes first. */
  readonly targets: readonly TargetDescription[];
  readonly route: 'ordered' | 'weighted';
  readonly slow: Filled<SlowOptions> | false;
  /** Null: anywhere configured. */
  readonly fence: Fence | null;
  /** `retry: false` is one attempt. */
  readonly retry: Filled<RetryOptions>;
  readonly budget: Filled<RetryBudgetOptions> | false;
  /** Infinity: never for this reason. */
  readonly breaker: Filled<CircuitOptions> | false;
  /** Null: no deadline; the first byte is waited for as `max_tokens`, observed latency and the SDK's `timeout` have it. */
  readonly limits: Filled<Omit<LimitOptions, 'deadlineMs' | 'firstByteMs'>> & {
    readonly deadlineMs: number | null;
    readonly firstByteMs: number | null;
  };
  /** `streams: false` is `heal: false`. */
  readonly streams: Filled<Omit<StreamSettings, 'checkpoints'>> & { readonly checkpoints: boolean };
  readonly fallbacks: readonly { readonly model: string; readonly accept: boolean }[];
  readonly cache: Filled<Omit<AnswerCacheOptions, 'store'>> | false;
  readonly answer: boolean;
  readonly degrade: Rung | 'never';
  /** 0: never. */
  readonly probeEveryMs: number;
  readonly logger: boolean;
  readonly on: boolean;
  /** False: the machine's. */
  readonly clock: boolean;
  /** False: the machine's. */
  readonly random: boolean;
}

/** Describes what `resolveSettings` has made of the options. */
export function describeSettings(settings: Settings): SettingsDescription {
  const { options, attempts, maxRetryAfterMs, breaker, circuitWaitMs } = settings;
  const { checkpoints, ...streams } = settings.streams;
  const { deadlineMs = null, firstByteMs = null, idleMs, adaptive = true, streamLongCalls = false } = options.limits ?? {};
  return {
    targets: targetsOf(options),
    route: options.route ?? 'ordered',
    slow: options.slow === false ? false : withDefaults<Filled<SlowOptions>>(slowDefaults, options.slow),
    fence: structuredClone(options.fence) ?? null,
    retry: { ...withDefaults(backoffDefaults, options.retry || {}), attempts, maxRetryAfterMs },
    budget: options.budget === false ? false : withDefaults(retryBudgetDefaults, options.budget),
    breaker: breaker === null ? false : { ...breaker, waitMs: circuitWaitMs },
    limits: { deadlineMs, firstByteMs, idleMs: idleMs ?? silenceMs({ cloud: false }), adaptive, streamLongCalls },
    streams: { ...streams, checkpoints: checkpoints !== undefined },
    fallbacks: (options.fallbacks ?? []).map((fallback) =>
      typeof fallback === 'string' ? { model: fallback, accept: false } : { model: fallback.model, accept: fallback.accept !== undefined },
    ),
    cache: options.cache === undefined ? false : cacheOf(options.cache),
    answer: options.answer !== undefined,
    degrade: options.degrade ?? 'answer',
    probeEveryMs: options.probeEveryMs ?? 0,
    logger: options.logger !== undefined,
    on: options.on !== undefined,
    clock: options.clock !== undefined,
    random: options.random !== undefined,
  };
}

function cacheOf({ maxAgeMs, maxEntryBytes, patienceMs }: AnswerCacheOptions): Filled<Omit<AnswerCacheOptions, 'store'>> {
  return withDefaults(cacheDefaults, { maxAgeMs, maxEntryBytes, patienceMs });
}

function targetsOf({ primary = {}, targets = [], limits }: HoldfastOptions): TargetDescription[] {
  const described = (name: string, options: TargetOptions, client: TargetClient | null): TargetDescription => {
    const { models, ...facts } = factsOf(name, options, client);
    return {
      ...facts,
      models: typeof models === 'function' ? 'function' : { ...models },
      idleMs: limits?.idleMs ?? silenceMs({ cloud: isCloud(facts.kind) }),
    };
  };
  return [described(primary.name ?? 'primary', primary, null), ...targets.map((target) => described(target.name, target, target.client))];
}
