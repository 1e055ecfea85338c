// Unmistakable words in the prompt, the answer, the key and the upstream’s mouth, looked for in every byte that telemetry emits.

import { Console } from 'node:console';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { faults, referenceAnswer, type FaultName } from '@holdfast/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { anthropicError, healthReply, problem } from '../src/http/index.ts';
import { callOptions, fileCheckpoints, type Holdfast, type HoldfastOptions } from '../src/index.ts';
import { incident } from './incident.ts';
import { registerTelemetry } from './telemetry.ts';
import { request, world } from './world.ts';

/** What callers and their users entrust to a call. */
const secrets = {
  prompt: 'canary-prompt-7f31',
  system: 'canary-system-c904',
  tool: 'canary-tool-description-55aa',
  toolInput: 'canary-tool-input-0d1e',
  toolResult: 'canary-tool-result-9b72',
  user: 'canary-user-id-e3c8',
  key: 'sk-ant-api-canary-key-4410',
} as const;
/** What the fake Claude says in its answers, its tool calls included. */
const answers = ['flock of terns', 'brass instruments', 'signal lamp', 'prod.cfg', 'northern harbour', 'Hello there, friend'];
/** What an upstream may say when it refuses, a prompt quoted back for example. */
const words = 'canary-upstream-words-2ab6';

const body = {
  system: secrets.system,
  metadata: { user_id: secrets.user },
  tools: [
    { name: 'search', description: secrets.tool, input_schema: { type: 'object', properties: { [secrets.tool]: { type: 'string' } } } },
  ],
  messages: [
    { role: 'user', content: secrets.prompt },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_0', name: 'search', input: { query: secrets.toolInput } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_0', content: secrets.toolResult }] },
  ],
} as const;

/** Everything that left the library, by where it went. */
const emitted = new Map<string, string>();
const emit = (where: string, text: unknown): void => {
  emitted.set(where, `${emitted.get(where) ?? ''}${typeof text === 'string' ? text : JSON.stringify(text)}\n`);
};
const sinkTo = (where: string): Writable =>
  new Writable({
    write(chunk, _, done) {
      emit(where, String(chunk));
      done();
    },
  });

/** Everything an operator can ask an instance. */
function interrogate(hold: Holdfast): void {
  emit('health', hold.health());
  emit('health', healthReply('status', hold, { details: true }));
  emit('settings', hold.describe());
}

/** Everything that is made of an error, except what is meant to have text: the partial answer. */
function interrogateAbout(error: unknown, hold: Holdfast): void {
  const { partial: _, ...told } = hold.explain(error);
  emit('explanations', told);
  emit('problems', problem(error));
  emit('problems', problem(error, { exposeUpstreamId: true, userInput: true }));
  emit('Anthropic errors', anthropicError(error));
  emit('ledgers', hold.attempts(error) ?? null);
  const {
    name,
    message,
    stack,
    cause,
    error: wire,
  } = error as { name: string; message: string; stack: string; cause: unknown; error: unknown };
  emit('errors', { name, message, stack, cause: String(cause), wire });
}

const directories: string[] = [];
const sent: unknown[] = [];
let received = '';
const telemetry = registerTelemetry();
metrics.disable();
const exporter = new PrometheusExporter({ preventServerStart: true });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }));

/** An instance that tells everybody everything. */
const talkative = (): HoldfastOptions => {
  const console = new Console({ stdout: sinkTo('console'), stderr: sinkTo('console') });
  const logger = pino({ level: 'trace' }, sinkTo('pino'));
  return {
    on: (event) => emit('events', event),
    logger: {
      debug: (...all) => (logger.debug(all[1] as object, String(all[0])), console.debug(...all)),
      info: (...all) => (logger.info(all[1] as object, String(all[0])), console.info(...all)),
      warn: (...all) => (logger.warn(all[1] as object, String(all[0])), console.warn(...all)),
      error: (...all) => (logger.error(all[1] as object, String(all[0])), console.error(...all)),
    },
  };
};

