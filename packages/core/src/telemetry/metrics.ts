// OpenTelemetry metrics from events. Free when no meter provider is registered: nothing listens then.

import { metrics, type Attributes, type Meter, type MeterProvider, type ObservableResult } from '@opentelemetry/api';
import type { Emitter } from './emitter.ts';
import type { HoldfastEvent, Listener } from './events.ts';
import type { Ledger, LedgerAttempt } from './ledger.ts';
import { ModelNames } from './model-names.ts';
import { quietly } from './quietly.ts';

/** What a meter is asked for. */
export interface Instrument {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly advice?: { readonly explicitBucketBoundaries: number[] };
}

// The buckets that the conventions for generative AI advise: seconds and tokens grow by factors of two and four.
// https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
const durations: Instrument['advice'] = { explicitBucketBoundaries: Array.from({ length: 14 }, (_, power) => 2 ** power / 100) };
const counts: Instrument['advice'] = { explicitBucketBoundaries: Array.from({ length: 14 }, (_, power) => 4 ** power) };

type InstrumentKey =
  | 'duration'
  | 'firstContent'
  | 'usage'
  | 'tokens'
  | 'attempts'
  | 'retries'
  | 'refusals'
  | 'waits'
  | 'failovers'
  | 'breaks'
  | 'resumes'
  | 'degraded'
  | 'deadlines'
  | 'changes'
  | 'disabled'
  | 'breaker'
  | 'budget';

/** Names and meanings of every instrument, for documentation and dashboards. */
export const instruments: Readonly<Record<InstrumentKey, Instrument>> = {
  duration: {
    name: 'gen_ai.client.operation.duration',
    unit: 's',
    description: 'Duration of a call, over all its attempts and waits.',
    advice: durations,
  },
  firstContent: {
    name: 'gen_ai.client.operation.time_to_first_chunk',
    unit: 's',
    description: 'Time from the start of a streamed call to its first content, over all attempts that it took.',
    advice: durations,
  },
  usage: {
    name: 'gen_ai.client.token.usage',
    unit: '{token}',
    description: 'Tokens of one attempt as the upstream told them, by type: what is billed.',
    advice: counts,
  },
  tokens: { name: 'holdfast.tokens', unit: '{token}', description: 'Tokens billed, by type and by whether a reader got them.' },
  attempts: { name: 'holdfast.attempts', unit: '{attempt}', description: 'Requests sent, by purpose and result.' },
  retries: {
    name: 'holdfast.retries',
    unit: '{retry}',
    description: 'Repetitions decided on, by the failure behind them and where they go.',
  },
  refusals: { name: 'holdfast.refusals', unit: '{attempt}', description: 'Attempts not made, by reason.' },
  waits: { name: 'holdfast.waits', unit: '{call}', description: 'Calls that waited for an open circuit, by target.' },
  failovers: { name: 'holdfast.failovers', unit: '{switch}', description: 'Changes of target within a call.' },
  breaks: { name: 'holdfast.stream.breaks', unit: '{break}', description: 'Streams that broke, by kind and by what was done.' },
  resumes: {
    name: 'holdfast.stream.resumes',
    unit: '{resume}',
    description: 'Continuations that joined a broken stream, by form and seam.',
  },
  degraded: { name: 'holdfast.degraded', unit: '{call}', description: 'Answers from below the first rung, by rung.' },
  deadlines: { name: 'holdfast.deadline.misses', unit: '{call}', description: 'Calls ended by their deadline.' },
  changes: { name: 'holdfast.breaker.changes', unit: '{change}', description: 'Changes of a circuit, by the state it went to.' },
  disabled: {
    name: 'holdfast.target.disabled',
    unit: '{event}',
    description: 'Times a target was put aside until somebody acts, by kind.',
  },
  breaker: { name: 'holdfast.breaker.state', unit: '{state}', description: 'State of each circuit: 0 closed, 1 half-open, 2 open.' },
  budget: { name: 'holdfast.budget.level', unit: '1', description: 'What is left of the retry budget, 0 to 1.' },
};

const stateValues = { closed: 0, 'half-open': 1, open: 2 } as const;

