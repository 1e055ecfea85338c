// Finds every mistake in the options before the first call, so that none is discovered in an outage.

import type { ConfigProblem } from './config-error.ts';

interface NumberRule {
  readonly type: 'number';
  readonly min: number;
  readonly max: number;
  readonly integer?: true;
  /** Infinity is a value: it never comes to that. */
  readonly orNever?: true;
}
type Rule =
  | NumberRule
  | { readonly type: 'boolean' | 'function' | 'string' }
  | { readonly type: 'one-of'; readonly values: readonly (string | boolean)[] }
  | { readonly type: 'section'; readonly rules: Rules; readonly orElse?: readonly (string | boolean)[] }
  | { readonly type: 'list'; readonly of: (value: unknown, path: string) => ConfigProblem[] }
  | { readonly type: 'methods'; readonly names: readonly string[] }
  | { readonly type: 'any' };
type Rules = { readonly [name: string]: Rule };

const ms: NumberRule = { type: 'number', min: 0, max: 2 ** 31 - 1 };
const count = (min: number, max: number): NumberRule => ({ type: 'number', min, max, integer: true });
const orNever = (rule: NumberRule): NumberRule => ({ ...rule, orNever: true });
const share: Rule = { type: 'number', min: 0, max: 1 };
const oneOf = (...values: (string | boolean)[]): Rule => ({ type: 'one-of', values });
const any: Rule = { type: 'any' };
const strings: Rule = {
  type: 'list',
  of: (value, path) => (typeof value === 'string' ? [] : [wrong('TYPE', path, 'must be a string')]),
};

const targetRules: Rules = {
  name: { type: 'string' },
  geo: { type: 'string' },
  processor: { type: 'string' },
  weight: { type: 'number', min: 0, max: 1e6 },
  models: any,
  capabilities: any,
  client: { type: 'methods', names: ['request'] },
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

const fenceRules: Rules = { geo: strings, processor: strings };
const rungs = ['never', 'speed', 'model', 'cache', 'answer'];

const optionRules: Rules = {
  primary: { type: 'section', rules: targetRules },
  targets: { type: 'list', of: checkTarget },
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
  streams: { type: 'section', orElse: [false], rules: streamRules },
  fallbacks: { type: 'list', of: checkFallback },
  cache: {
    type: 'section',
    rules: { store: { type: 'methods', names: ['get', 'set', 'delete'] }, maxAgeMs: ms, maxEntryBytes: count(1, 2 ** 31), patienceMs: ms },
  },
  answer: { type: 'function' },
  degrade: oneOf(...rungs),
  probeEveryMs: ms,
  logger: { type: 'methods', names: ['debug', 'info', 'warn', 'error'] },
  on: { type: 'function' },
  clock: { type: 'methods', names: ['now', 'after'] },
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
  streams: { type: 'section', orElse: [false], rules: streamRules },
};

/** Every mistake in the options of an instance. */
export function checkOptions(options: unknown): ConfigProblem[] {
  if (options === undefined) return [];
  const problems = checkSection(options, '', optionRules);
  return problems.length > 0 ? problems : checkNames(options as { primary?: { name?: string }; targets?: readonly { name: string }[] });
}

/** Every mistake in the options of one call. */
export function checkCallOptions(options: unknown): ConfigProblem[] {
  return checkSection(options, 'holdfast', callRules);
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

function checkTarget(value: unknown, path: string): ConfigProblem[] {
  const problems = checkSection(value, path, targetRules);
  const target = value as { name?: unknown; client?: unknown } | null;
  if (target && typeof target === 'object') {
    if (!target.name) problems.push(wrong('MISSING', `${path}.name`, 'is required'));
    if (!target.client) problems.push(wrong('MISSING', `${path}.client`, 'is required: an SDK client'));
  }
  return problems;
}

function checkFallback(value: unknown, path: string): ConfigProblem[] {
  if (typeof value === 'string') return value === '' ? [wrong('TYPE', path, 'must be a model id')] : [];
  const problems = checkSection(value, path, { model: { type: 'string' }, accept: { type: 'function' } });
  if (problems.length === 0 && !(value as { model?: unknown }).model) problems.push(wrong('MISSING', `${path}.model`, 'is required'));
  return problems;
}

function checkSection(value: unknown, path: string, rules: Rules): ConfigProblem[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [wrong('TYPE', path || 'options', 'must be an object')];
  const problems: ConfigProblem[] = [];
  for (const [name, inner] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) problems.push(wrong('UNKNOWN', at, `is no option here; known: ${Object.keys(rules).join(', ')}`));
    else if (inner !== undefined) problems.push(...checkValue(inner, at, rule));
  }
  return problems;
}

function checkValue(value: unknown, path: string, rule: Rule): ConfigProblem[] {
  switch (rule.type) {
    case 'any':
      return [];
    case 'number':
      if (rule.orNever && value === Infinity) return [];
      if (typeof value !== 'number' || !Number.isFinite(value)) return [wrong('TYPE', path, 'must be a finite number')];
      if (value < rule.min || value > rule.max) return [wrong('RANGE', path, `must be between ${rule.min} and ${rule.max}, is ${value}`)];
      return rule.integer && !Number.isInteger(value) ? [wrong('RANGE', path, `must be a whole number, is ${value}`)] : [];
    case 'boolean':
    case 'function':
    case 'string':
      return typeof value === rule.type ? [] : [wrong('TYPE', path, `must be a ${rule.type}`)];
    case 'one-of':
      return rule.values.includes(value as string)
        ? []
        : [wrong('VALUE', path, `must be one of ${rule.values.map((v) => JSON.stringify(v)).join(', ')}`)];
    case 'section':
      return rule.orElse?.includes(value as string) ? [] : checkSection(value, path, rule.rules);
    case 'list':
      return Array.isArray(value)
        ? value.flatMap((item, index) => rule.of(item, `${path}[${index}]`))
        : [wrong('TYPE', path, 'must be an array')];
    case 'methods': {
      const missing = rule.names.filter((name) => typeof (value as Record<string, unknown> | null)?.[name] !== 'function');
      return missing.length === 0
        ? []
        : [wrong('TYPE', path, `must have the methods ${rule.names.join(', ')}; missing: ${missing.join(', ')}`)];
    }
  }
}

const wrong = (what: string, path: string, message: string): ConfigProblem => ({ code: `HOLDFAST_OPTION_${what}`, path, message });