/** Every kind of fault there is, asked for whole and as a stream, with checkpoints on disk. */
async function everyFault(): Promise<void> {
  for (const name of Object.keys(faults) as FaultName[]) {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-canary-'));
    directories.push(directory);
    const { claude, client, hold, close } = await world({
      holdfast: {
        ...talkative(),
        retry: { attempts: 2, baseMs: 0, throttledBaseMs: 0, maxRetryAfterMs: 0 },
        limits: { firstByteMs: 50, idleMs: 50 },
        streams: { checkpoints: fileCheckpoints({ directory }), resumes: 1, checkpointEveryMs: 1 },
      },
      client: { apiKey: secrets.key },
    });
    for (const stream of [false, true]) {
      claude.always({ ...faults[name], message: `The request says: ${words}`, ...(name === 'slow' ? { delayPerEventMs: 0 } : {}) });
      const options = callOptions({ requestId: `call-${name}`, tenant: 'acme' });
      const asked = { ...request, ...body } as never;
      const call = stream ? client.messages.stream(asked, options).finalMessage() : client.messages.create(asked, options);
      await call.then(
        (message) => {
          received += JSON.stringify(message);
          emit('ledgers', hold.attempts(message));
        },
        (error: unknown) => interrogateAbout(error, hold),
      );
      interrogate(hold);
    }
    sent.push(...claude.requests.map(({ body, key }) => [body, key]));
    emit('file names', await readdir(directory, { recursive: true }));
    await close();
  }
}

beforeAll(async () => {
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      emit('the terminal', String(text));
      return true;
    });
  try {
    const day = await incident({ holdfast: talkative(), body, apiKey: secrets.key, words });
    for (const hold of day.holds) interrogate(hold);
    for (const error of day.errors) for (const hold of day.holds.slice(0, 1)) interrogateAbout(error, hold);
    received += JSON.stringify(day.messages);
    await everyFault();
  } finally {
    vi.restoreAllMocks();
  }
  const { resourceMetrics } = await exporter.collect();
  emit('metrics', resourceMetrics);
  for (const { name, attributes, events, status, resource } of telemetry.spans())
    emit('spans', {
      name,
      attributes,
      events: events.map((event) => [event.name, event.attributes]),
      status,
      resource: resource.attributes,
    });
});
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))));

const everywhere = [
  'console',
  'pino',
  'events',
  'metrics',
  'spans',
  'ledgers',
  'health',
  'settings',
  'explanations',
  'problems',
  'errors',
  'Anthropic errors',
  'file names',
];
/** These hand on what the upstream said to a program that asked for it: the SDK's errors, and an Anthropic-compatible endpoint's. */
const verbatim = new Set(['errors', 'Anthropic errors']);

describe('the search', () => {
  it('looks where there is something to find', async () => {
    expect([...emitted.keys()].toSorted()).toEqual(everywhere.toSorted());
    for (const [where, text] of emitted) expect(text.length, where).toBeGreaterThan(100);
  });

  it('was for words that were really sent and really answered', async () => {
    for (const secret of Object.values(secrets)) expect(JSON.stringify(sent)).toContain(secret);
    for (const answer of answers.slice(0, 3)) expect(received).toContain(answer);
    expect(JSON.stringify(referenceAnswer('tools'))).toContain('prod.cfg');
    // Checkpoints hold text: that is what they are for.
    const kept: string[] = [];
    for (const directory of directories)
      for (const name of await readdir(directory)) kept.push(await readFile(join(directory, name), 'utf8'));
    expect(kept.join('')).toContain(secrets.prompt);
    for (const where of verbatim) expect(emitted.get(where)).toContain(words);
  });
});

const variants = (text: string): string[] => [
  text,
  Buffer.from(text).toString('base64').replaceAll('=', ''),
  Buffer.from(text).toString('hex'),
  encodeURIComponent(text),
];

describe.each(everywhere)('%s', (where) => {
  it.each(Object.entries(secrets))('has no word of the %s', (_, secret) => {
    for (const variant of variants(secret)) expect(emitted.get(where)).not.toContain(variant);
  });

  it('has no word of an answer', () => {
    for (const answer of answers) for (const variant of variants(answer)) expect(emitted.get(where)).not.toContain(variant);
  });

  it.runIf(!verbatim.has(where))('has no word of what the upstream said', () => {
    expect(emitted.get(where)).not.toContain(words);
  });
});
