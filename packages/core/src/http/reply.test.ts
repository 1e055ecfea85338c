import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { problemOfKind } from './problem.ts';
import { replyToNode, toResponse } from './reply.ts';

const reply = problemOfKind('overloaded', { random: () => 0 });

async function answered(handle: (response: ServerResponse) => void): Promise<Response> {
  const server = createServer((_request, response) => handle(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers: { connection: 'close' } });
    return new Response(await response.text(), response);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('a reply', () => {
  it('is sent whole while nothing was sent', async () => {
    const response = await answered((given) => void replyToNode(given, reply));

    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toEqual(reply.body);
  });

  it('ends an event stream that had begun', async () => {
    const response = await answered((given) => {
      given.setHeader('content-type', 'text/event-stream');
      given.write(': hello\n\n');
      replyToNode(given, reply);
    });
    const [hello, event, data] = (await response.text()).split('\n').filter((line) => line !== '');

    expect([hello, event]).toEqual([': hello', 'event: error']);
    expect(JSON.parse(data!.slice('data: '.length))).toEqual({
      type: 'error',
      error: { type: 'overloaded_error', message: reply.body.detail, details: { code: 'overloaded', retryable: true, retryAfterMs: 5000 } },
      request_id: null,
    });
  });

  it('breaks off anything else that had begun', async () => {
    const half = answered((given) => {
      given.writeHead(200, { 'content-type': 'application/json' }).write('{"half":');
      replyToNode(given, reply);
    });

    await expect(half).rejects.toThrow();
  });

  it('is not sent to a client who left', () => {
    expect(replyToNode({ destroyed: true } as ServerResponse, reply)).toBe(false);
  });

  it('can be a web response', async () => {
    const response = toResponse(reply);

    expect([response.status, response.headers.get('content-type')]).toEqual([503, 'application/problem+json']);
    expect(await response.json()).toEqual(reply.body);
  });
});
