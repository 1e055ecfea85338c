// Metrics for Prometheus, answered on the app's own port. A public app would keep them on an internal one.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

/** Registers a meter provider, which Holdfast finds by itself; returns what answers a scrape. */
export function prometheus(): (request: IncomingMessage, response: ServerResponse) => void {
  const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }));
  return (request, response) => exporter.getMetricsRequestHandler(request, response);
}