/** What is asked for at every collection instead of being told. */
export interface Gauges {
  /** Tells several instances in one process apart: the name of the first target. */
  readonly instance: string;
  /** The names of its targets. */
  readonly targets: readonly string[];
  /** Circuits by target and model, `+fast` behind the model for fast mode. */
  circuits(): Iterable<{ readonly target: string; readonly circuit: string; readonly state: keyof typeof stateValues }>;
  /** 0 to 1; null without a budget. */
  budget(): number | null;
}

/** What somebody has to act on: an alert on the first of them needs a series that was there before it. */
const kindsToActOn = ['auth', 'billing', 'permission', 'account-state'];

/**
 * Follows the globally registered meter provider, also when it is registered after Holdfast was created. `close`: the state of
 * the instance is told no more; what its last calls do still counts.
 */
export function createMetrics(emitter: Emitter, gauges: Gauges, version: string): { refresh(): void; close(): void } {
  const none = metrics.getMeterProvider();
  let current: MeterProvider | null = isNoop(none) ? none : null;
  let stop = (): void => {};
  let forget = (): void => {};
  let closed = false;
  const follow = (): void => {
    const provider = metrics.getMeterProvider();
    if (provider === current) return;
    current = provider;
    stop();
    forget();
    [stop, forget] = [() => {}, () => {}];
    if (isNoop(provider)) return;
    const models = new ModelNames();
    const meter = provider.getMeter('@holdfast/core', version);
    stop = emitter.onLive(metricsListener(meter, gauges.targets, models));
    if (!closed) forget = observe(meter, gauges, models);
  };
  return {
    // A provider is the application's: its trouble is not the call's.
    refresh: () => quietly(follow),
    close() {
      closed = true;
      quietly(forget);
    },
  };
}

/** Answers for the gauges at every collection. Returns the function that ends it. */
function observe(meter: Meter, gauges: Gauges, models: ModelNames): () => void {
  const gauge = ({ name, ...options }: Instrument) => meter.createObservableGauge(name, options);
  const breaker = gauge(instruments.breaker);
  const budget = gauge(instruments.budget);
  const onBreaker = (result: ObservableResult): void => {
    for (const { attributes, value } of circuitStates(gauges, models)) result.observe(value, attributes);
  };
  const onBudget = (result: ObservableResult): void => {
    const level = gauges.budget();
    if (level !== null) result.observe(level, { 'holdfast.instance': gauges.instance });
  };
  breaker.addCallback(onBreaker);
  budget.addCallback(onBudget);
  return () => {
    breaker.removeCallback(onBreaker);
    budget.removeCallback(onBudget);
  };
}

/** The no-op provider of the API package is the only one that makes the same meter for every name. */
const isNoop = (provider: MeterProvider): boolean => provider.getMeter('a') === provider.getMeter('b');

