// Node strips types, but knows no decorators: files that have some (Nest's) go through esbuild.

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    const code = readFileSync(fileURLToPath(url), 'utf8');
    if (!/^\s*@[A-Z]\w*\(/m.test(code)) return next(url, context);
    const { code: source } = transformSync(code, {
      loader: 'ts',
      format: 'esm',
      target: 'node22',
      sourcemap: 'inline',
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true, verbatimModuleSyntax: true } },
    });
    return { format: 'module', source, shortCircuit: true };
  },
});
