import { defineConfig } from 'vitest/config';

export default defineConfig({
  ssr: { resolve: { conditions: ['@holdfast/source', 'node', 'import', 'default'] } },
  test: { include: ['src/**/*.test.ts', 'test/**/*.test.ts'] },
});
