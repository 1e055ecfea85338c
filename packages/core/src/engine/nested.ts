// Recognises calls that a Holdfast further out already looks after, so that layers never multiply.

import type { ApiOptions } from './call.ts';

/** Shared by every copy of this package in the process. */
const marker: unique symbol = Symbol.for('holdfast.nested.v1') as never;

/** Request options for a call made on behalf of a call that Holdfast already runs. */
export const nestedMark: Record<symbol, true> = { [marker]: true };

const seen = new WeakSet<object>();

/** True when another Holdfast runs this call: on the client that sent it here, or earlier in the same chain. */
export function isNested(ctx: object, options: ApiOptions): boolean {
  if ((options as unknown as Record<symbol, unknown>)[marker] === true || seen.has(ctx)) return true;
  seen.add(ctx);
  return false;
}
