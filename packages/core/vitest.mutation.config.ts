import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

const folder = process.env['MUTATE_FOLDER'] ?? 'policy';

export default mergeConfig(
  base,
  defineConfig({
    test: {
      include: [`src/${folder}/**/*.test.ts`],
      // Once per mutant is often: tests that go through every cut take each 53rd (`splice-cuts.test.ts`).
      env: { CUT_STEP: '53' },
    },
  }),
);
