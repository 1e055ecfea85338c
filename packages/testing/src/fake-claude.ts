// The fake Claude: a Messages API that fails when it is told to, over real sockets or in process.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Misbehaviour } from './continue.ts';
import { control } from './control.ts';
import { toFault, type Fault, type FaultLike } from './faults.ts';
import { inProcessFetch } from './in-process.ts';
import type { RequestRecord } from './ledger.ts';
import { replyTo, type Reply } from './reply.ts';
import { reportedIn } from './reported.ts';
import type { Scenario } from './scenarios.ts';
import { seededRandom } from './seeded-random.ts';
import { serve } from './serve.ts';

export interface FakeClaudeOptions {
  /** Decides what the model says and how it is cut up. Default 1. */
  readonly seed?: number;
  /** Scales how much it writes. Default 1: about a page. */
  readonly size?: number;
  /** Default: any free one. */
  readonly port?: number;
  /** Default: loopback only. */
  readonly host?: string;
  /** What it answers until told otherwise. Default `'text'`. */
  readonly scenario?: Scenario;
  /** Names this server in its ledger, when several stand for several regions. Default `'fake'`. */
  readonly target?: string;
}

export interface RandomFaults {
  readonly seed: number;
  /** Share of requests that fail, 0 to 1. */
  readonly rate: number;
  readonly faults: readonly FaultLike[];
}

/** What the server does next. Shared by both transports, the control endpoint and the command line. */
export interface FakeClaude {
  /** The base URL for an SDK. */
  readonly url: string;
  /** Every request so far, in order. */
  readonly requests: readonly RequestRecord[];
  /** A `fetch` that answers as this server does, without sockets: `new Anthropic({ fetch: claude.fetch })`. */
  readonly fetch: typeof globalThis.fetch;
  /** Faults for the next requests to /v1/messages, one each; null is a healthy one. Then healthy again. */
  script(...faults: readonly (FaultLike | null)[]): void;
  /** The same fault every time, until null. */
  always(fault: FaultLike | null): void;
  /** Seeded random faults, until null. */
  random(faults: RandomFaults | null): void;
  /** What it answers from now on. */
  answer(scenario: Scenario): void;
  /** How it continues interrupted answers from now on; null: honestly. */
  misbehave(how: Misbehaviour | null): void;
  /** Forgets faults and requests. */
  reset(): void;
  /** Ends every connection and stops. */
  close(): Promise<void>;
}

/** The models it says it has. Any other name works too. */
const models = ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5', 'claude-opus-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5'];

/** One request as a transport received it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
}

export type Handle = (received: Received) => { readonly reply: Reply; readonly record: RequestRecord };

/**
 * Starts a fake Claude on loopback.
 *
 * @example
 * ```ts
 * const claude = await fakeClaude();
 * claude.script('overloaded', 'cut-mid-stream');
 * const client = new Anthropic({ baseURL: claude.url, apiKey: 'test' });
 * ```
 */
export async function fakeClaude(options: FakeClaudeOptions = {}): Promise<FakeClaude> {
  const { seed = 1, size = 1, target = 'fake' } = options;
  const requests: RequestRecord[] = [];
  let scenario = options.scenario ?? 'text';
  let misbehaviour: Misbehaviour | null = null;
  let scripted: (Fault | null)[] = [];
  let constant: Fault | null = null;
  let chance: (() => Fault | null) | null = null;

  const handle: Handle = ({ method, path, headers, bodyText }) => {
    const [pathname = '', query = ''] = path.split('?');
    const body = parse(bodyText);
    const marker = markerOf(query);
    const fault =
      pathname === '/v1/messages'
        ? (marker ?? (scripted.length > 0 ? (scripted.shift() ?? null) : (constant ?? chance?.() ?? null)))
        : constant;
    const reply = replyTo({
      method,
      path: pathname,
      body,
      version: headers['anthropic-version'] ?? stringOf(body?.['anthropic_version']),
      bytes: Buffer.byteLength(bodyText),
      fault,
      scenario,
      misbehaviour,
      seed,
      size,
      number: requests.length + 1,
      models,
    });
    const record: RequestRecord = {
      number: requests.length + 1,
      at: Date.now(),
      method,
      path,
      target,
      ...keyOf(headers),
      headers,
      model: typeof body?.['model'] === 'string' ? body['model'] : null,
      stream: body?.['stream'] === true,
      body,
      fault,
      continues: reply.continues,
      status: null,
      billed: reply.billed,
      get reported() {
        return reportedIn(reply.chunks, this.bytesSent);
      },
      bytesSent: 0,
      clientLeft: false,
      finishedAt: null,
    };
    requests.push(record);
    return { reply, record };
  };

  const state: Omit<FakeClaude, 'url' | 'fetch' | 'close'> = {
    requests,
    script(...faults) {
      scripted = faults.map((fault) => (fault === null ? null : toFault(fault)));
    },
    always(fault) {
      constant = fault === null ? null : toFault(fault);
    },
    random(faults) {
      if (!faults) {
        chance = null;
        return;
      }
      const random = seededRandom(faults.seed);
      const choices = faults.faults.map(toFault);
      chance = () => (random() < faults.rate ? (choices[Math.floor(random() * choices.length)] ?? null) : null);
    },
    answer(next) {
      scenario = next;
    },
    misbehave(how) {
      misbehaviour = how;
    },
    reset() {
      requests.length = 0;
      scripted = [];
      constant = null;
      chance = null;
      misbehaviour = null;
      scenario = options.scenario ?? 'text';
    },
  };

  const server = createServer((request, response) => {
    if (request.url?.startsWith('/_fake/')) void control(state, request, response);
    else void serve(handle, request, response);
  });
  // Faults decide how long things take, not the server.
  server.keepAliveTimeout = 60_000;
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    fetch: inProcessFetch(handle),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** `?fault=overloaded` in the base URL: faults for clients that share a server. */
function markerOf(query: string): Fault | null {
  const name = new URLSearchParams(query).get('fault');
  return name === null ? null : toFault(name as FaultLike);
}

const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function keyOf(headers: Readonly<Record<string, string>>): { key: string | null; keyHeader: string | null } {
  const bearer = headers['authorization'];
  if (bearer !== undefined) return { key: bearer.replace(/^Bearer /, ''), keyHeader: 'authorization' };
  const key = headers['x-api-key'];
  return key === undefined ? { key: null, keyHeader: null } : { key, keyHeader: 'x-api-key' };
}
