#!/usr/bin/env node
// fake-claude: a Claude that fails on purpose, for any language's SDK.

import { parseArgs } from 'node:util';
import { fakeClaude, type FakeClaude } from './fake-claude.ts';
import { faults, toFault, type FaultName } from './faults.ts';
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
  const claude = await start().catch((error: unknown) => {
    console.error(`fake-claude: ${told(error)}`);
    process.exit(1);
  });
  console.log(`fake Claude listens on ${claude.url}${values.fault ? ` and fails: ${values.fault}` : ''}

Point an SDK at it:   ANTHROPIC_BASE_URL=${claude.url} ANTHROPIC_API_KEY=fake
Break it while it runs:
  curl -X POST ${claude.url}/_fake/control -d '{"always":"overloaded"}'
  curl -X POST ${claude.url}/_fake/control -d '{"script":["cut-mid-stream",null]}'
  curl -X POST ${claude.url}/_fake/control -d '{"always":null}'
See what came:        curl ${claude.url}/_fake/requests`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void claude.close().then(() => process.exit(0)));
}

async function start(): Promise<FakeClaude> {
  // The name is checked before a port is taken.
  const fault = values.fault === undefined ? null : toFault(values.fault as FaultName);
  const { host } = values;
  const claude = await fakeClaude({ port: Number(values.port), host, seed: Number(values.seed), scenario: values.scenario as Scenario });
  claude.always(fault);
  return claude;
}

function told(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EADDRINUSE' ? `port ${values.port} is in use; choose another with --port` : message;
}
