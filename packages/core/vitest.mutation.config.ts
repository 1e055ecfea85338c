import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

const folder = process.env['MUTATE_FOLDER'] ?? 'policy';

export default mergeConfig(
  base,
  defineConfig({
    test: {
      include: [`src/${folder}/**/*.test.ts`],
      // Once per mutant is often: tests that go through every cut take each 53rd (`splice-cuts.test.ts`), properties 40 inputs, and
      // tests that push a bound of many megabytes are left out (`testing/holds.ts`): each byte passes dozens of switches here.
      env: { CUT_STEP: '53', MOST_RUNS: '40', MEGABYTES: 'no' },
    },
  }),
);
