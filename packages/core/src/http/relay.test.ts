import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { problem } from './problem.ts';
import { relay, type RelayOptions, type RelayResult } from './relay.ts';
import { runInScope } from './scope.ts';
import {
  blockStart,
  clientOf,
  ending,
  handBody,
  handClock,
  messageStart,
  overloaded,
  request,
  sse,
  textDelta,
  wholeAnswer,
} from './testing/wire.ts';
import type { RelaySource } from './relay-source.ts';

const decoder = new TextDecoder();

/** Every way an application may hold the same answer. */
const holders: [string, (answer: (signal: AbortSignal | undefined) => Response) => RelaySource][] = [
  ['a promise of a stream', (answer) => clientOf(answer).messages.create({ ...request, stream: true })],
  ['a message stream', (answer) => clientOf(answer).messages.stream(request)],
  [
    'a promise of a response',
    (answer) =>
      clientOf(answer)
        .messages.create({ ...request, stream: true })
        .asResponse(),
  ],
];

async function error(of: Promise<unknown>): Promise<unknown> {
  return of.then(
    () => expect.unreachable('it did not fail'),
    (thrown: unknown) => thrown,
  );
}

const refusal = (status: number, type: string): Response =>
  Response.json(
    { type: 'error', error: { type, message: 'organization org-4f1c' } },
    { status, headers: { 'request-id': 'req_upstream' } },
  );

