// The fake Claude: a Messages API that fails when it is told to, over real sockets or in process.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { misbehaviours, type Misbehaviour } from './continue.ts';
import { control } from './control.ts';
import { faultPlan, type FaultSwitches, type Only } from './fault-plan.ts';
import { toFault, type Fault, type FaultLike } from './faults.ts';
import { inProcessFetch } from './in-process.ts';
import type { RequestRecord } from './ledger.ts';
import { replyTo, type Reply } from './reply.ts';
import { reportedIn } from './reported.ts';
import { scenarioNames, type Scenario } from './scenarios.ts';
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

/** What the server does next. Shared by both transports, the control endpoint and the command line. */
export interface FakeClaude extends FaultSwitches {
  /** The base URL for an SDK. */
  readonly url: string;
  /** Every request so far, in order. */
  readonly requests: readonly RequestRecord[];
  /** A `fetch` that answers as this server does, without sockets: `new Anthropic({ fetch: claude.fetch })`. */
  readonly fetch: typeof globalThis.fetch;
  /** Faults for some requests only: of one path, model or key. They come before those without a selection. */
  only(which: Only): FaultSwitches;
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
  if (options.scenario !== undefined) mustBeOneOf('scenario', options.scenario, scenarioNames);
  let scenario = options.scenario ?? 'text';
  let misbehaviour: Misbehaviour | null = null;
  const plan = faultPlan();

  const handle: Handle = ({ method, path, headers, bodyText }) => {
    const [pathname = '', query = ''] = path.split('?');
    const body = parse(bodyText);
    const marker = markerOf(query);
    const credential = keyOf(headers);
    const model = typeof body?.['model'] === 'string' ? body['model'] : null;
    const stream = body?.['stream'] === true;
    const fault = marker ?? plan.next({ path: pathname, model, key: credential.key, stream });
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
      ...credential,
      headers,
      model,
      stream,
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
    script: plan.script,
    always: plan.always,
    random: plan.random,
    only: plan.only,
    answer(next) {
      mustBeOneOf('scenario', next, scenarioNames);
      scenario = next;
    },
    misbehave(how) {
      if (how !== null) mustBeOneOf('misbehaviour', how, misbehaviours);
      misbehaviour = how;
    },
    reset() {
      requests.length = 0;
      plan.reset();
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

function mustBeOneOf(what: string, name: string, known: readonly string[]): void {
  if (!known.includes(name)) throw new Error(`no ${what} is called "${name}"; known: ${known.join(', ')}`);
}

/** `?fault=overloaded` in the base URL: faults for clients that share a server. */
function markerOf(query: string): Fault | null {
  const name = new URLSearchParams(query).get('fault');
  if (name === null) return null;
  try {
    return toFault(name as FaultLike);
  } catch (error) {
    return { status: 400, message: (error as Error).message };
  }
}

const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function keyOf(headers: Readonly<Record<string, string>>): { key: string | null; keyHeader: string | null } {
  const bearer = headers['authorization'];
  if (bearer !== undefined) return { key: bearer.replace(/^Bearer /, ''), keyHeader: 'authorization' };
  const key = headers['x-api-key'];
  return key === undefined ? { key: null, keyHeader: null } : { key, keyHeader: 'x-api-key' };
}
