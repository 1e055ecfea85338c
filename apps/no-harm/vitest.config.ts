import { defineConfig } from 'vitest/config';

export default defineConfig({
  // `import` and `default` are implied; named here they would reach Node too, and `require` would find ESM where it wants CJS.
  ssr: { resolve: { conditions: ['@holdfast/source', 'node'] } },
  // Nothing here measures time; a busy machine is no failure.
  test: { include: ['src/**/*.test.ts', 'test/**/*.test.ts'], testTimeout: 120_000 },
});
