// What is known of a target before anything was asked of it.

import type { TargetOptions } from '../options.ts';
import { withDefaults } from '../policy/defaults.ts';
import { defaultsOf, targetKind, type TargetFacts } from '../policy/target.ts';

/** The facts that the options and the kind of client tell. `client` null: the one that carries the middleware. */
export function factsOf(name: string, options: TargetOptions, client: object | null): TargetFacts {
  const kind = client === null ? 'anthropic' : targetKind(client);
  const defaults = defaultsOf(kind);
  return {
    name,
    kind,
    geo: options.geo ?? null,
    processor: options.processor ?? defaults.processor,
    weight: options.weight ?? 1,
    models: options.models ?? {},
    capabilities: withDefaults(defaults.capabilities, options.capabilities),
  };
}
