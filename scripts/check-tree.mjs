// What must not be committed: paths of a machine, names of registries, tests that are switched off, notes to oneself, actions by
// names that can be moved.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const rules = [
  [
    /(?<![\w.:/-])\/(?:work|tmp|root|home|Users)\/[A-Za-z]/,
    'a path of a machine',
    /(^|\/)(test|testing|fixtures)\/|\.test\.|continue|scenarios/,
  ],
  [/registry\.[a-z]+\.(?:org|com)|\/\/deb\.[a-z]+\.org/, 'a registry host'],
  [/\b(?:it|test|describe)\.(?:only|skip|todo)\(/, 'a test that is switched off'],
  [/\b(?:TODO|FIXME)\b/, 'a note to oneself'],
  [/\buses: +[\w-]+\/[^@\s]+(?!@[0-9a-f]{40} # v)(?:@|\s|$)/, 'an action that is not pinned to a commit, with its version beside it'],
];

let found = 0;
for (const path of execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0')) {
  if (
    !/\.(?:[cm]?[jt]sx?|json|ya?ml|md|sh|html|css)$|\.ci\/run$/.test(path) ||
    path === 'pnpm-lock.yaml' ||
    path.endsWith('check-tree.mjs')
  )
    continue;
  for (const [number, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    for (const [pattern, what, except] of rules) {
      if (!pattern.test(line) || except?.test(path)) continue;
      found += 1;
      console.error(`${path}:${number + 1}: ${what}`);
    }
  }
}
console.log(found === 0 ? 'tree: clean' : `tree: ${found} findings`);
process.exitCode = found === 0 ? 0 : 1;
