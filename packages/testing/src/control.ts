// Switches over HTTP, so that a page, a shell or another language can break things while they run.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FakeClaude } from './fake-claude.ts';
import { faults, type FaultLike } from './faults.ts';
import type { Misbehaviour } from './continue.ts';
import { scenarioNames, type Scenario } from './scenarios.ts';

type Switches = Omit<FakeClaude, 'url' | 'fetch' | 'close'>;

interface Orders {
  readonly always?: FaultLike | null;
  readonly script?: readonly (FaultLike | null)[];
  readonly answer?: Scenario;
  readonly misbehave?: Misbehaviour | null;
  readonly reset?: boolean;
}

const maxBytes = 64 * 1024;

/** `GET /_fake/requests`, `GET /_fake/faults`, `POST /_fake/control` with `{ always | script | answer | misbehave | reset }`. */
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

function obey(claude: Switches, { always, script, answer, misbehave, reset }: Orders): void {
  if (reset) claude.reset();
  if (always !== undefined) claude.always(always);
  if (script) claude.script(...script);
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
