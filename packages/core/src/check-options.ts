// Finds every mistake in the options before the first call, so that none is discovered in an outage.

import { checkSection, checkValue, isPlain, wrong, type NumberRule, type Rule, type Rules, type SectionRule } from './check-rules.ts';
import type { ConfigProblem } from './config-error.ts';
import { backoffDefaults } from './policy/backoff.ts';
import { breakerPresets } from './policy/breaker-options.ts';
import { retryBudgetDefaults } from './policy/retry-budget.ts';
import { defaultsOf } from './policy/target.ts';
import { streamDefaults } from './settings.ts';

const ms: NumberRule = { type: 'number', min: 0, max: 2 ** 31 - 1 };
const count = (min: number, max: number): NumberRule => ({ type: 'number', min, max, integer: true });
const orNever = (rule: NumberRule): NumberRule => ({ ...rule, orNever: true });
const share: Rule = { type: 'number', min: 0, max: 1 };
const oneOf = (...values: (string | boolean)[]): Rule => ({ type: 'one-of', values });
const name: Rule = { type: 'name' };
const strings: Rule = {
  type: 'list',
  of: (value, path) => (typeof value === 'string' ? [] : [wrong('TYPE', path, 'must be a string')]),
};

const primaryRules: Rules = {
  name,
  geo: name,
  processor: name,
  weight: { type: 'number', min: 0, max: 1e6 },
  models: { type: 'check', check: checkModels },
  capabilities: {
    type: 'section',
    rules: Object.fromEntries(Object.keys(defaultsOf('anthropic').capabilities).map((known) => [known, { type: 'boolean' }])),
  },
};
const target: SectionRule = {
  type: 'section',
  rules: { ...primaryRules, client: { type: 'methods', names: ['request'] } },
  required: { name: 'is required', client: 'is required: an SDK client' },
};

const streamRules: Rules = {
  heal: { type: 'boolean' },
  resumes: count(0, 5),
  tools: oneOf('message', 'block', 'live'),
  thinking: oneOf('auto', 'surface'),
  structuredOutput: oneOf('surface', 'hold'),
  seam: oneOf('strict', 'lenient'),
  checkpoints: { type: 'methods', names: ['get', 'set', 'delete'] },
  checkpointEveryMs: ms,
  checkpointTtlMs: { type: 'number', min: 1, max: Number.MAX_SAFE_INTEGER },
};

const streams: SectionRule = {
  type: 'section',
  orElse: [false],
  rules: streamRules,
  atMost: [['checkpointEveryMs', 'checkpointTtlMs']],
  defaults: { ...streamDefaults },
};

const fenceRules: Rules = { geo: strings, processor: strings };
const rungs = ['never', 'speed', 'model', 'cache', 'answer'];

const optionRules: Rules = {
  primary: { type: 'section', rules: primaryRules },
  targets: {
    type: 'list',
    of: (value, path) => (value === undefined ? [wrong('TYPE', path, 'must be an object')] : checkValue(value, path, target)),
  },
  route: oneOf('ordered', 'weighted'),
  slow: {
    type: 'section',
    orElse: [false],
    rules: { factor: { type: 'number', min: 1.5, max: 100 }, minimumSamples: count(8, 64), lookEveryMs: ms },
  },
  fence: { type: 'section', rules: fenceRules },
  retry: {
    type: 'section',
    orElse: [false],
    rules: {
      attempts: count(1, 10),
      jitter: oneOf('decorrelated', 'full', 'equal', 'ten-percent', 'none'),
      baseMs: ms,
      throttledBaseMs: ms,
      capMs: ms,
      maxRetryAfterMs: ms,
    },
    atMost: [
      ['baseMs', 'capMs'],
      ['throttledBaseMs', 'capMs'],
    ],
    defaults: backoffDefaults,
  },
  budget: {
    type: 'section',
    orElse: [false],
    rules: {
      capacity: { type: 'number', min: 1, max: 1e6 },
      initial: { type: 'number', min: 0, max: 1e6 },
      ratio: share,
      ratePerSecond: { type: 'number', min: 0, max: 1e6 },
    },
    atMost: [['initial', 'capacity']],
    defaults: retryBudgetDefaults,
  },
  breaker: {
    type: 'section',
    orElse: ['default', 'classic', false],
    rules: {
      failureRate: share,
      minimumFailures: orNever(count(1, 1e6)),
      evidenceMs: ms,
      windowMs: { type: 'number', min: 10, max: 2 ** 31 - 1 },
      consecutiveFailures: orNever(count(1, 1e6)),
      sustainedFailures: orNever(count(1, 1e6)),
      sustainedMs: orNever(ms),
      openMs: ms,
      maxOpenMs: ms,
      callsPerProbe: orNever({ type: 'number', min: 1, max: 1e6 }),
      jitter: share,
      probes: count(1, 1000),
      successes: count(1, 1000),
      leaseMs: ms,
      rampMs: ms,
      waitMs: ms,
    },
    atMost: [['openMs', 'maxOpenMs']],
    defaults: breakerPresets.default,
  },
  limits: {
    type: 'section',
    rules: {
      deadlineMs: { type: 'number', min: 1, max: 2 ** 31 - 1 },
      firstByteMs: { type: 'number', min: 1, max: 2 ** 31 - 1 },
      idleMs: ms,
      adaptive: { type: 'boolean' },
      streamLongCalls: { type: 'boolean' },
    },
  },
  streams: streams,
  fallbacks: { type: 'list', of: checkFallback },
  cache: {
    type: 'section',
    rules: { store: { type: 'methods', names: ['get', 'set', 'delete'] }, maxAgeMs: ms, maxEntryBytes: count(1, 2 ** 31), patienceMs: ms },
    required: { store: 'is required: a Map, a Keyv instance, or anything with get, set and delete' },
  },
  answer: { type: 'function' },
  degrade: oneOf(...rungs),
  probeEveryMs: ms,
  logger: { type: 'methods', names: ['debug', 'info', 'warn', 'error'] },
  on: { type: 'function' },
  clock: { type: 'methods', names: ['now', 'after'], optional: ['wall'] },
  random: { type: 'function' },
};

