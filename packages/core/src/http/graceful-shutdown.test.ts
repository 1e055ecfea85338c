import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { gracefulShutdown } from './graceful-shutdown.ts';
import { healthReply } from './health.ts';
import { relayToNode } from './relay-node.ts';
import { clientOf, handBody, handClock, messageStart, request, wholeAnswer, type HandBody } from './testing/wire.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function serve(handle: (response: ServerResponse) => void): Promise<{ server: Server; url: string }> {
  const server = createServer((_request, response) => handle(response));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function begin(url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent: new Agent({ keepAlive: true }) }), 'response')) as [IncomingMessage];
  return response;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of response) text += part;
  return text;
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
}

const times = { signals: [], readinessDelayMs: 5_000, drainMs: 20_000, endMs: 1_000 };

describe('a graceful shutdown', () => {
  it('is not ready first, still serves, and then takes nothing new', async () => {
    const clock = handClock();
    const { server, url } = await serve((response) => response.end('ok'));
    const { drain, shutdown } = gracefulShutdown(server, { ...times, clock });
    const ready = (): number => healthReply('ready', { health: () => ({ status: 'ok' }) }, { draining: drain.state !== 'serving' }).status;
    const states = [`${drain.state} ${ready()}`];

    const down = shutdown();
    states.push(`${drain.state} ${ready()}`);
    expect(await (await fetch(url, { headers: { connection: 'close' } })).text()).toBe('ok');
    clock.advance(5_000);
    await down;
    states.push(`${drain.state} ${ready()}`);

    expect(states).toEqual(['serving 200', 'draining 503', 'closed 503']);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('lets a running answer end, and waits no longer than that', async () => {
    const clock = handClock();
    let body!: HandBody;
    let closed = false;
    const stream = (): ReturnType<typeof handBody> => {
      body = handBody();
      body.send(messageStart);
      return body;
    };
    const { server, url } = await serve(
      (response) =>
        void relayToNode(clientOf(() => stream().response).messages.create({ ...request, stream: true }), response, {
          interrupt: drain.deadline,
        }),
    );
    const { drain, shutdown } = gracefulShutdown(server, { ...times, clock, onClosed: () => void (closed = true) });
    const response = await begin(url);

    const down = shutdown();
    clock.advance(5_000);
    await settled();
    expect([drain.state, drain.refuses]).toEqual(['closing', true]);
    body.send(wholeAnswer('Hello').slice(messageStart.length));
    const text = await textOf(response);
    // The connection is kept alive and idle now; nobody sends on it any more.
    clock.advance(250);
    await down;

    expect(text).toBe(wholeAnswer('Hello'));
    expect(closed).toBe(true);
    expect(clock.now()).toBeLessThan(25_000);
  });

  it('ends what still runs at the deadline with an error the reader can see', async () => {
    const clock = handClock();
    let body!: HandBody;
    const { server, url } = await serve((response) => {
      const stream = clientOf((signal) => {
        body = handBody(signal);
        body.send(messageStart);
        return body.response;
      });
      void relayToNode(stream.messages.create({ ...request, stream: true }), response, { interrupt: drain.deadline });
    });
    const { drain, shutdown } = gracefulShutdown(server, { ...times, clock });
    const text = begin(url).then(textOf);
    await settled();

    const down = shutdown();
    clock.advance(5_000);
    await settled();
    clock.advance(20_000);
    await body.cancelled;
    await settled();
    clock.advance(1_000);

    expect(await text).toContain('"code":"shutting-down"');
    await down;
  });

  it('destroys connections that do not end', async () => {
    const clock = handClock();
    const { server, url } = await serve((response) => response.write('never ends'));
    const { shutdown } = gracefulShutdown(server, { ...times, clock });
    const response = await begin(url);
    const text = textOf(response).catch((error: Error) => error.message);

    const down = shutdown();
    for (const ms of [5_000, 20_000, 1_000]) {
      await settled();
      clock.advance(ms);
    }

    await down;
    expect(await text).toBe('aborted');
  });

  it('begins with a signal, and hurries with the second', async () => {
    const clock = handClock();
    const { server } = await serve((response) => response.end());
    const { drain, dispose } = gracefulShutdown(server, { ...times, signals: ['SIGUSR2'], clock });
    const before = process.listenerCount('SIGUSR2');

    process.emit('SIGUSR2');
    expect(drain.state).toBe('draining');
    process.emit('SIGUSR2');
    await once(server, 'close');
    await settled();

    expect(drain.state).toBe('closed');
    expect(process.listenerCount('SIGUSR2')).toBe(before - 1);
    dispose();
  });

  it('gives running answers no second when it is hurried, and leaves a third signal to the system', async () => {
    const clock = handClock();
    const { server, url } = await serve((response) => response.write('never ends'));
    const before = process.listenerCount('SIGUSR2');
    const { drain } = gracefulShutdown(server, { ...times, signals: ['SIGUSR2'], clock });
    const response = await begin(url);
    const text = textOf(response).catch((error: Error) => error.message);

    process.emit('SIGUSR2');
    process.emit('SIGUSR2');
    expect(process.listenerCount('SIGUSR2')).toBe(before);
    await settled();
    expect(drain.state).toBe('ending');
    clock.advance(100);

    expect(await text).toBe('aborted');
  });

  it('runs once however often it is asked for', async () => {
    const { server } = await serve((response) => response.end());
    let closed = 0;
    const clock = handClock();
    const { shutdown } = gracefulShutdown(server, { ...times, clock, onClosed: () => void (closed += 1) });

    const both = [shutdown(), shutdown()];
    clock.advance(5_000);
    await Promise.all(both);

    expect(closed).toBe(1);
  });
});
