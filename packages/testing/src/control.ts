// Switches over HTTP, so that a page, a shell or another language can break things while they run.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FakeClaude } from './fake-claude.ts';
import type { Only } from './fault-plan.ts';
import { faults, type FaultLike } from './faults.ts';
import type { Misbehaviour } from './continue.ts';
import { scenarioNames, type Scenario } from './scenarios.ts';

type Switches = Omit<FakeClaude, 'url' | 'fetch' | 'close'>;

interface Orders {
  /** `always` and `script` are for these requests alone. */
  readonly only?: Only;
  readonly always?: FaultLike | null;
  readonly script?: readonly (FaultLike | null)[];
  readonly answer?: Scenario;
  readonly misbehave?: Misbehaviour | null;
  readonly reset?: boolean;
}

const maxBytes = 64 * 1024;

/** `GET /_fake/requests`, `GET /_fake/faults`, `POST /_fake/control` with `{ only, always | script | answer | misbehave | reset }`. */
export async function control(claude: Switches, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  if (request.method === 'GET' && request.url === '/_fake/requests') {
    return send(
      200,
      claude.requests.map(({ number, at, path, target, model, stream, status, fault, continues, billed, reported, clientLeft }) => ({
        number,
        at,
        path,
        target,
        model,
        stream,
        status,
        fault,
        continues,
        billed,
        reported,
        clientLeft,
      })),
    );
  }
  if (request.method === 'GET' && request.url === '/_fake/faults')
    return send(200, { faults: Object.keys(faults), scenarios: scenarioNames });
  if (request.method !== 'POST' || request.url !== '/_fake/control') return send(404, { error: 'unknown control' });
  try {
    obey(claude, JSON.parse(await read(request)) as Orders);
    send(200, { ok: true });
  } catch (error) {
    send(400, { error: (error as Error).message });
  }
}

const known: readonly string[] = ['only', 'always', 'script', 'answer', 'misbehave', 'reset'] satisfies readonly (keyof Orders)[];

function obey(claude: Switches, orders: Orders): void {
  const { only, always, script, answer, misbehave, reset } = orders;
  const unknown = Object.keys(orders).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no order "${unknown}"; known: ${known.join(', ')}`);
  if (reset) claude.reset();
  const switches = only ? claude.only(only) : claude;
  if (always !== undefined) switches.always(always);
  if (script) switches.script(...script);
  if (answer) claude.answer(answer);
  if (misbehave !== undefined) claude.misbehave(misbehave);
}

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > maxBytes) throw new Error('the order is too long');
  }
  return text;
}
