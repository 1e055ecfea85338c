// Reads Responses and thrown errors into outcomes. The only place that touches an error's body.

import { connectionFacts } from '../policy/connection-facts.ts';
import { readErrorBody } from '../policy/error-body.ts';
import type { Outcome } from '../policy/outcome.ts';

/** More of an error's body than this is not read. */
const maxErrorBytes = 64 * 1024;

/** Reads a refusal: its outcome, and the text of its body for whoever has to surface it. */
export async function outcomeOfResponse(response: Response): Promise<{ outcome: Outcome; text: string }> {
  const text = await readText(response, maxErrorBytes).catch(() => '');
  const error = readErrorBody(text, response.headers.get('content-type'));
  return { outcome: { type: 'response', status: response.status, headers: response.headers, error }, text };
}

/** What a rejected send tells. */
export function outcomeOfError(error: unknown): Outcome {
  return { type: 'connection', cause: connectionFacts(error) };
}

async function readText(response: Response, limit: number): Promise<string> {
  if (!response.body) return '';
  const decoder = new TextDecoder();
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  let text = '';
  for (let left = limit; left > 0; ) {
    const step = await reader.read();
    if (step.done) return text + decoder.decode();
    text += decoder.decode(step.value.subarray(0, left), { stream: true });
    left -= step.value.byteLength;
  }
  await reader.cancel().catch(() => {});
  return text;
}
