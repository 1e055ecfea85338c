// Makes Responses of other `fetch` implementations read like those of the platform: node-fetch has Node streams as bodies.

import { copyAround } from './response-copy.ts';

/** A Node stream, or anything else that gives its pieces one after the other. */
interface Pieces extends AsyncIterable<Uint8Array | string> {
  destroy?(): void;
}

const encoder = new TextEncoder();

/** `response` has a body that only its own implementation can read. */
export const isForeign = ({ body }: Response): boolean => body !== null && body !== undefined && typeof body.getReader !== 'function';

/** `response`, or one that says the same around a web stream. */
export const webResponse = (response: Response): Response => {
  if (!isForeign(response)) return response;
  const pieces = response.body as unknown as Pieces;
  return copyAround(response, typeof pieces[Symbol.asyncIterator] === 'function' ? streamOf(pieces) : null);
};

/** Ends a body that nobody wants, of any implementation. */
export async function discard({ body }: Response): Promise<void> {
  if (!body) return;
  try {
    if (typeof body.cancel === 'function') await body.cancel();
    else (body as unknown as Pieces).destroy?.();
  } catch {
    // It has ended already.
  }
}

function streamOf(pieces: Pieces): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value);
      },
      cancel() {
        // An iterator that waits returns only when its stream has ended.
        if (pieces.destroy) pieces.destroy();
        else iterator.return?.().catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}
