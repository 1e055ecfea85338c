// Calls that share a prompt cache go to the same target, without anybody remembering which: a hash decides.

type Json = Readonly<Record<string, unknown>>;

/** What of each part of a request tells conversations apart, in characters. */
const enough = 2_048;

/**
 * The name of the prompt cache a request uses: the beginning of its prefix, which stays the same while a conversation grows.
 * Null for a request that marks nothing for the cache: it may go anywhere.
 *
 * @param given what the application calls the conversation, if it says so; wins over the request's own beginning
 */
export function stickyKeyOf(body: Json | null, given: string | undefined): string | null {
  if (given !== undefined) return `given:${given.slice(0, enough)}`;
  if (body === null || !usesCache(body)) return null;
  const { tools, system, messages } = body;
  return [tools, system, Array.isArray(messages) ? messages[0] : null].map(beginning).join('\n');
}

/** https://platform.claude.com/docs/en/build-with-claude/prompt-caching: without a mark nothing is cached. */
function usesCache(body: Json): boolean {
  if (isMarked(body) || isMarkedIn(body['tools']) || isMarkedIn(body['system'])) return true;
  const { messages } = body;
  return Array.isArray(messages) && messages.some((message: Json | null) => isMarkedIn(message?.['content']));
}

const isMarked = (value: unknown): boolean => Boolean((value as Json | null)?.['cache_control']);
const isMarkedIn = (list: unknown): boolean => Array.isArray(list) && list.some(isMarked);

/** The first characters of the strings in `value`, in order; the mark itself moves and does not count. */
function beginning(value: unknown): string {
  let text = '';
  const collect = (inner: unknown): void => {
    if (text.length >= enough) return;
    if (typeof inner === 'string') text += inner.slice(0, enough - text.length);
    else if (typeof inner === 'object' && inner !== null)
      for (const [name, each] of Object.entries(inner)) if (name !== 'cache_control') collect(each);
  };
  collect(value);
  return text;
}

/** A number in [0, 1) that depends on all of `text` and looks random: FNV-1a with the finaliser of MurmurHash3. */
export function hashFraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * Weighted rendezvous hashing: the same key finds the same candidate, each candidate gets its share of keys, and when one
 * comes or goes only the keys that are its own move. https://en.wikipedia.org/wiki/Rendezvous_hashing#Weighted_rendezvous_hash
 */
export function rendezvous<T extends { readonly name: string; readonly weight: number }>(key: string, candidates: readonly T[]): T {
  const score = ({ name, weight }: T): number => weight / -Math.log(Math.max(hashFraction(`${name}\n${key}`), Number.MIN_VALUE));
  return candidates.reduce((best, candidate) => (score(candidate) > score(best) ? candidate : best));
}
