// Real servers and clients for tRPC: over HTTP with server-sent events, below Express, over WebSocket.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTRPCClient, createWSClient, httpLink, httpSubscriptionLink, splitLink, wsLink, type TRPCLink } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import { createHTTPHandler, type CreateHTTPHandlerOptions } from '@trpc/server/adapters/standalone';
import { applyWSSHandler, type WSSHandlerOptions } from '@trpc/server/adapters/ws';
import { EventSource } from 'eventsource';
import { WebSocketServer } from 'ws';

export interface Running {
  readonly url: string;
  /** What requests asked for. */
  readonly urls: string[];
  /** Cuts every connection, as a proxy that restarts does. */
  cut(): void;
  close(): Promise<unknown>;
}

export async function listen(server: Server): Promise<Running> {
  const urls: string[] = [];
  server.on('request', ({ url }) => urls.push(String(url)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    urls,
    cut: () => server.closeAllConnections(),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

export const serveHTTP = <Router extends AnyTRPCRouter>(options: CreateHTTPHandlerOptions<Router>): Promise<Running> =>
  listen(createServer(createHTTPHandler(options)));

/** Comes back at once, not after the three seconds of the standard. */
const comesBackAtOnce: typeof fetch = async (url, init) => {
  const reply = await fetch(url, init);
  const hint = new Response('retry: 1\n\n').body as ReadableStream<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      try {
        for (const part of [hint, reply.body as ReadableStream<Uint8Array>]) for await (const chunk of part) controller.enqueue(chunk);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
  });
  const { status, headers, url: at, redirected } = reply;
  return { body, status, headers, url: at, redirected } as Response;
};

export function clientOf<Router extends AnyTRPCRouter>(url: string, ...links: TRPCLink<Router>[]) {
  // The types of links ask for a transformer where the router's is not known.
  const plain = { url } as never;
  const events = { url, EventSource, eventSourceOptions: () => ({ fetch: comesBackAtOnce }) } as never;
  return createTRPCClient<Router>({
    links: [
      ...links,
      splitLink({ condition: ({ type }) => type === 'subscription', true: httpSubscriptionLink(events), false: httpLink(plain) }),
    ],
  });
}

export async function serveWS<Router extends AnyTRPCRouter>(options: Omit<WSSHandlerOptions<Router>, 'wss'>) {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(wss, 'listening');
  applyWSSHandler({ ...options, wss } as WSSHandlerOptions<Router>);
  const socket = createWSClient({ url: `ws://127.0.0.1:${(wss.address() as AddressInfo).port}`, retryDelayMs: () => 1 });
  const cut = (): void => {
    for (const client of wss.clients) client.terminate();
  };
  return {
    client: createTRPCClient<Router>({ links: [wsLink({ client: socket } as never)] }),
    cut,
    async close() {
      await socket.close();
      cut();
      await new Promise((resolve) => wss.close(resolve));
    },
  };
}
