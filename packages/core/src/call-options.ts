// Options for a single call, in the shape the SDK's request options take.

import type { CallOptions } from './options.ts';

/** A part of the SDK's request options that carries Holdfast's. */
export interface RequestOptionsWithHoldfast {
  readonly holdfast: CallOptions;
  /** Never set: something in common with the SDK's type, without which TypeScript takes the two for unrelated. */
  readonly method?: never;
}

/**
 * Holdfast's options for one call. The SDK hands unknown request options on to middleware, but its type for them cannot be
 * extended from outside, so this function gives them a type.
 *
 * @returns request options, alone or to spread among others
 *
 * @example
 * ```ts
 * await client.messages.create(body, callOptions({ deadlineMs: 20_000, tenant: user.account }));
 * await client.messages.create(body, { signal, ...callOptions({ attempts: 1 }) });
 * ```
 */
export function callOptions(options: CallOptions): RequestOptionsWithHoldfast {
  return { holdfast: options };
}
