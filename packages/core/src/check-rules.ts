// What a value of an option may be, and the check that tells every value that is not.

import type { ConfigProblem } from './config-error.ts';

export interface NumberRule {
  readonly type: 'number';
  readonly min: number;
  readonly max: number;
  readonly integer?: true;
  /** Infinity is a value: it never comes to that. */
  readonly orNever?: true;
}
export type Rule =
  | NumberRule
  | { readonly type: 'boolean' | 'function' | 'string' }
  /** A string that is not empty. */
  | { readonly type: 'name' }
  | { readonly type: 'one-of'; readonly values: readonly (string | boolean)[] }
  | SectionRule
  | { readonly type: 'list'; readonly of: (value: unknown, path: string) => ConfigProblem[] }
  | { readonly type: 'methods'; readonly names: readonly string[]; readonly optional?: readonly string[] }
  | { readonly type: 'check'; readonly check: (value: unknown, path: string) => ConfigProblem[] };
export interface SectionRule {
  readonly type: 'section';
  readonly rules: Rules;
  readonly orElse?: readonly (string | boolean)[];
  readonly required?: { readonly [name: string]: string };
  /** Pairs of options of which the first, if it is set, may not be above the second. */
  readonly atMost?: readonly (readonly [low: string, high: string])[];
  /** What holds for the second of a pair where it is not set. */
  readonly defaults?: { readonly [name: string]: unknown };
}
export type Rules = { readonly [name: string]: Rule };

/** Every mistake in the options of a section. `path` is empty for the outermost. */
export function checkSection(value: unknown, path: string, section: SectionRule): ConfigProblem[] {
  if (value === undefined) return [];
  if (!isPlain(value)) return [wrong('TYPE', path || 'options', 'must be an object')];
  const { rules, required = {}, atMost = [] } = section;
  const problems: ConfigProblem[] = [];
  const at = (option: string): string => (path === '' ? option : `${path}.${option}`);
  for (const [option, inner] of Object.entries(value)) {
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
    if (!rule) problems.push(wrong('UNKNOWN', at(option), `is no option here; known: ${Object.keys(rules).join(', ')}`));
    else if (inner !== undefined) problems.push(...checkValue(inner, at(option), rule));
  }
  for (const [option, message] of Object.entries(required))
    if (value[option] === undefined) problems.push(wrong('MISSING', at(option), message));
  if (problems.length > 0) return problems;
  return atMost.flatMap(([low, high]) => {
    const least = value[low];
    const most = value[high] ?? section.defaults?.[high];
    if (typeof least !== 'number' || typeof most !== 'number' || least <= most) return [];
    const what = value[high] === undefined ? `${high}, which is ${most} where it is not set` : `${high}, ${most}`;
    return [wrong('RANGE', at(low), `must not be above ${what}; is ${least}`)];
  });
}

/** An object that options are read from: no list, and nothing that keeps what it holds elsewhere. */
export const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map) && !(value instanceof Set);

/** Every mistake in one value. */
export function checkValue(value: unknown, path: string, rule: Rule): ConfigProblem[] {
  switch (rule.type) {
    case 'check':
      return rule.check(value, path);
    case 'name':
      if (typeof value !== 'string') return [wrong('TYPE', path, 'must be a string')];
      return value === '' ? [wrong('VALUE', path, 'must not be empty')] : [];
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
      return rule.orElse?.includes(value as string) ? [] : checkSection(value, path, rule);
    case 'list':
      return Array.isArray(value)
        ? Array.from(value, (item, index) => rule.of(item, `${path}[${index}]`)).flat()
        : [wrong('TYPE', path, 'must be an array')];
    case 'methods': {
      const held = value as Readonly<Record<string, unknown>> | null;
      const missing = rule.names.filter((method) => typeof held?.[method] !== 'function');
      const odd = (rule.optional ?? []).filter((method) => held?.[method] !== undefined && typeof held?.[method] !== 'function');
      if (odd.length > 0) return odd.map((method) => wrong('TYPE', `${path}.${method}`, 'must be a function'));
      return missing.length === 0
        ? []
        : [wrong('TYPE', path, `must have the methods ${rule.names.join(', ')}; missing: ${missing.join(', ')}`)];
    }
  }
}

export const wrong = (what: string, path: string, message: string): ConfigProblem => ({ code: `HOLDFAST_OPTION_${what}`, path, message });
