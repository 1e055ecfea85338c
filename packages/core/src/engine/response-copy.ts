// What is handed on around a body of ours still looks like the answer it came from.

/** A Response like `response` around another body. */
export function copyAround(response: Response, body: BodyInit | null): Response {
  const copy = new Response(body, response);
  // A Response that was made, and not fetched, has none.
  Object.defineProperty(copy, 'url', { value: response.url });
  return copy;
}

/** `response` with `onEnd` called when its body has ended, or nobody wants the rest. */
export function followed(response: Response, reader: ReadableStreamDefaultReader<Uint8Array>, onEnd: () => void): Response {
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
    } catch (error) {
      onEnd();
      throw error;
    }
    onEnd();
    controller.close();
  };
  const cancel = (reason: unknown): Promise<void> => {
    onEnd();
    return reader.cancel(reason);
  };
  return copyAround(response, new ReadableStream({ pull, cancel }, { highWaterMark: 0 }));
}
