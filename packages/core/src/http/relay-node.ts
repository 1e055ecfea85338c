// Relays the stream of an answer to a Node.js response.

import type { ServerResponse } from 'node:http';
import { quietly } from '../telemetry/quietly.ts';
import type { Pump } from './pump.ts';
import { relayFormats } from './relay-format.ts';
import { defaultSlowReaderMs, pumpFor, relayHeaders, type RelayOptions, type RelayResult } from './relay.ts';
import type { RelaySource } from './relay-source.ts';
import { systemClock } from '../time.ts';

/** The response of node:http, and of everything built on it (Express, Fastify's `reply.raw`). */
export type NodeResponse = Pick<
  ServerResponse,
  | 'headersSent'
  | 'getHeader'
  | 'writableEnded'
  | 'writableFinished'
  | 'writableLength'
  | 'destroyed'
  | 'setHeader'
  | 'flushHeaders'
  | 'write'
  | 'end'
  | 'destroy'
  | 'once'
  | 'on'
  | 'off'
> & { statusCode: number };

/** Nothing can be written any more. The responses of HTTP/2 do not say it themselves; their streams do. */
export function isGone(response: NodeResponse): boolean {
  return response.destroyed || http2Stream(response)?.destroyed === true;
}

/** HTTP/2 knows no `connection` header. */
export const isHttp2 = (response: NodeResponse): boolean => http2Stream(response) !== undefined;

const http2Stream = (response: NodeResponse): { readonly destroyed?: boolean } | undefined =>
  (response as { readonly stream?: { readonly destroyed?: boolean } }).stream;

/**
 * `relay` for Node.js: writes to `response`, waits for it to drain, and stops the upstream when it closes early.
 * Headers already set on it (CORS, cookies) are kept.
 *
 * @returns how it ended, once the response is finished or closed
 * @throws what the call failed with before its first event, with nothing sent yet: let your error handler reply
 */
export async function relayToNode(source: RelaySource, response: NodeResponse, options: RelayOptions = {}): Promise<RelayResult> {
  let result: RelayResult = { outcome: 'left' };
  const pump = pumpFor(source, options, (end) => {
    result = end;
  });
  const ended = (end: RelayResult): RelayResult => {
    quietly(() => options.onEnd?.(end));
    return end;
  };
  pump.onTooSlow = () => response.destroy();
  // The request's own `close` comes when its body was read, long before the client leaves; the response's tells the truth.
  const onClose = (): void => pump.leave();
  const onError = (): void => {};
  response.on('close', onClose);
  response.on('error', onError);
  if (isGone(response)) pump.leave();
  // Nobody reads the answer to a HEAD: it is not paid for.
  if ((response as { req?: { method?: string } }).req?.method === 'HEAD') {
    pump.leave();
    sendHeaders(response, options);
    response.end();
  }
  try {
    try {
      await pump.begin();
    } catch (error) {
      if (isGone(response)) return ended({ outcome: 'left' });
      if (!response.headersSent) throw error;
      // Whoever sent headers before chose to be told inside the body.
      const lastWords = pump.lastWords(error);
      if (lastWords) response.end(lastWords);
      else await breakOff(response, options);
      return ended({ outcome: 'failed', error });
    }
    if (!isGone(response)) await write(pump, response, options);
    return ended(result.outcome === 'completed' && !response.writableFinished ? { outcome: 'left' } : result);
  } finally {
    response.off('close', onClose);
    response.off('error', onError);
    pump.leave();
  }
}

/** Compressing middleware adds this, and then holds bytes that the response does not count. */
type Flushable = { flush?: () => void };

/** Twice this long without a byte to send: what a compressor was told to flush has left it. */
const flushMs = 50;

/** `destroy` drops what was written and is not sent yet; the reader is owed that much. */
function breakOff(response: NodeResponse, options: RelayOptions): Promise<void> {
  const clock = options.clock ?? systemClock;
  return new Promise((resolve) => {
    const settle = (): void => {
      cancelTimer();
      cancelLook();
      response.off('close', settle);
      response.destroy();
      resolve();
    };
    // A compressor's `write` never calls back.
    const look = (wasEmpty: boolean): void => {
      const isEmpty = response.writableLength === 0;
      if (isEmpty && wasEmpty) settle();
      else cancelLook = clock.after(flushMs, () => look(isEmpty));
    };
    let cancelLook = (): void => {};
    const cancelTimer = clock.after(options.slowReaderMs ?? defaultSlowReaderMs, settle);
    response.on('close', settle);
    response.write('', settle);
    const { flush } = response as Flushable;
    if (!flush) return;
    flush.call(response);
    cancelLook = clock.after(flushMs, () => look(false));
  });
}

function sendHeaders(response: NodeResponse, options: RelayOptions): void {
  if (response.headersSent) return;
  response.statusCode = 200;
  for (const [name, value] of Object.entries(relayHeaders(relayFormats[options.as ?? 'anthropic-sse'], options)))
    response.setHeader(name, value);
  response.flushHeaders();
}

async function write(pump: Pump, response: NodeResponse, options: RelayOptions): Promise<void> {
  sendHeaders(response, options);
  try {
    for (let piece = await pump.next(); piece && !isGone(response); piece = await pump.next()) {
      const hasRoom = response.write(piece);
      // Without it a small event waits for a full buffer.
      (response as Flushable).flush?.();
      if (!hasRoom && !isGone(response)) await settled('drain', pump, response, options);
    }
  } catch {
    // The format has no room for an error: the broken connection is what tells the reader that the answer is not whole.
    await breakOff(response, options);
    return;
  }
  if (isGone(response)) return;
  response.end();
  if (!response.writableFinished && !isGone(response)) await settled('finish', pump, response, options);
}

/** The last bytes may wait for a slow reader as well, when the answer itself has long ended. */
function settled(event: 'drain' | 'finish', pump: Pump, response: NodeResponse, options: RelayOptions): Promise<void> {
  return new Promise((resolve) => {
    const cancelTimer = (options.clock ?? systemClock).after(options.slowReaderMs ?? defaultSlowReaderMs, () => pump.giveUp());
    const settle = (): void => {
      cancelTimer();
      response.off(event, settle);
      response.off('close', settle);
      resolve();
    };
    response.on(event, settle);
    response.on('close', settle);
  });
}
