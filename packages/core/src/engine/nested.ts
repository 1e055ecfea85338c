// Recognises calls that a Holdfast further out already looks after, so that layers never multiply.

import type { ApiOptions } from './call.ts';

/** Shared by every copy of this package in the process. */
const marker: unique symbol = Symbol.for('holdfast.nested.v1') as never;

/** Put on the options of a call, or on a request on its way to `fetch`, that is made on behalf of a call that Holdfast already runs. */
export const nestedMark: Record<symbol, true> = { [marker]: true };

/** The instance that runs the calls of a context. */
const owners = new WeakMap<object, object>();

/**
 * True when another Holdfast runs this call: on the client that sent it here, or further out in the same chain. Not when the
 * same instance sees the context again: middleware further out may ask several times, as the SDK's does after a refusal.
 */
export function isNested(ctx: object, options: ApiOptions, request: object, instance: object): boolean {
  if (isMarked(options) || isMarked(request)) return true;
  const owner = owners.get(ctx);
  if (owner === undefined) owners.set(ctx, instance);
  return owner !== undefined && owner !== instance;
}

const isMarked = (thing: object): boolean => (thing as Record<symbol, unknown>)[marker] === true;
