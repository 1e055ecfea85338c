// Relays the stream of an answer to an Express response.

import { relayToNode, type RelayOptions, type RelayResult, type RelaySource } from '@holdfast/core/http';
import type { Response } from 'express';
import { findContext } from './context.ts';

/**
 * Relays an answer as it is written, at the client's pace, and stops the upstream when the client leaves. A failure before
 * the first event is thrown, for `errorHandler` to reply; a later one is told inside the stream.
 *
 * @param source what `client.messages.create({ stream: true })` or `client.messages.stream()` returned
 * @returns how it ended
 */
export function sendStream(response: Response, source: RelaySource, options: RelayOptions = {}): Promise<RelayResult> {
  const context = findContext(response.req);
  return relayToNode(source, response, {
    ...options,
    interrupt: options.interrupt ?? context?.drain.deadline,
    signal: options.signal ?? context?.signal,
  });
}
