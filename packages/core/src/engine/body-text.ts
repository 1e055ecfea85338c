// Reads bodies to their end, within bounds.

/** A whole answer that is longer is none: what is compressed can be a thousand times longer than what was sent. Bytes. */
const maxAnswerBytes = 128 * 1024 * 1024;

/**
 * The text of a body that is read to its end; null when it is longer than any answer, and the rest is given up.
 *
 * @param chunks what was read of it already
 * @param onBytes called before each read
 */
export async function readRest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  chunks: readonly Uint8Array[],
  onBytes: () => void,
  limitBytes: number = maxAnswerBytes,
): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  const add = (chunk: Uint8Array): void => {
    text += decoder.decode(chunk, { stream: true });
    size += chunk.byteLength;
  };
  chunks.forEach(add);
  for (;;) {
    onBytes();
    const step = await reader.read();
    if (step.done) return text + decoder.decode();
    add(step.value);
    if (size <= limitBytes) continue;
    reader.cancel().catch(() => {});
    return null;
  }
}
