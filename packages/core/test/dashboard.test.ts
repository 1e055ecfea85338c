// The Grafana dashboard and the alert rules, against what a real Prometheus exporter answers after a bad day.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { parser } from '@prometheus-io/lezer-promql';
import { beforeAll, describe, expect, it } from 'vitest';
import { incident } from './incident.ts';

const docs = join(import.meta.dirname, '../../../docs');
const operations = readFileSync(join(docs, 'operations.md'), 'utf8');

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
}
const dashboard = JSON.parse(readFileSync(join(docs, 'grafana/holdfast.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
};

/** A scrape: types by metric, and by sample name the labels with their values. */
interface Scrape {
  readonly types: ReadonlyMap<string, string>;
  readonly samples: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;
}

let scrape: Scrape;
beforeAll(async () => {
  const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }));
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await incident();
  scrape = read(await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)).text());
  server.close();
});

function read(text: string): Scrape {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name as string, type as string]));
  const samples = new Map<string, Map<string, Set<string>>>();
  for (const [, name = '', list = ''] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    const labels = samples.get(name) ?? new Map<string, Set<string>>();
    samples.set(name, labels);
    for (const [, label = '', value = ''] of list.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g))
      labels.set(label, (labels.get(label) ?? new Set()).add(value));
  }
  return { types, samples };
}

interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
  /** The function around it, such as `rate`. */
  readonly within: string | null;
}
interface Query {
  readonly selectors: readonly Selector[];
  readonly groupings: readonly string[];
  readonly errors: number;
}

/** Grafana puts these in before it asks. */
const filled = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll('"$target"', '".*"').replaceAll('"$model"', '".*"');

function parse(expr: string): Query {
  const selectors: Selector[] = [];
  const groupings: string[] = [];
  let errors = 0;
  let within: string | null = null;
  const tree = parser.parse(expr);
  const said = (node: { from: number; to: number }): string => expr.slice(node.from, node.to);
  tree.iterate({
    enter({ name, type, node }) {
      if (type.isError) errors += 1;
      if (name === 'FunctionIdentifier') within = said(node);
      if (name === 'GroupingLabels') for (const label of node.getChildren('LabelName')) groupings.push(said(label));
      if (name !== 'VectorSelector') return;
      const metric = node.getChild('Identifier');
      const matchers = (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map((matcher) => ({
        label: said(matcher.getChild('LabelName') as never),
        operator: said(matcher.getChild('MatchOp') as never),
        value: said(matcher.getChild('StringLiteral') as never).slice(1, -1),
      }));
      selectors.push({ metric: metric ? said(metric) : '', matchers, within });
      within = null;
    },
  });
  return { selectors, groupings, errors };
}

function check(expr: string): void {
  const { selectors, groupings, errors } = parse(filled(expr));
  expect(errors, `syntax: ${expr}`).toBe(0);
  expect(selectors.length).toBeGreaterThan(0);
  for (const { metric, matchers, within } of selectors) {
    const labels = scrape.samples.get(metric);
    expect(labels, `${metric} is exported`).toBeDefined();
    for (const { label, operator, value } of matchers) {
      expect([...(labels?.keys() ?? [])], `${label} is a label of ${metric}`).toContain(label);
      const values = [...(labels?.get(label) ?? [])];
      if (operator === '=') expect(values, `${metric}{${label}}`).toContain(value);
      if (operator === '=~')
        expect(
          values.filter((each) => new RegExp(`^(?:${value})$`).test(each)),
          `${metric}{${label}=~${value}}`,
        ).not.toEqual([]);
    }
    for (const label of groupings) expect([...(labels?.keys() ?? [])], `${label} is a label of ${metric}`).toContain(label);
    const type = scrape.types.get(metric) ?? scrape.types.get(metric.replace(/_(?:bucket|count|sum)$/, ''));
    if (within === 'rate' || within === 'increase') expect(type, `${within}(${metric})`).toMatch(/^(?:counter|histogram)$/);
    else expect(type, metric).toBe('gauge');
  }
}

const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);

describe('the dashboard', () => {
  it.each(queries)('$title asks for what is exported: $expr', ({ expr, legendFormat }) => {
    check(expr);
    const { groupings } = parse(filled(expr));
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(groupings, legendFormat).toContain(label);
  });

  it('offers targets and models to choose from that exist', () => {
    for (const { query } of dashboard.templating.list) {
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(typeof query === 'string' ? query : query.query) ?? [];
      if (metric && label) expect([...(scrape.samples.get(metric)?.keys() ?? [])]).toContain(label);
    }
  });

  it('shows every metric there is', () => {
    const shown = queries.flatMap(({ expr }) =>
      parse(filled(expr)).selectors.map(({ metric }) => metric.replace(/_(?:bucket|count|sum)$/, '')),
    );

    expect([...scrape.types.keys()].filter((name) => /^(?:gen_ai|holdfast)_/.test(name) && !shown.includes(name))).toEqual([]);
  });

  it('has no two panels in one place, and no id twice', () => {
    const { panels } = dashboard as unknown as { panels: { id: number; gridPos: { x: number; y: number } }[] };

    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length);
  });
});

describe('the alerts', () => {
  const rules = [...operations.matchAll(/```yaml\n- alert: (\w+)\n  expr: \|\n((?:    .*\n)+)/g)].map(([, name = '', expr = '']) => ({
    name,
    expr,
  }));

  it('stand each under a heading of their own', () => {
    expect(rules.length).toBeGreaterThan(8);
    expect([...operations.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)).toEqual(rules.map(({ name }) => name));
  });

  it.each(rules)('$name asks for what is exported', ({ expr }) => check(expr));

  it('name only panels, lines and alerts that exist', () => {
    const titles = dashboard.panels.map(({ title }) => title);
    const alertsSection = operations.slice(operations.indexOf('## Alerts'));
    for (const [, title] of alertsSection.matchAll(/(?<!=)"([A-Z][^"]+)"/g)) expect(titles).toContain(title);
    for (const [, name] of alertsSection.matchAll(/see (Holdfast\w+)/g)) expect(rules.map((rule) => rule.name)).toContain(name);
  });
});
