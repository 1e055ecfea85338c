// The conformance suite: what every adapter of Holdfast must do, checked over real sockets.

import type { AdapterUnderTest } from './adapter.ts';
import { healthCases } from './health-cases.ts';
import { hostileCases } from './hostile-cases.ts';
import { mappingCases } from './mapping-cases.ts';
import { shutdownCases } from './shutdown-cases.ts';
import { streamCases } from './stream-cases.ts';
import { createWorld, type Case, type World } from './world.ts';

export type {
  AdapterUnderTest,
  AppContext,
  Dialect,
  Route,
  RouteInput,
  RunningApp,
  SeenProblem,
  SeenStream,
  StreamFormat,
  WireRequest,
} from './adapter.ts';
export { httpDialect } from './http-dialect.ts';

/** The functions of a test runner. Vitest has them by these names; for node:test pass `before` and `after`. */
export interface Runner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
  beforeAll(body: () => Promise<void>): void;
  afterAll(body: () => Promise<void>): void;
}

const groups: readonly [name: string, cases: readonly Case[]][] = [
  ['replies', mappingCases],
  ['streams', streamCases],
  ['health', healthCases],
  ['hostile clients', hostileCases],
  ['shutdown', shutdownCases],
];

/**
 * Declares the suite for one adapter. Each case runs against the application that `adapter.start` makes, over HTTP, with
 * an upstream that fails as the case needs it.
 *
 * @example
 * ```ts
 * import { adapterConformance } from '@holdfast/testing/conformance';
 * import { afterAll, beforeAll, describe, it } from 'vitest';
 *
 * adapterConformance({ name: 'my adapter', start: startMyApp }, { describe, it, beforeAll, afterAll });
 * ```
 *
 * @throws when `skip` names a case that does not exist
 */
export function adapterConformance(adapter: AdapterUnderTest, runner: Runner): void {
  const skip = adapter.skip ?? {};
  const known = new Set(groups.flatMap(([, cases]) => cases.map(({ name }) => name)));
  const unknown = Object.keys(skip).filter((name) => !known.has(name));
  // Runners may call the bodies later: a mistake has to be told now.
  if (unknown.length > 0) throw new Error(`There is no case named ${unknown.join(', ')}`);
  runner.describe(`${adapter.name} conforms`, () => {
    for (const [group, cases] of groups) {
      runner.describe(group, () => {
        const shared = cases.some(({ fresh }) => !fresh) ? shareWorld(adapter, runner) : undefined;
        for (const { name, fresh, run } of cases) {
          if (Object.hasOwn(skip, name)) continue;
          runner.it(name, fresh || !shared ? () => inFreshWorld(adapter, run) : () => run(shared()));
        }
      });
    }
  });
}

function shareWorld(adapter: AdapterUnderTest, runner: Runner): () => World {
  let world: World | undefined;
  runner.beforeAll(async () => {
    world = await createWorld(adapter);
  });
  runner.afterAll(async () => world?.close());
  return () => {
    if (!world) throw new Error('The application was not started.');
    return world;
  };
}

async function inFreshWorld(adapter: AdapterUnderTest, run: Case['run']): Promise<void> {
  const world = await createWorld(adapter);
  try {
    await run(world);
  } finally {
    await world.close();
  }
}
