// Other implementations of fetch, and what apps do with the raw Response.

import { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import nodeFetch from 'node-fetch';
import type { Situation, Subject } from '../situation.ts';
import { request } from '../observe.ts';
import { cut, eventReply, healthy, jsonReply, upstream, type Reply } from '../upstream.ts';
import { errorBody, events, message } from '../wire.ts';

const soon = { 'retry-after-ms': '20' };

/** As node-fetch 2 answers: a body that is a Node stream, and no web stream about it. */
const nodeStreamFetch = (async (url: never, init: never) => {
  const response = await fetch(url, init);
  const body = response.body ? Readable.fromWeb(response.body as never) : null;
  body?.on('error', () => {});
  const whole = async (): Promise<string> => (body ? readText(body) : '');
  return {
    status: response.status,
    ok: response.ok,
    statusText: response.statusText,
    url: response.url,
    headers: response.headers,
    body,
    text: whole,
    json: async () => JSON.parse(await whole()) as unknown,
    arrayBuffer: async () => new TextEncoder().encode(await whole()).buffer,
  };
}) as never;

/** A Response without a body at all, only its text: as mocks and old polyfills have. */
const bodylessFetch = (async (url: never, init: never) => {
  const response = await fetch(url, init);
  const whole = await response.text();
  return {
    status: response.status,
    ok: response.ok,
    statusText: '',
    url: response.url,
    headers: response.headers,
    body: null,
    text: async () => whole,
    json: async () => JSON.parse(whole) as unknown,
  };
}) as never;

const implementations: Readonly<Record<string, never>> = {
  'node-fetch 3': nodeFetch as never,
  'a fetch of Node streams': nodeStreamFetch,
  'a fetch that wraps another': ((url: never, init: never) => fetch(url, init)) as never,
};

const replies: Readonly<Record<string, Reply>> = {
  '400': jsonReply(errorBody('invalid_request_error'), 400),
  '401': jsonReply(errorBody('authentication_error'), 401),
  '529': jsonReply(errorBody('overloaded_error'), 529, soon),
};

type Read = (response: Response) => Promise<string>;

const ways: Readonly<Record<string, Read>> = {
  text: (response) => response.text(),
  'new Response(body)': (response) => new Response(response.body).text(),
  'new Response(body, response)': (response) => new Response(response.body, response).text(),
  clone: async (response) => {
    const copy = response.clone();
    return (await Promise.all([response.text(), copy.text()])).join('|');
  },
  'clone, then the original': async (response) => {
    const copy = response.clone();
    return (await copy.text()) + (await response.text());
  },
  tee: async (response) => {
    const [a, b] = (response.body as ReadableStream<Uint8Array>).tee();
    return (await Promise.all([new Response(a).text(), new Response(b).text()])).join('|');
  },
  pipeThrough: async (response) => {
    let whole = '';
    for await (const piece of (response.body as ReadableStream<Uint8Array>).pipeThrough(
      new TextDecoderStream() as never,
    ) as AsyncIterable<string>)
      whole += piece;
    return whole;
  },
  pipeTo: async (response) => {
    let whole = '';
    const decoder = new TextDecoder();
    await response.body?.pipeTo(new WritableStream({ write: (piece) => void (whole += decoder.decode(piece, { stream: true })) }));
    return whole;
  },
  'Readable.fromWeb': (response) => readText(Readable.fromWeb(response.body as never)),
  'for await': async (response) => {
    let whole = '';
    const decoder = new TextDecoder();
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) whole += decoder.decode(piece, { stream: true });
    return whole;
  },
  getReader: async (response) => {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let whole = '';
    const decoder = new TextDecoder();
    for (let read = await reader.read(); !read.done; read = await reader.read()) whole += decoder.decode(read.value, { stream: true });
    return whole;
  },
  'a BYOB reader': async (response) => {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader({ mode: 'byob' });
    let whole = '';
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(4096));
      if (done) return whole;
      whole += decoder.decode(value, { stream: true });
    }
  },
  blob: async (response) => (await response.blob()).text(),
  arrayBuffer: async (response) => new TextDecoder().decode(await response.arrayBuffer()),
  'structuredClone with transfer': (response) => {
    const body = response.body as ReadableStream<Uint8Array>;
    return new Response(structuredClone(body, { transfer: [body as never] })).text();
  },
  'what it says of itself': async (response) => {
    const said = JSON.stringify([
      response.status,
      response.ok,
      response.redirected,
      response instanceof Response,
      response.headers.get('content-type'),
      response.headers.get('request-id'),
    ]);
    await response.body?.cancel();
    return said;
  },
  'bodyUsed and locked': async (response) => {
    const before = [response.bodyUsed, response.body?.locked];
    await response.text();
    return JSON.stringify([...before, response.bodyUsed]);
  },
};

export const fetchImplementations: Subject = {
  title: 'Fetch, and raw responses',
  situations: [
    ...Object.entries(implementations).flatMap(([name, fetch]): Situation[] => [
      { name: `${name}: an answer`, surfaces: ['create', 'stream', 'helper'], sdk: { fetch }, upstream: () => upstream() },
      ...Object.entries(replies).map(([status, reply]): Situation => ({
        name: `${name}: ${status}`,
        sdk: { fetch },
        upstream: () => upstream(() => reply),
      })),
      {
        name: `${name}: 529, once`,
        sdk: { fetch },
        upstream: () => upstream((seen) => (seen.number === 1 ? (replies['529'] as Reply) : healthy(seen))),
      },
      {
        name: `${name}: cut in the middle`,
        surfaces: ['stream'],
        sdk: { fetch },
        upstream: () => upstream(() => eventReply([...events().slice(0, 5), { pause: 5 }, cut])),
      },
      { name: `${name}: nothing listens`, sdk: { fetch, baseURL: 'http://127.0.0.1:1' }, upstream: () => upstream() },
    ]),
    { name: 'a fetch without bodies: an answer', surfaces: ['create'], sdk: { fetch: bodylessFetch }, upstream: () => upstream() },
    {
      name: 'a fetch that throws a string',
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is the situation
      sdk: { fetch: (() => Promise.reject('no')) as never, maxRetries: 0 },
      upstream: () => upstream(),
      rule: { asks: 0 },
    },
    {
      name: 'a fetch that throws at once',
      sdk: {
        fetch: (() => {
          throw new Error('offline');
        }) as never,
        maxRetries: 0,
      },
      upstream: () => upstream(),
    },
    ...Object.entries(ways).map(([name, read]): Situation => ({
      name: `asResponse: ${name}`,
      upstream: () => upstream(),
      call: async ({ client, surface, signal }) =>
        message(await read(await client.messages.create({ ...request, stream: surface === 'stream' }, { signal }).asResponse())),
    })),
    {
      name: 'withResponse',
      upstream: () => upstream(),
      call: async ({ client, surface, signal }) => {
        const {
          data,
          response,
          request_id: id,
        } = await client.messages.create({ ...request, stream: surface === 'stream' } as never, { signal }).withResponse();
        if (surface === 'stream') for await (const _ of data as unknown as AsyncIterable<unknown>);
        return message([response.status, response.headers.get('content-type'), id].join());
      },
    },
  ],
};
