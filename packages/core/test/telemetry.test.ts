// The real OpenTelemetry SDK on a bad day: what docs/observability.md promises is exported, and nothing else.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metrics } from '@opentelemetry/api';
import { DataPointType, type DataPoint, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics';
import { beforeAll, describe, expect, it } from 'vitest';
import { instruments } from '../src/index.ts';
import { incident } from './incident.ts';
import { registerTelemetry, type Telemetry } from './telemetry.ts';
import { tableUnder } from './tables.ts';
import { request, world } from './world.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/observability.md'), 'utf8');
const telemetry: Telemetry = registerTelemetry();
let exported: readonly MetricData[];
beforeAll(async () => {
  await incident();
  exported = await telemetry.metrics();
});

const named = (name: string): MetricData => exported.find(({ descriptor }) => descriptor.name === name) as MetricData;
const points = (name: string): readonly DataPoint<unknown>[] => named(name).dataPoints;
const sum = (name: string, attributes: Record<string, unknown>): number =>
  points(name)
    .filter((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value))
    .reduce((total, { value }) => total + (typeof value === 'number' ? value : (value as Histogram).count), 0);
const attributesOf = (all: readonly { readonly attributes: object }[]): string[] => [
  ...new Set(all.flatMap(({ attributes }) => Object.keys(attributes))),
];

