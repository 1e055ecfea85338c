// Reads Responses and thrown errors into outcomes. The only place that touches an error's body.

import { connectionFacts } from '../policy/connection-facts.ts';
import { readErrorBody } from '../wire/error-body.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { Clock } from '../time.ts';

export interface ResponseOutcomeOptions {
  /** More of an error's body than this is not read, bytes. Default 64 KiB: Anthropic's are far smaller. */
  readonly limitBytes?: number;
  /** With a clock, a body is not waited for longer than `patienceMs`. */
  readonly clock?: Clock;
  /** How long a body may take, milliseconds. Default 5000: the status is there, and what is missing may never come. */
  readonly patienceMs?: number;
  /** Reads the body. Default: one is made for it. */
  readonly reader?: ReadableStreamDefaultReader<Uint8Array> | null;
}

/**
 * Reads a refusal: its outcome, and the text of its body for whoever has to surface it. A body that is too long, too slow or
 * broken gives what had arrived, and the rest is cancelled, so that the socket is free. Never rejects.
 */
export async function outcomeOfResponse(
  response: Response,
  {
    limitBytes = 64 * 1024,
    clock,
    patienceMs = 5_000,
    reader = (response.body?.getReader() ?? null) as ReadableStreamDefaultReader<Uint8Array> | null,
  }: ResponseOutcomeOptions = {},
): Promise<{ outcome: Extract<Outcome, { type: 'response' }>; text: string }> {
  const cancel = (): void => void reader?.cancel().catch(() => {});
  const cancelTimer = clock?.after(patienceMs, cancel);
  const text = reader ? await readText(reader, limitBytes) : '';
  cancelTimer?.();
  cancel();
  const error = readErrorBody(text, response.headers.get('content-type'));
  return { outcome: { type: 'response', status: response.status, headers: response.headers, error }, text };
}

/** What a rejected send tells. */
export function outcomeOfError(error: unknown): Outcome {
  return { type: 'connection', cause: connectionFacts(error) };
}

async function readText(reader: ReadableStreamDefaultReader<Uint8Array>, limitBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (let left = limitBytes; left > 0;) {
      const step = await reader.read();
      if (step.done) return text + decoder.decode();
      text += decoder.decode(step.value.subarray(0, left), { stream: true });
      left -= step.value.byteLength;
    }
  } catch {
    // The body broke: what had arrived is all there is.
  }
  return text;
}
