#!/usr/bin/env node
// fake-claude: a Claude that fails on purpose, for any language's SDK.

import { parseArgs } from 'node:util';
import { fakeClaude } from './fake-claude.ts';
import { faults, type FaultName } from './faults.ts';
import { scenarioNames, type Scenario } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4010' },
    host: { type: 'string', default: '127.0.0.1' },
    seed: { type: 'string', default: '1' },
    fault: { type: 'string' },
    scenario: { type: 'string', default: 'text' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(`fake-claude [--port 4010] [--fault NAME] [--scenario NAME] [--seed 1]

faults:    ${Object.keys(faults).join(', ')}
scenarios: ${scenarioNames.join(', ')}`);
} else {
  const claude = await fakeClaude({
    port: Number(values.port),
    host: values.host,
    seed: Number(values.seed),
    scenario: values.scenario as Scenario,
  });
  if (values.fault) claude.always(values.fault as FaultName);
  console.log(`fake Claude listens on ${claude.url}${values.fault ? ` and fails: ${values.fault}` : ''}

Point an SDK at it:   ANTHROPIC_BASE_URL=${claude.url} ANTHROPIC_API_KEY=fake
Break it while it runs:
  curl -X POST ${claude.url}/_fake/control -d '{"always":"overloaded"}'
  curl -X POST ${claude.url}/_fake/control -d '{"script":["cut-mid-stream",null]}'
  curl -X POST ${claude.url}/_fake/control -d '{"always":null}'
See what came:        curl ${claude.url}/_fake/requests`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void claude.close().then(() => process.exit(0)));
}
