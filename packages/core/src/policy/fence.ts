// Where a request may go at all. A fence is never lowered: not in an outage, not in the middle of an answer.

/** Allowed places and processors. An absent list allows everything; an empty one allows nothing. */
export interface Fence {
  /** Where inference may run, in the words the targets' `geo` uses. Default: anywhere. */
  readonly geo?: readonly string[];
  /** Who may process the data, in the words the targets' `processor` uses. Default: anyone. */
  readonly processor?: readonly string[];
}

export interface Place {
  readonly geo: string | null;
  readonly processor: string | null;
}

/**
 * Why `place` is outside of any of `fences`; null when it is inside all of them. A place that does not say where it is
 * lies outside every fence that asks.
 */
export function fenceDenial(place: Place, fences: readonly (Fence | undefined)[]): string | null {
  for (const fence of fences) {
    if (fence?.geo && !(place.geo !== null && fence.geo.includes(place.geo))) return `geo ${place.geo ?? 'unknown'}`;
    if (fence?.processor && !(place.processor !== null && fence.processor.includes(place.processor)))
      return `processor ${place.processor ?? 'unknown'}`;
  }
  return null;
}

/**
 * The fence a request itself carries. `inference_geo: "us"` is a demand on the place; `"global"` is none.
 * https://platform.claude.com/docs/en/manage-claude/data-residency
 */
export function fenceOfRequest(body: Readonly<Record<string, unknown>> | null): Fence | undefined {
  const geo = body?.['inference_geo'];
  return typeof geo === 'string' && geo !== 'global' ? { geo: [geo] } : undefined;
}
