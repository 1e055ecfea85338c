// The text under which an answer is kept: the same request of the same tenant, and nothing else, finds it.

type Json = Readonly<Record<string, unknown>>;

/** Fields that do not change what is answered. Nor do marks for the prompt cache, which stand anywhere. */
const beside = new Set(['stream', 'metadata', 'service_tier', 'speed', 'inference_geo']);

/**
 * The canonical text of a request. Tenant and request stand in one JSON array, so no tenant name can be chosen to reach
 * another's entries. Object keys are sorted; arrays keep their order.
 */
export function canonicalRequest(body: Json, tenant: string | null): string {
  const kept = Object.fromEntries(Object.entries(body).filter(([name]) => !beside.has(name)));
  return JSON.stringify([tenant, sorted(kept)]);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  // A null prototype: a key named __proto__ is a key like any other.
  const result = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(value).sort()) if (name !== 'cache_control') result[name] = sorted((value as Json)[name]);
  return result;
}
