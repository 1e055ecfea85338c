// Reads `--breaker.cooldownMs=30000` and its like into options, with the production code as the judge of values.

import { HoldfastConfigError, holdfast, type HoldfastOptions, type SettingsDescription } from '@holdfast/core';
import { holdfastPolicy, type Policy } from './policies.ts';
import { UsageError } from './usage-error.ts';

/** What the simulator acts on. Options it does not are refused rather than ignored. */
const known = namesOf(holdfast().describe());

/**
 * The policy that `args` describe: the default one with some options set. A section may be `false`, and the breaker
 * `classic`. `--breaker.cooldownMs` stands for one and the same open time: `openMs` and `maxOpenMs` together.
 *
 * @throws {UsageError} that names every mistake and what there is to choose from
 */
export function whatIf(args: readonly string[]): Policy {
  const options: Record<string, unknown> = {};
  const mistakes = args.flatMap((arg) => set(options, arg));
  if (mistakes.length === 0 && args.length === 0) mistakes.push('what if what? For example: --breaker.cooldownMs=30000 --retry.attempts=2');
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  try {
    return holdfastPolicy(args.join(' '), options as HoldfastOptions);
  } catch (error) {
    if (error instanceof HoldfastConfigError) throw new UsageError(error.message);
    throw error;
  }
}

/** Sets one option; returns what is wrong with it. */
function set(options: Record<string, unknown>, arg: string): string[] {
  const match = /^--([a-zA-Z]+)(?:\.([a-zA-Z]+))?=(.+)$/.exec(arg);
  if (!match) return [`"${arg}" is no option: write --section.name=value, for example --breaker.cooldownMs=30000`];
  const [, section = '', name, text = ''] = match;
  const names = known.get(section);
  if (!names) return [`--${section} is not simulated; known: ${[...known.keys()].join(', ')}`];
  if (name === undefined) {
    if (text !== 'false' && !(section === 'breaker' && text === 'classic'))
      return [`--${section} can be false, or --${section}.name=value`];
    options[section] = text === 'false' ? false : text;
    return [];
  }
  const targets = section === 'breaker' && name === 'cooldownMs' ? ['openMs', 'maxOpenMs'] : [name];
  if (!targets.every((target) => names.includes(target)))
    return [`--${section}.${name} is not simulated; known: ${names.map((each) => `--${section}.${each}`).join(', ')}`];
  const before = options[section];
  options[section] = {
    ...(typeof before === 'object' ? before : {}),
    ...Object.fromEntries(targets.map((target) => [target, valueOf(text)])),
  };
  return [];
}

/** Numbers and truth values as such; anything else is a word, which the production code accepts or not. */
function valueOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

function namesOf(described: SettingsDescription): Map<string, string[]> {
  const names = (section: 'retry' | 'budget' | 'breaker'): string[] => Object.keys(described[section]);
  return new Map([
    ['retry', names('retry')],
    ['budget', names('budget')],
    ['breaker', [...names('breaker'), 'cooldownMs']],
    ['streams', ['heal', 'resumes']],
  ]);
}
