// What an answer says about its own cost, read from the bytes that were sent of it, as a client would.

import type { Usage } from './wire.ts';

export interface Reported {
  readonly usage: Usage;
  /** A stream tells its input first and its output last. */
  readonly final: boolean;
}

/** Null when the first `length` bytes of a body told nothing. */
export function reportedIn(chunks: readonly Uint8Array[], length: number): Reported | null {
  const text = Buffer.concat(chunks).subarray(0, length).toString('utf8').replaceAll('\r\n', '\n');
  if (text.startsWith('{')) {
    const usage = (parse(text) as { usage?: Usage } | null)?.usage;
    return usage ? { usage, final: true } : null;
  }
  let found: Reported | null = null;
  // What follows the last empty line is not an event yet.
  for (const event of text.split('\n\n').slice(0, -1)) {
    const data = parse(/^data: (.*)$/m.exec(event)?.[1] ?? '') as { type?: string; message?: { usage: Usage }; usage?: Usage } | null;
    if (data?.type === 'message_start' && data.message) found = { usage: data.message.usage, final: false };
    if (data?.type === 'message_delta' && found) found = { usage: { ...found.usage, ...data.usage }, final: true };
  }
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
