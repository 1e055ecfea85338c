// Readers who bring their own buffers. A stream made for them from the start would cost every other reader more.

type Bytes = ReadableStream<Uint8Array>;

const native = ReadableStream.prototype.getReader;

/** `stream`, which also gives readers for `{ mode: 'byob' }`, as the body of a Response from `fetch` does. */
export const withByteReader = (stream: Bytes): Bytes =>
  Object.defineProperty(stream, 'getReader', { value: getReader, configurable: true });

function getReader(this: Bytes, options?: ReadableStreamGetReaderOptions): ReadableStreamReader<Uint8Array> {
  if (options?.mode !== 'byob') return native.call(this, options as { mode: 'byob' });
  const reader = native.call(this, undefined as never) as unknown as ReadableStreamDefaultReader<Uint8Array>;
  const bytes = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value } = await next(reader);
      // What is handed to such a stream is taken away from its owner.
      if (!done) return controller.enqueue(new Uint8Array(value));
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return bytes.getReader({ mode: 'byob' }) as unknown as ReadableStreamReader<Uint8Array>;
}

/** The next piece that is one: a byte stream takes no empty ones. */
async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
  let step = await reader.read();
  while (!step.done && step.value.byteLength === 0) step = await reader.read();
  return step;
}
