// Recognises calls that a Holdfast further out already looks after, so that layers never multiply.

import type { ApiOptions } from './call.ts';

/** Shared by every copy of this package in the process. */
const marker: unique symbol = Symbol.for('holdfast.nested.v1') as never;

/** Put on the options of a call, or on a request on its way to `fetch`, that is made on behalf of a call that Holdfast already runs. */
export const nestedMark: Record<symbol, true> = { [marker]: true };

/**
 * On a context of the SDK: the instance that runs its calls. Not in a WeakMap, which every collection has to look through: a
 * context lives as long as one call.
 */
const owner: unique symbol = Symbol('holdfast.owner');

/**
 * True when another Holdfast runs this call: on the client that sent it here, or further out in the same chain. Not when the
 * same instance sees the context again: middleware further out may ask several times, as the SDK's does after a refusal.
 */
export function isNested(ctx: object, options: ApiOptions, request: object, instance: object): boolean {
  if (isMarked(options) || isMarked(request)) return true;
  return ((ctx as { [owner]?: object })[owner] ??= instance) !== instance;
}

const isMarked = (thing: object): boolean => (thing as Record<symbol, unknown>)[marker] === true;
