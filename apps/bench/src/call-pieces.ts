// Where the cost of a healthy call comes from. In one process, without sockets: the bare SDK, then middleware that does one
// thing more in each row, the way it must be done, and Holdfast. Allocations are exact; time is what this machine gives.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { getHeapStatistics } from 'node:v8';
import { answer, cpuPerCall, request } from './call-wire.ts';
import { table } from './report.ts';
import { compareSides, serveSide } from './sides.ts';

const processes = 5;
const rounds = 15;
const callsPerRound = 512;
const warmUp = 15;
const concurrency = 64;
const firstByteMs = 60_000;

type Middleware = NonNullable<NonNullable<ConstructorParameters<typeof Anthropic>[0]>['middleware']>[number];

/** A Response that was read, for the SDK to read again without a stream. */
class Read extends Response {
  readonly #value: unknown;

  constructor(value: unknown, init: ResponseInit) {
    super(null, init);
    this.#value = value;
  }

  override async json(): Promise<unknown> {
    return this.#value;
  }
}

/** What middleware does: everything up to `upTo`. */
function middlewareUpTo(upTo: Piece): Middleware {
  const has = (piece: Piece): boolean => pieces.indexOf(piece) <= pieces.indexOf(upTo);
  const signals = has('its own signal, linked to the caller');
  const timed = has('a time limit');
  const reads = has('the answer read and checked before it is given');
  const labels = has('headers copied and labelled');
  const parses = has('the request parsed');
  if (upTo === 'an empty middleware') return (sent, next) => next(sent);
  return async (sent, next) => {
    if (parses) JSON.parse(sent.body as string);
    const controller = signals ? new AbortController() : null;
    const abort = (): void => controller?.abort();
    const timer = timed ? setTimeout(abort, firstByteMs) : undefined;
    if (controller) sent.signal?.addEventListener('abort', abort);
    try {
      const response = await next(controller ? { ...sent, signal: controller.signal } : sent);
      if (!reads) return response;
      const message: unknown = JSON.parse(await response.text());
      if (!labels) return new Read(message, { headers: { 'content-type': 'application/json' } });
      const copy = new Read(message, response);
      for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) copy.headers.delete(name);
      for (const name of ['holdfast-call-id', 'holdfast-attempts', 'holdfast-target']) copy.headers.set(name, 'label');
      return copy;
    } finally {
      clearTimeout(timer);
      if (controller) sent.signal?.removeEventListener('abort', abort);
    }
  };
}

const pieces = [
  'bare SDK',
  'an empty middleware',
  'its own signal, linked to the caller',
  'a time limit',
  'the request parsed',
  'the answer read and checked before it is given',
  'headers copied and labelled',
] as const;
type Piece = (typeof pieces)[number];

const wholes = {
  'Holdfast: circuit, budget, latency, ledger, ids': () => holdfast(),
  'Holdfast, heard by a listener': () => holdfast({ on: () => {} }),
} as const;

function middlewareOf(name: string): Middleware[] {
  if (name === 'bare SDK') return [];
  const whole = wholes[name as keyof typeof wholes];
  return [whole ? (whole() as Middleware) : middlewareUpTo(name as Piece)];
}

const bytes = new TextEncoder().encode(answer);
let sent = 0;

/** An upstream that answers in the next turn of the loop, with a body that must be read as one that came over the wire. */
async function answering(): Promise<Response> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  const body = new ReadableStream({
    type: 'bytes',
    pull(controller) {
      controller.enqueue(bytes.slice());
      controller.close();
    },
  });
  const headers = { 'content-type': 'application/json', 'request-id': `req_${(sent += 1)}`, 'transfer-encoding': 'chunked', date: 'now' };
  return new Response(body, { headers });
}

function side(name: string, what: string): void {
  const client = new Anthropic({ baseURL: 'http://127.0.0.1', apiKey: 'bench', fetch: answering, middleware: middlewareOf(name) });
  const round = (): Promise<number> => cpuPerCall(() => client.messages.create(request), callsPerRound, concurrency);
  // Since Node.js 25; the types do not know it yet.
  const allocated = (): number => (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes;
  serveSide(async () => {
    const before = allocated();
    const cpu = await round();
    return what === 'time' ? cpu : (allocated() - before) / callsPerRound;
  });
}

async function measure(): Promise<void> {
  const names = [...pieces, ...Object.keys(wholes)];
  const memory = await compareSides(import.meta.filename, names, ['bytes'], { rounds: 5, warmUp });
  const time = await compareSides(import.meta.filename, names, ['time'], { rounds, warmUp, processes });
  const bare = time[0]?.median ?? Number.NaN;
  const rows = names.map((name, i) => {
    const more = ((time[i]?.ratio.middle ?? Number.NaN) - 1) * bare;
    const bytesMore = (memory[i]?.median ?? Number.NaN) - (memory[0]?.median ?? Number.NaN);
    return [name, i === 0 ? bare.toFixed(1) : `+ ${more.toFixed(1)}`, i === 0 ? '' : `+ ${(bytesMore / 1024).toFixed(1)}`];
  });
  console.log(
    `A healthy call without sockets, ${concurrency} at a time, beside the bare SDK; medians of ${processes * rounds} rounds; Node.js ${process.version}`,
  );
  console.log(table(['everything up to', 'µs', 'KiB allocated'], rows));
}

const [name, what] = process.argv.slice(2);
if (name === undefined) await measure();
else side(name, what as string);