const callRules: Rules = {
  enabled: { type: 'boolean' },
  requestId: { type: 'string' },
  tenant: { type: 'string' },
  deadlineMs: { type: 'number', min: 1, max: 2 ** 31 - 1 },
  credential: oneOf('operator', 'caller'),
  attempts: count(1, 10),
  stickyKey: { type: 'string' },
  fence: { type: 'section', rules: fenceRules },
  degrade: oneOf(...rungs),
  streams: streams,
};

/** Every mistake in the options of an instance. */
export function checkOptions(options: unknown): ConfigProblem[] {
  if (options === undefined) return [];
  const problems = checkSection(options, '', { type: 'section', rules: optionRules });
  return problems.length > 0 ? problems : checkNames(options as { primary?: { name?: string }; targets?: readonly { name: string }[] });
}

/** Every mistake in the options of one call. */
export function checkCallOptions(options: unknown): ConfigProblem[] {
  return checkSection(options, 'holdfast', { type: 'section', rules: callRules });
}

/** Every mistake in the arguments of `resume`. */
export function checkResume(requestId: unknown, client: unknown, tenant: unknown): ConfigProblem[] {
  const { messages } = (client ?? {}) as { messages?: { stream?: unknown } };
  return [
    ...(typeof requestId === 'string' && requestId !== '' ? [] : [wrong('TYPE', 'requestId', 'must be the id of the call')]),
    ...(typeof messages?.stream === 'function' ? [] : [wrong('TYPE', 'client', 'must be an SDK client that carries this middleware')]),
    ...(tenant === null || typeof tenant === 'string' ? [] : [wrong('TYPE', 'tenant', 'must be a string')]),
  ];
}

function checkNames(options: { primary?: { name?: string }; targets?: readonly { name: string }[] }): ConfigProblem[] {
  const seen = new Set([options.primary?.name ?? 'primary']);
  const problems: ConfigProblem[] = [];
  for (const [index, { name }] of (options.targets ?? []).entries()) {
    if (seen.has(name))
      problems.push(
        wrong(
          'DUPLICATE',
          `targets[${index}].name`,
          `"${name}" is taken; the client that carries the middleware is "${options.primary?.name ?? 'primary'}"`,
        ),
      );
    seen.add(name);
  }
  return problems;
}

const fallback: SectionRule = {
  type: 'section',
  rules: { model: name, accept: { type: 'function' } },
  required: { model: 'is required' },
};

function checkFallback(value: unknown, path: string): ConfigProblem[] {
  if (typeof value === 'string') return value === '' ? [wrong('TYPE', path, 'must be a model id')] : [];
  if (value === undefined) return [wrong('TYPE', path, 'must be a model id or an object')];
  return checkValue(value, path, fallback);
}

/** Model ids by model id, or the function that tells them. */
function checkModels(value: unknown, path: string): ConfigProblem[] {
  if (typeof value === 'function') return [];
  if (!isPlain(value)) return [wrong('TYPE', path, 'must be an object of model ids, or a function')];
  return Object.entries(value).flatMap(([model, here]) =>
    here === null || (typeof here === 'string' && here !== '')
      ? []
      : [wrong('TYPE', `${path}.${model}`, 'must be a model id, or null where the target does not offer the model')],
  );
}