/** Lets everything that is ready happen. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
}

describe.each(holders)('relaying %s', (_name, hold) => {
  it('hands on every event of the answer', async () => {
    const response = await relay(hold(() => new Response(wholeAnswer('Hel', 'lo'), { headers: { 'content-type': 'text/event-stream' } })));

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(await response.text()).toBe(wholeAnswer('Hel', 'lo'));
  });

  it('gives the words alone as text', async () => {
    const response = await relay(
      hold(() => new Response(wholeAnswer('Hel', 'lo'))),
      { as: 'text' },
    );

    expect(await response.text()).toBe('Hello');
  });

  it('gives one document per line as NDJSON', async () => {
    const response = await relay(
      hold(() => new Response(wholeAnswer('Hel', 'lo'))),
      { as: 'ndjson' },
    );
    const types = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);

    expect(types).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });

  it('throws what failed before the first event, so that it can have a status', async () => {
    const thrown = await error(relay(hold(() => refusal(529, 'overloaded_error'))));

    expect(problem(thrown)).toMatchObject({ kind: 'overloaded', status: 503 });
  });

  it('throws an error event that comes first', async () => {
    const thrown = await error(relay(hold(() => new Response(sse('ping', {}) + overloaded))));

    expect(problem(thrown)).toMatchObject({ kind: 'overloaded', status: 503 });
  });

  it('throws when the upstream says nothing at all', async () => {
    const thrown = await error(relay(hold(() => new Response(''))));

    expect(problem(thrown)).toMatchObject({ kind: 'stream-broken', status: 502 });
  });

  it.each([
    ['an error event', overloaded, 'overloaded_error', 'overloaded'],
    ['an end before the end', '', 'api_error', 'stream-broken'],
  ])('tells the reader in band of %s', async (_what, tail, type, code) => {
    const ends: RelayResult[] = [];

    const response = await relay(
      hold(() => new Response(messageStart + blockStart + textDelta('Hel') + tail)),
      { onEnd: (end) => ends.push(end), problem: { random: () => 0 } },
    );
    const text = await response.text();
    const last = text.slice(text.lastIndexOf('event: '));

    expect(text.startsWith(messageStart + blockStart + textDelta('Hel'))).toBe(true);
    expect(last).toMatch(/^event: error\ndata: .*\n\n$/);
    expect(JSON.parse(last.slice(last.indexOf('{')))).toMatchObject({ type: 'error', error: { type, details: { code, retryable: true } } });
    expect(text).not.toContain('org-4f1c');
    expect(ends).toMatchObject([{ outcome: 'failed', error: expect.anything() }]);
  });

  it('tells the reader in band of a reset', async () => {
    const body = handBody();
    const source = hold(() => body.response);
    body.send(messageStart + blockStart);
    const response = await relay(source);

    const text = response.text();
    await settled();
    body.break();

    expect(await text).toContain('"code":"stream-broken"');
  });

  it('breaks a text that broke, rather than end it as if it were whole', async () => {
    const response = await relay(
      hold(() => new Response(messageStart + blockStart + textDelta('Hel') + overloaded)),
      { as: 'text' },
    );

    await expect(response.text()).rejects.toThrow();
  });

  it('stops the upstream when the reader leaves', async () => {
    let body!: ReturnType<typeof handBody>;
    const ends: RelayResult[] = [];
    const source = hold((signal) => (body = handBody(signal)).response);
    const relaying = relay(source, { onEnd: (end) => ends.push(end) });
    await settled();
    body.send(messageStart + blockStart + textDelta('Hel'));
    const reader = (await relaying).body!.getReader();
    await reader.read();

    await reader.cancel();
    await body.cancelled;

    expect(ends).toEqual([{ outcome: 'left' }]);
  });

  it('stops the upstream when the client leaves before the first event', async () => {
    let body!: ReturnType<typeof handBody>;
    const client = new AbortController();
    const thrown = runInScope({ signal: client.signal }, () => error(relay(hold((signal) => (body = handBody(signal)).response))));
    await settled();

    client.abort();
    await body.cancelled;

    expect(problem(await thrown)).toMatchObject({ kind: 'client-closed', status: 499 });
  });

  it('ends in band when the server goes down', async () => {
    let body!: ReturnType<typeof handBody>;
    const deadline = new AbortController();
    const relaying = relay(
      hold((signal) => (body = handBody(signal)).response),
      { interrupt: deadline.signal },
    );
    await settled();
    body.send(messageStart + blockStart + textDelta('Hel'));
    const text = (await relaying).text();
    await settled();

    deadline.abort();

    expect(await text).toContain('"code":"shutting-down"');
    await body.cancelled;
  });

  it('shows a sign of life while the upstream is silent', async () => {
    const clock = handClock();
    const body = handBody();
    const source = hold(() => body.response);
    const relaying = relay(source, { clock, heartbeatMs: 1_000 });
    await settled();
    body.send(messageStart);
    const text = (await relaying).text();
    await settled();

    clock.advance(1_000);
    await settled();
    clock.advance(1_000);
    await settled();
    body.send(blockStart + ending);

    expect((await text).split(': keep-alive\n\n')).toHaveLength(3);
    expect(clock.pending()).toBeLessThanOrEqual(1);
  });

  it('sends headers when the first event takes long, and tells a later failure in band', async () => {
    const clock = handClock();
    const body = handBody();
    const relaying = relay(
      hold(() => body.response),
      { clock, holdHeadersMs: 5_000 },
    );
    await settled();

    clock.advance(5_000);
    const response = await relaying;
    body.send(overloaded);

    expect(response.status).toBe(200);
    expect(await response.text()).toContain('"code":"overloaded"');
  });

  it('is whole although whoever hears of its end fails', async () => {
    const clock = handClock();
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const fails: RelayOptions['onEnd'][] = [
      () => {
        throw new Error('no disk');
      },
      (() => Promise.reject(new Error('no network'))) as () => never,
    ];

    for (const onEnd of fails) {
      const answer = (): Response => new Response(wholeAnswer('Hello'));
      expect(await (await relay(hold(answer), { onEnd })).text()).toBe(wholeAnswer('Hello'));
      const slow = await relay(hold(answer), { onEnd, clock, slowReaderMs: 1_000 });
      // An exception here would leave a timer, and end the process.
      clock.advance(60_000);
      await expect(slow.text()).rejects.toThrow('took nothing for too long');
    }
    await settled();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('cuts off a reader that takes nothing, and stops the upstream', async () => {
    const clock = handClock();
    let body!: ReturnType<typeof handBody>;
    const ends: RelayResult[] = [];
    const relaying = relay(
      hold((signal) => (body = handBody(signal)).response),
      { clock, slowReaderMs: 60_000, onEnd: (end) => ends.push(end) },
    );
    await settled();
    body.send(messageStart + blockStart + textDelta('Hel'));
    const response = await relaying;

    clock.advance(75_000);
    await body.cancelled;

    expect(ends).toEqual([{ outcome: 'too-slow' }]);
    await expect(response.text()).rejects.toThrow();
  });
});

describe('the reader’s pace', () => {
  it('is the upstream’s pace', async () => {
    const body = handBody();
    const response = await Promise.all([
      relay(clientOf(() => body.response).messages.create({ ...request, stream: true })),
      settled().then(() => body.send(messageStart)),
    ]).then(([first]) => first);
    await settled();
    const before = body.pulls();

    for (let word = 0; word < 100; word += 1) body.send(textDelta('word '));
    await settled();

    expect(body.pulls()).toBe(before);
    await response.body!.cancel();
  });
});

describe('a message stream', () => {
  it('that breaks while the slow reader is busy is not taken for whole', async () => {
    const body = handBody();
    const relaying = relay(clientOf(() => body.response).messages.stream(request));
    await settled();
    body.send(messageStart + blockStart + textDelta('Hel'));
    const reader = (await relaying).body!.getReader();
    await reader.read();

    body.send(overloaded);
    await settled();
    let text = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += decoder.decode(part.value);

    expect(text).toContain('"code":"overloaded"');
  });

  it('still gives its final message to the application', async () => {
    const stream = clientOf(() => new Response(wholeAnswer('Hello'))).messages.stream(request);

    await (await relay(stream)).text();

    expect((await stream.finalMessage()).content).toMatchObject([{ type: 'text', text: 'Hello' }]);
  });

  it('that had begun is refused, because its first events are gone', async () => {
    const stream = clientOf(() => new Response(wholeAnswer('Hello'))).messages.stream(request);
    await stream.done();

    await expect(relay(stream)).rejects.toThrow('already begun');
  });

  it('that had failed before it was relayed tells its failure', async () => {
    const stream = clientOf(() => refusal(529, 'overloaded_error')).messages.stream(request);
    await stream.done().catch(() => {});

    expect(problem(await error(relay(stream))).kind).toBe('overloaded');
  });
});

describe('an iterable of other events', () => {
  async function* tokens(): AsyncGenerator<{ type: string; text?: string }> {
    yield { type: 'token', text: 'a' };
    yield { type: 'bad\nname', text: 'b' };
    yield { type: 'done' };
  }

  it('is relayed as it is, without names that could break the wire', async () => {
    expect(await (await relay(tokens())).text()).toBe(
      'event: token\ndata: {"type":"token","text":"a"}\n\nevent: done\ndata: {"type":"done"}\n\n',
    );
  });

  it('may be empty', async () => {
    expect(await (await relay((async function* () {})())).text()).toBe('');
  });
});

describe('an answer that does not end after its last event', () => {
  it('is whole for the reader, and its upstream is released', async () => {
    const clock = handClock();
    let body!: ReturnType<typeof handBody>;
    const relaying = relay(clientOf((signal) => (body = handBody(signal)).response).messages.create({ ...request, stream: true }), {
      clock,
    });
    await settled();
    body.send(wholeAnswer('Hello'));

    expect(await (await relaying).text()).toBe(wholeAnswer('Hello'));
    await settled();
    clock.advance(1_000);
    await body.cancelled;
  });
});

describe('events of a response', () => {
  it('pass as the bytes they came in', async () => {
    const odd = `${messageStart}event: ping\ndata: {"type": "ping"}\n\nevent: new_thing\r\ndata: {"type":"new_thing",  "x":1 }\r\n\r\n${blockStart}${textDelta('a')}${ending}`;

    expect(await (await relay(new Response(odd))).text()).toBe(odd);
  });

  it('of a stranger’s refusal carry its status', async () => {
    const thrown = await error(relay(refusal(429, 'rate_limit_error')));

    expect(problem(thrown)).toMatchObject({ kind: 'rate-limited', status: 429 });
  });
});

describe('errors in Anthropic’s own words', () => {
  it('are for callers that speak to an SDK', async () => {
    const response = await relay(new Response(messageStart + overloaded), { errors: 'anthropic' });

    expect(await response.text()).toContain('{"type":"error","error":{"type":"overloaded_error"');
  });
});

describe('what a relay leaves behind', () => {
  it('is nothing on the signals of the scope', async () => {
    const client = new AbortController();
    const deadline = new AbortController();
    const added = [vi.spyOn(client.signal, 'addEventListener'), vi.spyOn(deadline.signal, 'addEventListener')];
    const removed = [vi.spyOn(client.signal, 'removeEventListener'), vi.spyOn(deadline.signal, 'removeEventListener')];

    await (await relay(new Response(wholeAnswer('Hello')), { signal: client.signal, interrupt: deadline.signal })).text();
    await relay(refusal(529, 'overloaded_error'), { signal: client.signal, interrupt: deadline.signal }).catch(() => {});

    expect(removed.map((spy) => spy.mock.calls.length)).toEqual(added.map((spy) => spy.mock.calls.length));
  });
});
