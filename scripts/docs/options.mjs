// Every option appears in the options table of exactly one page, and its default is what its doc comment says and what holds.

import { exportsOf } from './declarations.mjs';
import { rowsUnder } from './pages.mjs';

/** Where the options of a section are declared. Others are told whole, in one row. */
const sections = {
  retry: ['RetryOptions', 'options.ts'],
  limits: ['LimitOptions', 'options.ts'],
  streams: ['StreamOptions', 'options.ts'],
  budget: ['RetryBudgetOptions', 'policy/retry-budget.ts'],
  breaker: ['BreakerOptions', 'policy/breaker-options.ts'],
  'breaker ': ['CircuitOptions', 'options.ts'],
  slow: ['SlowOptions', 'policy/pace.ts'],
  fence: ['Fence', 'policy/fence.ts'],
  cache: ['AnswerCacheOptions', 'engine/cache.ts'],
  'targets[]': ['TargetOptions', 'options.ts'],
  'targets[] ': ['Target', 'options.ts'],
  'fallbacks[]': ['Fallback', 'options.ts'],
};

const membersOf = (name, file) => exportsOf(`packages/core/src/${file}`).find((declaration) => declaration.name === name).members;

/** Every option by the name its row must have, with the default of its doc comment; undefined where that says none. */
function declared() {
  const options = new Map();
  const add = (prefix, members, close = '') => {
    for (const { name, doc } of members) options.set(`${prefix}${name}${close}`, defaultIn(doc));
  };
  add('', membersOf('HoldfastOptions', 'options.ts'));
  for (const [section, [name, file]] of Object.entries(sections)) add(`${section.trim()}.`, membersOf(name, file));
  add('callOptions({ ', membersOf('CallOptions', 'options.ts'), ' })');
  // A section that is only its options needs no row of its own.
  for (const name of ['limits', 'cache', 'fence', 'targets', 'fallbacks']) options.delete(name);
  return options;
}

function defaultIn(doc) {
  if (/\bRequired\b/.test(doc)) return 'required';
  const found = /\bdefault(?: for [^:]*)?:?\s+([^]*)/i.exec(doc.replace(/`default`: /, ''));
  return found ? plain(found[1]) : undefined;
}

/** A default without marks, units of thousands and what is said about it. */
const plain = (text) =>
  /^[^.,;:(]*(?:\.\d+)?/
    .exec(text.replaceAll(/[`'"]/g, '').replaceAll(/(?<=\d)[_, ](?=\d{3}\b)/g, ''))[0]
    .replaceAll(/\s+/g, ' ')
    .trim();

/** The defaults in force, for what an instance can say of itself. */
async function inForce() {
  const { holdfast } = await import('../../packages/core/src/index.ts');
  const settings = holdfast().describe();
  return (path) => {
    const value = path.split('.').reduce((at, name) => at?.[name], settings);
    return ['number', 'string'].includes(typeof value) && path !== 'degrade' ? String(value) : undefined;
  };
}

export async function checkOptions(pages) {
  const problems = [];
  const options = declared();
  const actual = await inForce();
  const told = new Map();
  for (const [page, text] of pages) {
    for (const [cell, said = ''] of rowsUnder(text, 'Option')) {
      const name = cell.replaceAll('`', '');
      if (!options.has(name)) problems.push(`${page}: there is no option ${name}`);
      else if (told.has(name)) problems.push(`${page}: ${name} is told in ${told.get(name)} too`);
      else if (plain(said) !== options.get(name))
        problems.push(`${page}: the default of ${name} is ${options.get(name)}, not ${plain(said)}`);
      told.set(name, page);
    }
  }
  for (const [name, stated] of options) {
    if (stated === undefined) problems.push(`options.ts: the comment of ${name} states no default`);
    if (!told.has(name)) problems.push(`docs: ${name} (${stated}) is in no options table`);
    const real = actual(name);
    if (real !== undefined && real !== stated)
      problems.push(`options.ts: the default of ${name} is ${real}, and its comment says ${stated}`);
  }
  return { problems, checked: options.size };
}
