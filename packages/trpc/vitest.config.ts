import { defineConfig } from 'vitest/config';

export default defineConfig({
  // `import` and `default` are implied; named here they would reach Node too, and `require` would find ESM where it wants CJS.
  ssr: { resolve: { conditions: ['@holdfast/source', 'node'] } },
  test: { include: ['src/**/*.test.ts', 'test/**/*.test.ts'] },
});