/** Records events on `meter`. */
function metricsListener(meter: Meter, targets: readonly string[], models: ModelNames): Listener {
  const counter = ({ name, ...options }: Instrument) => meter.createCounter(name, options);
  const histogram = ({ name, ...options }: Instrument) => meter.createHistogram(name, options);
  const duration = histogram(instruments.duration);
  const firstContent = histogram(instruments.firstContent);
  const usages = histogram(instruments.usage);
  const tokens = counter(instruments.tokens);
  const attempts = counter(instruments.attempts);
  const retries = counter(instruments.retries);
  const refusals = counter(instruments.refusals);
  const waits = counter(instruments.waits);
  const failovers = counter(instruments.failovers);
  const breaks = counter(instruments.breaks);
  const resumes = counter(instruments.resumes);
  const degraded = counter(instruments.degraded);
  const deadlines = counter(instruments.deadlines);
  const changes = counter(instruments.changes);
  const disabled = counter(instruments.disabled);
  for (const target of targets) for (const kind of kindsToActOn) disabled.add(0, { 'holdfast.target': target, 'holdfast.kind': kind });

  const onAttempt = (attempt: LedgerAttempt): void => {
    if (attempt.result === 'success') models.answered(attempt.model);
    attempts.add(1, { ...placeOf(attempt, models), 'holdfast.purpose': attempt.purpose, 'holdfast.result': attempt.result ?? 'unknown' });
  };
  const onCall = (ledger: Ledger): void => {
    const attributes = callAttributes(ledger, models);
    const ended = ledger.failure === null ? attributes : { ...attributes, 'error.type': ledger.failure };
    if (ledger.durationMs !== null) duration.record(ledger.durationMs / 1000, ended);
    const first = firstContentSeconds(ledger);
    if (first !== null) firstContent.record(first, attributes);
    if (ledger.failure === 'deadline') deadlines.add(1, attributes);
    // Only now is it known of every attempt whether its answer was used.
    for (const attempt of ledger.attempts) onUsage(attempt, operationOf(ledger));
  };
  const onUsage = (attempt: LedgerAttempt, operation: Attributes): void => {
    const { usage } = attempt;
    if (!usage) return;
    const place = placeOf(attempt, models);
    const fate = { 'holdfast.fate': attempt.discarded ? 'discarded' : 'delivered', 'holdfast.estimated': usage.estimated };
    const input = usage.input + usage.cacheRead + usage.cacheCreation;
    for (const [type, count] of Object.entries({ input, output: usage.output })) {
      const typed = { ...place, 'gen_ai.token.type': type };
      usages.record(count, { ...operation, ...typed });
      tokens.add(count, { ...typed, ...fate });
    }
  };

  return (event: HoldfastEvent): void => {
    switch (event.type) {
      case 'call-ended':
        return onCall(event.ledger);
      case 'attempt-ended':
        return onAttempt(event.attempt);
      case 'retry-scheduled':
        return retries.add(1, { 'holdfast.kind': event.kind, 'holdfast.where': event.where });
      case 'attempt-refused':
        return refusals.add(1, { 'holdfast.reason': event.reason, 'holdfast.target': event.target ?? 'none' });
      case 'turn-awaited':
        return waits.add(1, { 'holdfast.target': event.target, 'holdfast.why': event.why });
      case 'target-switched':
        return failovers.add(1, { 'holdfast.from': event.from, 'holdfast.to': event.to });
      case 'stream-broke':
        return breaks.add(1, { 'holdfast.kind': event.kind, 'holdfast.plan': event.plan });
      case 'stream-resumed':
        return resumes.add(1, { 'holdfast.form': event.form, 'holdfast.seam': event.seam });
      case 'answer-degraded':
        return degraded.add(1, { 'holdfast.rung': event.rung });
      case 'breaker-changed':
        return changes.add(1, { ...circuitOf(event, models), 'holdfast.to': event.to });
      case 'call-started':
      case 'attempt-started':
      case 'fence-denied':
      case 'target-ineligible':
      case 'target-misconfigured':
      case 'checkpoint-failed':
      case 'target-pace-changed':
        return;
      case 'target-disabled':
        return disabled.add(1, { 'holdfast.target': event.target, 'holdfast.kind': event.kind });
    }
  };
}

const operationOf = ({ route }: Ledger): Attributes => ({
  'gen_ai.operation.name': route === 'messages' ? 'chat' : route,
  'gen_ai.provider.name': 'anthropic',
});

const placeOf = ({ target, model }: { target: string; model: string | null }, models: ModelNames): Attributes => ({
  'holdfast.target': target,
  'gen_ai.request.model': models.label(model),
});

/** By the target that had the last word. */
const callAttributes = (ledger: Ledger, models: ModelNames): Attributes => ({
  ...operationOf(ledger),
  ...placeOf({ target: ledger.attempts.at(-1)?.target ?? 'none', model: ledger.model }, models),
});

function circuitOf({ target, circuit }: { target: string; circuit: string }, models: ModelNames): Attributes {
  const [, model = '', fast = ''] = /^(.*?)(\+fast)?$/s.exec(circuit) ?? [];
  return { 'holdfast.target': target, 'holdfast.circuit': models.label(model) + fast };
}

/** The worst state of those that share a name. */
function circuitStates(gauges: Gauges, models: ModelNames): Iterable<{ attributes: Attributes; value: number }> {
  const worst = new Map<string, { attributes: Attributes; value: number }>();
  for (const circuit of gauges.circuits()) {
    const attributes = circuitOf(circuit, models);
    const key = JSON.stringify(attributes);
    const value = Math.max(stateValues[circuit.state], worst.get(key)?.value ?? 0);
    worst.set(key, { attributes, value });
  }
  return worst.values();
}

function firstContentSeconds(ledger: Ledger): number | null {
  const first = ledger.attempts.find((attempt) => attempt.firstContentMs !== null);
  return first ? (first.startedAt + (first.firstContentMs as number) - ledger.startedAt) / 1000 : null;
}
