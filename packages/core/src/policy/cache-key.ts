// The text under which an answer is kept: the same request of the same tenant, and nothing else, finds it.

type Json = Readonly<Record<string, unknown>>;

/** Fields that do not change what is answered. Nor do marks for the prompt cache, which stand anywhere. */
const beside = new Set(['stream', 'metadata', 'service_tier', 'speed', 'inference_geo']);

/** Objects and arrays within each other. No real request is near that; one that is would cost more stack than there is. */
const deepest = 500;

/**
 * The canonical text of a request; null for one that is nested too deep to be written again. Tenant and request stand in one
 * JSON array, so no tenant name can be chosen to reach another's entries. Object keys are sorted; arrays keep their order.
 */
export function canonicalRequest(body: Json, tenant: string | null): string | null {
  const kept = Object.fromEntries(Object.entries(body).filter(([name]) => !beside.has(name)));
  const canonical = sorted(kept, deepest);
  return canonical === tooDeep ? null : JSON.stringify([tenant, canonical]);
}

const tooDeep: unique symbol = Symbol('too deep');

function sorted(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return tooDeep;
  if (Array.isArray(value)) {
    const items = value.map((item) => sorted(item, levels - 1));
    return items.includes(tooDeep) ? tooDeep : items;
  }
  // A null prototype: a key named __proto__ is a key like any other.
  const result = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(value).sort()) {
    if (name === 'cache_control') continue;
    const inner = sorted((value as Json)[name], levels - 1);
    if (inner === tooDeep) return tooDeep;
    result[name] = inner;
  }
  return result;
}
