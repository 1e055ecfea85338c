// OpenTelemetry metrics from events. Free when no meter provider is registered: nothing listens then.

import { metrics, type Attributes, type Meter, type MeterProvider } from '@opentelemetry/api';
import type { Emitter, HoldfastEvent, Listener } from './events.ts';
import type { Ledger, LedgerAttempt } from './ledger.ts';

/** Names and meanings of every instrument, for documentation and dashboards. */
export const instruments = {
  duration: { name: 'gen_ai.client.operation.duration', unit: 's', description: 'Duration of a logical call, over all its attempts.' },
  tokens: { name: 'gen_ai.client.token.usage', unit: '{token}', description: 'Tokens of a logical call, by type.' },
  firstContent: {
    name: 'gen_ai.client.operation.time_to_first_chunk',
    unit: 's',
    description: 'Time from the start of the call to its first content.',
  },
  attempts: { name: 'holdfast.attempts', unit: '{attempt}', description: 'Requests sent, by target, purpose and result.' },
  retries: { name: 'holdfast.retries', unit: '{retry}', description: 'Repetitions decided on, by kind of failure and direction.' },
  refusals: { name: 'holdfast.refusals', unit: '{attempt}', description: 'Attempts not made, by reason.' },
  failovers: { name: 'holdfast.failovers', unit: '{switch}', description: 'Changes of target within a call.' },
  breaks: { name: 'holdfast.stream.breaks', unit: '{break}', description: 'Streams that broke, by kind and what was done.' },
  resumes: { name: 'holdfast.stream.resumes', unit: '{resume}', description: 'Continuations joined to a broken stream, by form and seam.' },
  degraded: { name: 'holdfast.degraded', unit: '{call}', description: 'Answers from below the first rung, by rung.' },
  discarded: { name: 'holdfast.tokens.discarded', unit: '{token}', description: 'Output tokens paid for that no reader got.' },
  deadlines: { name: 'holdfast.deadline.misses', unit: '{call}', description: 'Calls ended by their deadline.' },
  breaker: { name: 'holdfast.breaker.state', unit: '1', description: 'State of each circuit: 0 closed, 1 half-open, 2 open.' },
  budget: { name: 'holdfast.budget.level', unit: '1', description: 'What is left of the retry budget.' },
} as const;

/** Distinct model names kept apart; the rest count as `other`, so that a caller's typo cannot grow a time series each. */
const maxModels = 64;

export interface Gauges {
  /** Circuits by key with their state. */
  breakers(): Iterable<readonly [key: string, state: 'closed' | 'half-open' | 'open']>;
  budgetLevel(): number | null;
}

/** Follows the globally registered meter provider, also when it is registered after Holdfast was created. */
export function createMetrics(emitter: Emitter, gauges: Gauges, version: string): { refresh(): void } {
  const none = metrics.getMeterProvider();
  let current: MeterProvider | null = isNoop(none) ? none : null;
  let stop = (): void => {};
  return {
    refresh() {
      const provider = metrics.getMeterProvider();
      if (provider === current) return;
      current = provider;
      stop();
      stop = isNoop(provider) ? () => {} : emitter.on(metricsListener(provider.getMeter('@holdfast/core', version), gauges));
    },
  };
}

/** The no-op provider of the API package is the only one that makes the same meter for every name. */
const isNoop = (provider: MeterProvider): boolean => provider.getMeter('a') === provider.getMeter('b');

/** Records events on `meter`. */
export function metricsListener(meter: Meter, gauges: Gauges): Listener {
  const counter = ({ name, unit, description }: (typeof instruments)[keyof typeof instruments]) =>
    meter.createCounter(name, { unit, description });
  const histogram = ({ name, unit, description }: (typeof instruments)[keyof typeof instruments]) =>
    meter.createHistogram(name, { unit, description });
  const duration = histogram(instruments.duration);
  const tokens = histogram(instruments.tokens);
  const firstContent = histogram(instruments.firstContent);
  const attempts = counter(instruments.attempts);
  const retries = counter(instruments.retries);
  const refusals = counter(instruments.refusals);
  const failovers = counter(instruments.failovers);
  const breaks = counter(instruments.breaks);
  const resumes = counter(instruments.resumes);
  const degraded = counter(instruments.degraded);
  const discarded = counter(instruments.discarded);
  const deadlines = counter(instruments.deadlines);
  const modelOf = boundedNames();

  meter.createObservableGauge(instruments.breaker.name, instruments.breaker).addCallback((result) => {
    for (const [key, state] of gauges.breakers())
      result.observe(state === 'open' ? 2 : state === 'half-open' ? 1 : 0, { 'holdfast.circuit': key });
  });
  meter.createObservableGauge(instruments.budget.name, instruments.budget).addCallback((result) => {
    const level = gauges.budgetLevel();
    if (level !== null) result.observe(level);
  });

  const onCall = (ledger: Ledger): void => {
    const attributes = callAttributes(ledger, modelOf);
    if (ledger.durationMs !== null) duration.record(ledger.durationMs / 1000, attributes);
    const first = firstContentSeconds(ledger);
    if (first !== null) firstContent.record(first, attributes);
    if (ledger.failure === 'deadline') deadlines.add(1, attributes);
  };
  const onAttempt = (attempt: LedgerAttempt): void => {
    const attributes: Attributes = { 'holdfast.target': attempt.target, 'gen_ai.request.model': modelOf(attempt.model) };
    attempts.add(1, { ...attributes, 'holdfast.purpose': attempt.purpose, 'holdfast.result': attempt.result ?? 'unknown' });
    const { usage } = attempt;
    if (!usage) return;
    tokens.record(usage.input + usage.cacheRead + usage.cacheCreation, { ...attributes, 'gen_ai.token.type': 'input' });
    tokens.record(usage.output, { ...attributes, 'gen_ai.token.type': 'output' });
    if (attempt.discarded) discarded.add(usage.output, attributes);
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
      case 'target-switched':
        return failovers.add(1, { 'holdfast.from': event.from, 'holdfast.to': event.to });
      case 'stream-broke':
        return breaks.add(1, { 'holdfast.kind': event.kind, 'holdfast.plan': event.plan });
      case 'stream-resumed':
        return resumes.add(1, { 'holdfast.form': event.form, 'holdfast.seam': event.seam });
      case 'answer-degraded':
        return degraded.add(1, { 'holdfast.rung': event.rung });
      case 'call-started':
      case 'attempt-started':
      case 'fence-denied':
      case 'target-ineligible':
      case 'target-misconfigured':
      case 'checkpoint-failed':
      case 'breaker-changed':
      case 'target-pace-changed':
      case 'target-disabled':
        return;
    }
  };
}

function callAttributes(ledger: Ledger, modelOf: (model: string | null) => string): Attributes {
  const attributes: Attributes = {
    'gen_ai.operation.name': ledger.route === 'messages' ? 'chat' : ledger.route,
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': modelOf(ledger.model),
    'holdfast.target': ledger.attempts.at(-1)?.target ?? 'none',
  };
  if (ledger.failure !== null) attributes['error.type'] = ledger.failure;
  return attributes;
}

function firstContentSeconds(ledger: Ledger): number | null {
  const first = ledger.attempts.find((attempt) => attempt.firstContentMs !== null);
  return first ? (first.startedAt + (first.firstContentMs as number) - ledger.startedAt) / 1000 : null;
}

function boundedNames(): (model: string | null) => string {
  const known = new Set<string>();
  return (model) => {
    if (model === null) return 'none';
    if (known.has(model)) return model;
    if (known.size >= maxModels) return 'other';
    known.add(model);
    return model;
  };
}
