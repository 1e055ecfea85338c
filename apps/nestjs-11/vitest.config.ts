import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// The adapter's sources find the NestJS of this package here, not their own.
const nest = (name: string): string => fileURLToPath(import.meta.resolve(`@nestjs/${name}`));

export default defineConfig({
  // `import` and `default` are implied; named here they would reach Node too, and `require` would find ESM where it wants CJS.
  ssr: { resolve: { conditions: ['@holdfast/source', 'node'] } },
  resolve: { alias: { '@nestjs/common': nest('common'), '@nestjs/core': nest('core') } },
  // Nothing here measures time; a busy machine is no failure.
  test: { include: ['test/**/*.test.ts'], testTimeout: 120_000 },
});
