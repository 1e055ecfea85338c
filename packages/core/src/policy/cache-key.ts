// The text under which an answer is kept: the same request of the same tenant, and nothing else, finds it.

type Json = Readonly<Record<string, unknown>>;

/** Fields that do not change what is answered. */
const beside = new Set(['stream', 'metadata', 'service_tier', 'speed', 'cache_control', 'inference_geo']);

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
  const entries = Object.entries(value).filter(([name]) => name !== 'cache_control');
  // A null prototype: a key named __proto__ is a key like any other.
  return Object.assign(
    Object.create(null),
    Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, sorted(inner)])),
  );
}
