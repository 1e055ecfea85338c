// Sends a web Response where NestJS does not: 11 on Express takes it for an object without members, and answers `{}`.

import * as common from '@nestjs/common';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NEVER, mergeMap, of, type Observable } from 'rxjs';
import { isFastifyReply } from './fastify-reply.ts';
import { rawResponse } from './request-context.ts';

/** NestJS 12 brought it together with Responses. */
const nestSendsResponses = 'StandardSchemaValidationPipe' in common;

const ours = new WeakSet<object>();

/** @internal Marks a Response as one to deliver; without the interceptor NestJS 11 says what is missing instead of `{}`. */
export function deliverable(response: Response): Response {
  ours.add(response);
  if (!nestSendsResponses) Object.defineProperty(response, 'toJSON', { value: refuse });
  return response;
}

function refuse(): never {
  throw new TypeError('NestJS 11 cannot send a Response by itself: register HoldfastInterceptor, or use sendStream(res, stream).');
}

/** @internal Sends a Response of ours that `handled` emits, where the framework would not. */
export function delivered(handled: Observable<unknown>, response: object): Observable<unknown> {
  if (nestSendsResponses || isFastifyReply(response)) return handled;
  return handled.pipe(
    mergeMap((value) => {
      if (typeof value !== 'object' || value === null || !ours.has(value)) return of(value);
      void send(value as Response, response);
      return NEVER;
    }),
  );
}

async function send(answer: Response, response: object): Promise<void> {
  const raw = rawResponse(response);
  raw.statusCode = answer.status;
  for (const [name, value] of answer.headers) raw.setHeader(name, value);
  raw.flushHeaders();
  try {
    await pipeline(Readable.fromWeb(answer.body as never), raw as unknown as NodeJS.WritableStream);
  } catch {
    // Its client left, or its format has no room for a failure: the broken connection tells.
  }
}
