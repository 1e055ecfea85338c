// What all frameworks' servers have in common: one upstream, one client, and what a client over HTTP sees.

import { once } from 'node:events';
import { request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import { holdfast, type Holdfast } from '@holdfast/core';
import { fastClock } from '../clock.ts';
import { nothing, type Observation } from '../observation.ts';
import { request } from '../observe.ts';
import type { Observed, Side, Surface } from '../situation.ts';
import { upstream, type Answerer, type Upstream } from '../upstream.ts';

/** What an application is made of. */
export interface Parts {
  readonly client: Anthropic;
  /** Null: the framework and the SDK alone. */
  readonly hold: Holdfast | null;
}

/**
 * The application of a framework, with and without its adapter. It answers `/create` and `/stream` by asking Claude, and `/own`
 * with an error of its own.
 */
export type Build = (parts: Parts, closes: (() => unknown)[]) => Promise<Server>;

export interface Seen {
  readonly status: number;
  readonly body: string;
  /** Whether the reply ended as HTTP says it must. */
  readonly whole: boolean;
}

export interface Running {
  readonly url: string;
  readonly upstream: Upstream;
}

/** Runs an application on loopback, with everything that has to be closed. */
export async function running(build: Build, side: Side, answer: Answerer | undefined, closes: (() => unknown)[]): Promise<Running> {
  const server = await upstream(answer);
  closes.push(() => server.close());
  const hold = side === 'held' ? holdfast({ clock: fastClock(20) }) : null;
  if (hold) closes.push(() => hold.close());
  const client = new Anthropic({ baseURL: server.url, apiKey: 'k', logLevel: 'off', ...(hold ? { middleware: [hold] } : {}) });
  const app = await build({ client, hold }, closes);
  if (!app.listening) await once(app, 'listening');
  closes.push(() => {
    app.closeAllConnections();
    app.close();
  });
  return { url: `http://127.0.0.1:${(app.address() as AddressInfo).port}`, upstream: server };
}

/** Asks, and reads to the end; after `leavesAfterMs` the client is gone. */
export function fetchAll(
  url: string,
  init: { method?: string; body?: string; headers?: Record<string, string>; leavesAfterMs?: number } = {},
): Promise<Seen> {
  return new Promise((resolve) => {
    let body = '';
    let status = 0;
    const sent = httpRequest(
      url,
      {
        method: init.method ?? 'GET',
        headers: { ...(init.body === undefined ? {} : { 'content-type': 'application/json' }), ...init.headers },
      },
      (reply) => {
        status = reply.statusCode ?? 0;
        reply.setEncoding('utf8');
        reply.on('data', (piece: string) => (body += piece));
        reply.on('error', () => {});
        reply.on('close', () => resolve({ status, body, whole: reply.complete }));
      },
    );
    sent.on('error', () => resolve({ status, body, whole: false }));
    sent.on('close', () => resolve({ status, body, whole: false }));
    sent.end(init.body);
    if (init.leavesAfterMs !== undefined) setTimeout(() => sent.destroy(), init.leavesAfterMs);
  });
}

/** What a client saw, in the terms of the judge: an answer has all its words, a failure has a status. */
export function toldBy({ status, body, whole }: Seen, words: string): Partial<Observation> {
  const text = textIn(body);
  if (status > 0 && status < 400 && text.includes(words) && whole)
    return { outcome: 'answered', answer: { text: words, tools: [], content: words, stopReason: null, usage: '', whole: true } };
  const said = whole ? /"?error"?/.test(body) || status >= 400 : false;
  return {
    outcome: 'failed',
    failure: {
      classes: [said ? 'AnthropicError' : whole ? 'a quiet end' : 'connection lost'],
      status: status >= 400 ? status : null,
      type: null,
      message: body.slice(0, 200),
      words: body.slice(0, 200),
      requestId: null,
      kind: '',
      retryable: false,
    },
  };
}

/** The text of an answer in any of the forms in which servers send one. */
function textIn(body: string): string {
  const pieces = [...body.matchAll(/"text":("(?:[^"\\]|\\.)*")/g)].map(([, piece]) => JSON.parse(piece as string) as string);
  return pieces.join('');
}

/** One who has left is told nothing. */
const left: Partial<Observation> = {
  outcome: 'answered',
  answer: { text: 'left', tools: [], content: '', stopReason: null, usage: '', whole: true },
};

/** A row that asks an application once. */
export const asks =
  (
    build: Build,
    path: (surface: Surface) => string,
    answer: Answerer | undefined,
    words: string,
    init: Parameters<typeof fetchAll>[1] = {},
  ): Observed['observe'] =>
  async (side, surface, closes) => {
    const app = await running(build, side, answer, closes);
    const from = performance.now();
    const seen = await fetchAll(app.url + path(surface), init);
    const ms = performance.now() - from;
    for (let waited = 0; app.upstream.open() > 0 && waited < 1500; waited += 25) await sleep(25);
    return {
      ...nothing,
      ...(init.leavesAfterMs === undefined ? toldBy(seen, words) : left),
      requests: app.upstream.seen.length,
      ms,
      open: app.upstream.open(),
    };
  };

export const question = request;