describe('the documented metrics', () => {
  const documented = tableUnder(page, '## Metrics', 0).map(([name, kind, unit, attributes]) => ({
    name: name?.words[0] ?? '',
    kind: kind?.text ?? '',
    unit: unit?.words[0] ?? '',
    attributes: attributes?.words ?? [],
  }));

  it('are those exported', () => {
    expect(exported.map(({ descriptor }) => descriptor.name).toSorted()).toEqual(documented.map(({ name }) => name).toSorted());
    expect(
      Object.values(instruments)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(documented.map(({ name }) => name).toSorted());
  });

  it.each(documented)('$name has its kind, its unit and its attributes', ({ name, kind, unit, attributes }) => {
    const { descriptor, dataPoints, dataPointType } = named(name);

    expect({ [DataPointType.SUM]: 'counter', [DataPointType.GAUGE]: 'gauge' }[dataPointType as number] ?? 'histogram').toBe(kind);
    expect(descriptor.unit).toBe(unit);
    expect(attributesOf(dataPoints as readonly DataPoint<unknown>[]).toSorted()).toEqual(attributes.toSorted());
  });
});

describe('the documented attributes', () => {
  const documented = new Map(tableUnder(page, '## Metrics', 1).map(([name, values]) => [name?.words[0] ?? '', values?.words ?? []]));
  const seen = new Map<string, Set<string>>();
  beforeAll(() => {
    for (const { dataPoints } of exported)
      for (const { attributes } of dataPoints)
        for (const [name, value] of Object.entries(attributes)) seen.set(name, (seen.get(name) ?? new Set()).add(String(value)));
  });

  it('are those exported', () => {
    expect([...seen.keys()].toSorted()).toEqual([...documented.keys()].toSorted());
  });

  it.each([
    'gen_ai.operation.name',
    'gen_ai.provider.name',
    'gen_ai.token.type',
    'holdfast.purpose',
    'holdfast.where',
    'holdfast.reason',
    'holdfast.plan',
    'holdfast.form',
    'holdfast.seam',
    'holdfast.fate',
    'holdfast.estimated',
  ])('%s has no other values than the page says', (name) => {
    expect(documented.get(name)).toEqual(expect.arrayContaining([...(seen.get(name) ?? [])]));
  });
});

describe('the numbers', () => {
  it('tell the day as it was', () => {
    expect(sum('holdfast.retries', { 'holdfast.kind': 'overloaded' })).toBeGreaterThan(1);
    expect(sum('holdfast.refusals', { 'holdfast.reason': 'circuit-open' })).toBeGreaterThan(5);
    expect(sum('holdfast.refusals', { 'holdfast.reason': 'budget-empty' })).toBeGreaterThan(1);
    expect(sum('holdfast.failovers', { 'holdfast.from': 'primary', 'holdfast.to': 'second' })).toBeGreaterThan(1);
    expect(sum('holdfast.stream.resumes', { 'holdfast.form': 'user-turn', 'holdfast.seam': 'exact' })).toBeGreaterThan(1);
    expect(sum('holdfast.degraded', { 'holdfast.rung': 'model:claude-sonnet-5-5' })).toBe(1);
    expect(sum('holdfast.degraded', { 'holdfast.rung': 'cache' })).toBe(1);
    expect(sum('holdfast.deadline.misses', {})).toBe(1);
    expect(sum('holdfast.breaker.changes', { 'holdfast.to': 'open' })).toBeGreaterThan(1);
    expect(points('holdfast.breaker.state').map(({ value }) => value)).toContain(2);
    expect(sum('gen_ai.client.operation.time_to_first_chunk', {})).toBeGreaterThan(30);
    expect(sum('gen_ai.client.operation.duration', { 'error.type': 'deadline' })).toBe(1);
  });

  it('count tokens once, as billed, delivered and discarded', () => {
    for (const type of ['input', 'output']) {
      const billed = points('gen_ai.client.token.usage')
        .filter(({ attributes }) => attributes['gen_ai.token.type'] === type)
        .reduce((total, { value }) => total + ((value as Histogram).sum ?? 0), 0);

      expect(sum('holdfast.tokens', { 'gen_ai.token.type': type })).toBe(billed);
      expect(sum('holdfast.tokens', { 'gen_ai.token.type': type, 'holdfast.fate': 'discarded' })).toBeGreaterThan(0);
      expect(sum('holdfast.tokens', { 'gen_ai.token.type': type, 'holdfast.fate': 'delivered' })).toBeGreaterThan(0);
    }
  });

  it('have buckets in which seconds and tokens can be told apart', () => {
    const [point] = points('gen_ai.client.operation.duration') as [DataPoint<Histogram>];
    const { boundaries } = point.value.buckets;

    expect(boundaries[0]).toBe(0.01);
    expect(boundaries.at(-1)).toBeCloseTo(81.92);
  });
});

describe('the SDK’s span', () => {
  const documented = new Map(tableUnder(page, '## Traces', 0).map(([mark, attributes]) => [mark?.words[0] ?? '', attributes?.words ?? []]));

  it('carries the documented events with the documented attributes, and no other of ours', () => {
    const events = telemetry.spans().flatMap((span) => span.events);
    const names = [...new Set(events.map(({ name }) => name))];

    expect(names.toSorted()).toEqual([...documented.keys()].filter((name) => name !== '').toSorted());
    for (const name of names) {
      const all = events.filter((event) => event.name === name).map(({ attributes = {} }) => ({ attributes }));
      expect(attributesOf(all).toSorted(), name).toEqual(documented.get(name)?.toSorted());
    }
  });

  it('carries what became of the call', () => {
    const ours = attributesOf(telemetry.spans()).filter((name) => name.startsWith('holdfast.'));

    expect(ours.toSorted()).toEqual(documented.get('')?.toSorted());
  });

  it('is the only one, one a call', async () => {
    const before = telemetry.spans().length;
    const { claude, client, close } = await world();
    claude.script('overloaded', 'cut-mid-stream');

    await client.messages.stream(request).finalMessage();

    const [span, ...more] = telemetry.spans().slice(before);
    expect(more).toEqual([]);
    expect(span?.events.map(({ name }) => name)).toEqual([
      'holdfast.attempt',
      'holdfast.retry',
      'holdfast.attempt',
      'holdfast.stream_broke',
      'holdfast.stream_resumed',
      'holdfast.attempt',
    ]);
    expect(span?.attributes).toMatchObject({ 'holdfast.attempts': 3, 'holdfast.resumes': 1, 'holdfast.result': 'delivered' });
    await close();
  });
});

describe('hostile names', () => {
  it('10,000 invented models make no more than 66 series each, and never push out one that answers', async () => {
    const { claude, client, close } = await world({ holdfast: { retry: false } });
    claude.always('unknown-model');
    for (let made = 0; made < 10_000; made += 1)
      await client.messages.create({ ...request, model: `invented-${made}${'x'.repeat(made % 300)}` }).catch(() => {});
    claude.always(null);
    await client.messages.create({ ...request, model: 'claude-real-after-all' });

    const after = await telemetry.metrics();
    const models = new Set<unknown>();
    for (const { dataPoints } of after)
      for (const { attributes } of dataPoints) {
        for (const name of ['gen_ai.request.model', 'holdfast.circuit']) if (attributes[name]) models.add(attributes[name]);
        for (const value of Object.values(attributes)) expect(String(value).length).toBeLessThanOrEqual(105);
      }

    // What the incident had, 64 of this instance, and `other`.
    const ofIncident = 8;
    expect(models.size).toBeLessThanOrEqual(64 + 1 + ofIncident);
    expect(models).toContain('claude-real-after-all');
    expect(models).toContain('other');
    const states = after.find(({ descriptor }) => descriptor.name === 'holdfast.breaker.state');
    expect(states?.dataPoints.length).toBeLessThanOrEqual(64 + 1 + ofIncident);
    await close();
  });

  it('request ids, call ids and tenants are on no series', async () => {
    const ids = exported.flatMap(({ dataPoints }) => dataPoints.flatMap(({ attributes }) => Object.values(attributes).map(String)));

    for (const id of ids) expect(id).not.toMatch(/req_|msg_|acme|[0-9a-f]{8}-[0-9a-f]{4}/);
  });
});

describe('an instance', () => {
  it('has the series of what somebody must act on before it happens, and none of its state once it is closed', async () => {
    const { claude, client, close } = await world({ holdfast: { primary: { name: 'series' } } });
    const told = async (name: string) =>
      ((await telemetry.metrics()).find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []).filter(
        ({ attributes }) => attributes['holdfast.target'] === 'series' || attributes['holdfast.instance'] === 'series',
      );
    const billing = async () =>
      (await told('holdfast.target.disabled')).find(({ attributes }) => attributes['holdfast.kind'] === 'billing')?.value;
    expect(await billing()).toBe(0);
    claude.script('spend-limit');
    await client.messages.create(request).catch(() => {});
    expect(await billing()).toBe(1);

    expect(await told('holdfast.budget.level')).toHaveLength(1);

    // What was collected once, OpenTelemetry itself goes on telling: this one is closed before.
    const brief = await world({ holdfast: { primary: { name: 'brief' } } });
    await brief.client.messages.create(request);
    brief.hold.close();
    const states = (await telemetry.metrics()).filter(({ descriptor }) => /budget\.level|breaker\.state/.test(descriptor.name));
    expect(JSON.stringify(states)).not.toContain('brief');
    await brief.close();
    await close();
  });
});

it('follows a provider that is registered after the first call', async () => {
  metrics.disable();
  const { client, close } = await world();
  await client.messages.create(request);
  const late = registerTelemetry();
  await client.messages.create(request);

  const attempts = (await late.metrics()).find(({ descriptor }) => descriptor.name === 'holdfast.attempts');

  expect(attempts?.dataPoints.map(({ value }) => value)).toEqual([1]);
  await close();
});
