// What is handed on around a body of ours still looks like the answer it came from.

/** Statuses whose Responses have no body: https://fetch.spec.whatwg.org/#null-body-status */
const bodiless: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** A Response like `response` around another body. */
export function copyAround(response: Response, body: BodyInit | null): Response {
  return lookingLike(response, new Response(bodiless.has(response.status) ? null : body, initOf(response)));
}

/** What a Response like `response` can be made of: `fetch` gives statuses and reason phrases that no Response may be made with. */
export function initOf({ status = 200, statusText = '', headers = {} }: ResponseInit): ResponseInit {
  return {
    status: isCommon(status) ? status : 500,
    statusText: isByteString(statusText) ? statusText : '',
    // Headers of another implementation are read as pairs.
    headers: !(headers instanceof Headers) && Symbol.iterator in headers ? new Headers([...headers] as [string, string][]) : headers,
  };
}

/** Gives `copy` what it could not be made with. */
export function lookingLike(response: Response, copy: Response): Response {
  const shown: PropertyDescriptorMap = {};
  // A Response that was made, and not fetched, has none.
  if (response.url !== copy.url) shown['url'] = { value: response.url, configurable: true };
  if (response.type && response.type !== copy.type) shown['type'] = { value: response.type, configurable: true };
  if (response.redirected) shown['redirected'] = { value: true, configurable: true };
  if (response.status !== copy.status) {
    shown['status'] = { value: response.status, configurable: true };
    shown['ok'] = { value: response.ok, configurable: true };
  }
  if (response.statusText !== copy.statusText) shown['statusText'] = { value: response.statusText, configurable: true };
  return Object.defineProperties(copy, shown);
}

const isCommon = (status: number): boolean => status >= 200 && status <= 599;
/** What a reason phrase may be made of: https://www.rfc-editor.org/rfc/rfc9112#section-4 */
const isByteString = (text: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(text);

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
