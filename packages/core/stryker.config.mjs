// Mutation testing of the pure folders: each mutant of `policy` or `stream` must be noticed by the tests beside the code.
// Run by `pnpm mutate` in the root; `docs/mutation.md` says how, and what survives.

const { MUTATE_FOLDER: folder = 'policy', MUTATE_FILES: files = `src/${folder}/**/*.ts` } = process.env;

/**
 * What is not mutated, everything else is: the texts that advise a person (`action`). A test that repeats a sentence proves
 * nothing about it; that no row is without advice is tested. All other strings are names that programs read. Types leave no mutants.
 */
const advice = {
  shouldIgnore(path) {
    const isText = path.isStringLiteral() || path.isTemplateLiteral();
    if (isText && path.parentPath.isObjectProperty() && path.parent.key.name === 'action') return 'advice for a person';
  },
};

export const strykerPlugins = [{ kind: 'Ignore', name: 'advice', value: advice }];

export default {
  mutate: [files, '!src/**/*.test.ts', '!src/**/testing/**', '!src/**/fixtures/**', '!src/**/index.ts'],
  testRunner: 'vitest',
  // The package manager's layout hides plugins from a search by name. This file is one.
  plugins: [import.meta.resolve('@stryker-mutator/vitest-runner'), './stryker.config.mjs'],
  ignorers: ['advice'],
  vitest: { configFile: 'vitest.mutation.config.ts' },
  coverageAnalysis: 'perTest',
  // Two, since a test runner is a process with a compiler in it; `--concurrency` asks for others.
  concurrency: 2,
  // A busy machine is no endless loop.
  timeoutMS: 20_000,
  // The TypeScript of this repository has no API that Stryker could use to move a tsconfig: its copy goes without one.
  ignorePatterns: ['/dist', '/test', '/reports', '/tsconfig*.json'],
  tsconfigFile: 'none',
  // Nothing is sent anywhere: Stryker has no telemetry, and its dashboard is not among the reporters.
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { logTests: false, reportTests: false, skipFull: true },
  htmlReporter: { fileName: `reports/mutation/${folder}.html` },
  jsonReporter: { fileName: `reports/mutation/${folder}.json` },
  incrementalFile: `reports/mutation/${folder}-incremental.json`,
  thresholds: { high: 98, low: 95, break: 95 },
};
