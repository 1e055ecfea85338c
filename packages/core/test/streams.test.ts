// Healed streams through every door of the SDK, and each option of `streams`.

import Anthropic from '@anthropic-ai/sdk';
import { VirtualClock, cut, referenceAnswer } from '@holdfast/testing';
import { describe, expect, it, vi } from 'vitest';
import { callOptions, holdfast, type StreamOptions } from '../src/index.ts';
import { runInScope } from '../src/http/index.ts';
import { unfinishedMark } from '../src/stream/own-thinking.ts';
import { fetchTold, read, request, world } from './world.ts';

const whole = referenceAnswer('text').content;
const wholeText = String(whole[0]?.['text']);

describe('one whole answer after a cut in the middle', () => {
  it('for a loop over events, with one start, one stop and no gap between indices', async () => {
    const { claude, client, close } = await world();
    claude.script('cut-mid-stream');
    const types: string[] = [];
    let text = '';
    for await (const event of await client.messages.create({ ...request, stream: true })) {
      types.push(event.type);
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
    }

    expect(text).toBe(wholeText);
    expect(types.filter((type) => type === 'message_start')).toHaveLength(1);
    expect(types.filter((type) => type === 'content_block_start')).toHaveLength(1);
    expect(types.at(-1)).toBe('message_stop');
    await close();
  });

  it('for the beta methods', async () => {
    const { claude, client, close } = await world();
    claude.script('silent-end');

    const { content } = await client.beta.messages.stream(request).finalMessage();

    expect(content).toEqual(whole);
    await close();
  });

  it('for toReadableStream', async () => {
    const { claude, client, close } = await world();
    claude.script('cut-mid-stream');

    const lines = await new Response((await client.messages.create({ ...request, stream: true })).toReadableStream()).text();

    const events = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Anthropic.MessageStreamEvent);
    expect(
      events.map((event) => (event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : '')).join(''),
    ).toBe(wholeText);
    await close();
  });

  it('for a raw Response, read, teed and piped', async () => {
    const { claude, client, close } = await world();
    claude.always(cut({ afterText: 300, how: 'end' }));
    claude.script('cut-mid-stream', null, 'cut-mid-stream', null);

    const response = await client.messages.create({ ...request, stream: true }).asResponse();
    const [a, b] = (response.body as ReadableStream<Uint8Array>).tee();
    expect(await new Response(a).text()).toBe(await new Response(b).text());
    const piped = (await client.messages.create({ ...request, stream: true }).asResponse()).body as ReadableStream<Uint8Array>;
    expect(await new Response(piped.pipeThrough(new TransformStream())).text()).toContain('message_stop');
    await close();
  });

  it('over real sockets, with the usage of both requests', async () => {
    const { claude, client, hold, close } = await world({ sockets: true });
    claude.script('cut-mid-stream');

    const message = await client.messages.stream(request).finalMessage();

    const ledger = hold.attempts(message);
    expect(message.content).toEqual(whole);
    expect(message.usage.input_tokens).toBe(claude.requests.reduce((sum, { billed }) => sum + (billed?.input_tokens ?? 0), 0));
    expect(ledger).toMatchObject({
      result: 'delivered',
      resumes: 1,
      attempts: [
        { result: 'stream-broken', usage: { estimated: true } },
        { result: 'success', purpose: 'resume', usage: { estimated: false } },
      ],
    });
    await close();
  });
});

describe('tools', () => {
  const tools: Anthropic.Beta.BetaTool[] = [];
  const runnable = (name: string, ran: unknown[]) => ({
    type: 'custom' as const,
    name,
    description: name,
    input_schema: { type: 'object' as const, properties: {} },
    parse: (input: unknown) => input,
    run: (input: unknown) => {
      ran.push([name, input]);
      return 'done';
    },
  });

  it('never run on truncated or abandoned input, wherever a stream with tool calls is cut', async () => {
    void tools;
    const calls = referenceAnswer('tools').content.map((block) => [block['name'], block['input']]);
    for (let events = 2; events < 30; events += 1) {
      const { claude, client, close } = await world({ fake: { scenario: 'tools' }, holdfast: { breaker: false, budget: false } });
      const ran: unknown[] = [];
      claude.script(cut({ afterEvents: events, how: events % 2 ? 'end' : 'reset' }), null);
      const runner = client.beta.messages.toolRunner({
        ...request,
        stream: true,
        thread: false,
        max_iterations: 1,
        tools: [runnable('read_file', ran), runnable('write_file', ran)],
      } as never) as unknown as AsyncIterable<AsyncIterable<unknown>>;
      for await (const stream of runner) for await (const _ of stream);

      for (const call of ran) expect(calls).toContainEqual(call);
      expect(ran.length === 0 || ran.length === 2, `cut after ${events} events ran ${ran.length} tools`).toBe(true);
      await close();
    }
  });

  it("with tools: 'block', a break after a complete call ends the turn with it", async () => {
    const { claude, client, events, close } = await world({ fake: { scenario: 'tools' }, holdfast: { streams: { tools: 'block' } } });
    claude.script({ cut: { afterEvents: 20, how: 'end' } });

    const got = await read(client);

    expect(got).toMatchObject({ stopReason: 'tool_use', content: [{ name: 'read_file', input: { path: '/etc/prod.cfg', mode: 'safe' } }] });
    expect(events).toContainEqual(expect.objectContaining({ type: 'stream-broke', plan: 'close' }));
    await close();
  });

  it("with tools: 'live', a break inside a call is surfaced", async () => {
    const { claude, client, hold, close } = await world({ fake: { scenario: 'tools' }, holdfast: { streams: { tools: 'live' } } });
    claude.script(cut({ afterEvents: 6, how: 'end' }));

    const got = await read(client);

    expect('error' in got && hold.explain(got.error)).toMatchObject({
      kind: 'stream-broken',
      partial: { content: [{ type: 'tool_use', complete: false }] },
    });
    expect(claude.requests).toHaveLength(1);
    await close();
  });
});

describe('limits and switches', () => {
  it('heal: false leaves breaks to the caller, as errors and never as a silent end', async () => {
    const { claude, client, close } = await world({ holdfast: { streams: false } });
    claude.script('silent-end');

    const got = await read(client);

    expect('error' in got && got.error.errorCode).toBe('holdfast_stream_broken');
    expect(claude.requests).toHaveLength(1);
    await close();
  });

  it('heal: false hands on what contradicts itself, byte for byte', async () => {
    const { claude, client, close } = await world({ holdfast: { streams: { heal: false } } });
    const text = await client.messages
      .create({ ...request, stream: true })
      .asResponse()
      .then((response) => response.text());
    // A gateway that forgets the end of a block and the reason of the end.
    const odd = text
      .split('\n\n')
      .filter((event) => !/content_block_stop|message_delta/.test(event))
      .join('\n\n');
    const through = async (heal: boolean): Promise<string> => {
      const fetch = async (): Promise<Response> => new Response(odd, { headers: { 'content-type': 'text/event-stream' } });
      const behind = new Anthropic({ apiKey: 'test', fetch, middleware: [holdfast({ streams: { heal } })] });
      return (await behind.messages.create({ ...request, stream: true }).asResponse()).text();
    };

    expect(await through(false)).toBe(odd);
    expect(await through(true)).toContain('holdfast_stream_broken');
    expect(claude.requests).toHaveLength(1);
    await close();
  });

  it('resumes bounds the continuations, whatever keeps breaking', async () => {
    for (const resumes of [0, 1, 3]) {
      const { claude, client, close } = await world({ holdfast: { streams: { resumes }, breaker: false, budget: false } });
      claude.always(cut({ afterText: 100, how: 'reset' }));

      const got = await read(client);

      expect('error' in got && got.error.errorCode).toBe('holdfast_stream_broken');
      expect(claude.requests).toHaveLength(1 + resumes);
      await close();
    }
  });

  it('an option given as undefined is not given, for an instance and for a call', async () => {
    // As the compiler allows it to most programs.
    const none = { heal: undefined, resumes: undefined, tools: undefined } as unknown as StreamOptions;
    const { claude, client, hold, close } = await world({ holdfast: { streams: none, breaker: false, budget: false } });
    claude.script(...Array.from({ length: 6 }, () => cut({ afterText: 100, how: 'reset' })));

    const answer = client.messages.stream(request, callOptions({ streams: none })).finalMessage();

    await expect(answer).rejects.toThrow('holdfast_stream_broken');
    expect(claude.requests).toHaveLength(3);
    expect(hold.describe().streams).toMatchObject({ heal: true, resumes: 2, tools: 'message' });
    await close();
  });

  it('a single call can turn healing off, and ask only once', async () => {
    const { claude, client, close } = await world();
    claude.script('cut-mid-stream', 'cut-mid-stream');

    for (const options of [callOptions({ streams: false }), callOptions({ attempts: 1 })])
      await expect(client.messages.stream(request, options).finalMessage()).rejects.toThrow();

    expect(claude.requests).toHaveLength(2);
    await close();
  });

  it('a continuation recovers what is paid for already, and draws nothing from the retry budget', async () => {
    const { claude, client, close } = await world({ holdfast: { budget: { initial: 0, ratio: 0, ratePerSecond: 0 } } });
    claude.script('cut-mid-stream');

    expect(await read(client)).toMatchObject({ content: whole });
    expect(claude.requests).toHaveLength(2);
    await close();
  });

  it('100 streams that one restart cuts at the same moment all heal', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ holdfast: { clock } });
    claude.script(...Array.from({ length: 100 }, () => 'cut-mid-stream' as const));

    const answers = await clock.until(Promise.all(Array.from({ length: 100 }, () => read(client))));

    expect(answers.filter((answer) => 'content' in answer && JSON.stringify(answer.content) === JSON.stringify(whole))).toHaveLength(100);
    expect(claude.requests).toHaveLength(200);
    await close();
  });

  it.each(['bad-key', 'billing', 'forbidden', 'unknown-model', 'spend-limit'] as const)(
    'a continuation that is refused (%s) is asked for once, and the answer ends in what refused it',
    async (fault) => {
      const { claude, client, hold, close } = await world();
      claude.script('cut-mid-stream', fault, fault, fault);

      const { error } = (await read(client)) as { error: Error };

      expect(claude.requests).toHaveLength(2);
      const refusal = hold.attempts(error)?.attempts.at(-1);
      expect(['auth', 'billing', 'permission', 'not-found']).toContain(refusal?.result);
      expect(error).toMatchObject({ error: { error: { details: { kind: refusal?.result, cause: 'refused' } } } });
      await close();
    },
  );

  it('a rejected prefill is asked once more as a user turn', async () => {
    const { claude, client, close } = await world();
    claude.script('cut-mid-stream', 'bad-request');

    const got = await read(client, { ...request, model: 'claude-opus-4-5' });

    expect(got).toMatchObject({ content: whole });
    expect(claude.requests.map(({ continues }) => continues)).toEqual([null, null, 'user-turn']);
    await close();
  });

  it('a stream that is silent beyond idleMs is a stall, noticed within 250 ms and one tick', async () => {
    const clock = new VirtualClock();
    const { claude, client, events, close } = await world({ holdfast: { clock, limits: { idleMs: 5_000 } } });
    claude.script('stall-mid-stream');
    const before = clock.now();

    const { content } = await clock.until(client.messages.stream(request).finalMessage());

    expect(content).toEqual(whole);
    expect(clock.now() - before).toBeLessThanOrEqual(5_000 + 500);
    expect(events).toContainEqual(expect.objectContaining({ type: 'stream-broke', reason: 'stall' }));
    expect(clock.pending).toBe(0);
    await close();
  });

  it('a reader who takes his time is no stall', async () => {
    const clock = new VirtualClock();
    const { client, events, close } = await world({ holdfast: { clock, limits: { idleMs: 1_000 } } });
    let seen = 0;
    for await (const _ of await client.messages.create({ ...request, stream: true }))
      if ((seen += 1) < 10) await clock.advanceAsync(60_000);

    expect(events.some(({ type }) => type === 'stream-broke')).toBe(false);
    await close();
  });

  it('a reader who leaves ends the upstream request and is no failure', async () => {
    const { claude, client, hold, close } = await world({ sockets: true });
    claude.script({ delayPerEventMs: 5 });
    for await (const event of await client.messages.create({ ...request, stream: true })) if (event.type === 'content_block_delta') break;
    while (!claude.requests[0]?.finishedAt) await new Promise((resolve) => setImmediate(resolve));

    expect(claude.requests).toHaveLength(1);
    expect(claude.requests[0]?.bytesSent).toBeLessThan(5_000);
    expect(hold.health().status).toBe('ok');
    await close();
  });

  it('a deadline or the end of a scope ends the call, although nobody reads it any more', async () => {
    for (const how of ['deadline', 'scope'] as const) {
      const clock = new VirtualClock();
      const { client, hold, close } = await world({ holdfast: { clock } });
      const scope = new AbortController();
      const asked = runInScope({ signal: scope.signal }, () =>
        client.messages.create({ ...request, stream: true }, callOptions(how === 'deadline' ? { deadlineMs: 1_000 } : {})).asResponse(),
      );
      const response = await asked;
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const begun = new TextDecoder().decode((await reader.read()).value);

      if (how === 'scope') scope.abort();
      await clock.advanceAsync(1_000);

      const failure = how === 'scope' ? 'aborted' : 'deadline';
      expect(hold.attempts(response)).toMatchObject({ failure, attempts: [{ durationMs: expect.any(Number) }] });
      expect(clock.pending).toBe(0);
      // Who comes back late has missed nothing.
      let rest = '';
      for (let step = await reader.read(); !step.done; step = await reader.read()) rest += new TextDecoder().decode(step.value);
      expect(begun).toContain('message_start');
      expect(rest).toMatch(new RegExp(`event: error\\ndata: .*holdfast_${failure}`));
      await close();
    }
  });

  it('a reader who cancels while a continuation is on its way is asked nobody for the rest', async () => {
    // Before it is asked, and while it says nothing yet.
    for (const asked of [1, 2]) {
      const clock = new VirtualClock();
      const { claude, client, hold, events, close } = await world({ holdfast: { clock, random: () => 0.5 } });
      claude.script('cut-mid-stream', 'silent');
      const response = await client.messages.create({ ...request, stream: true }).asResponse();
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const reading = (async () => {
        while (!(await reader.read()).done);
      })();
      await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('stream-broke'));
      if (asked === 2) await clock.advanceAsync(1_000);
      expect(claude.requests).toHaveLength(asked);

      await reader.cancel();
      await reading;
      await clock.advanceAsync(1_000);

      expect(claude.requests.map(({ clientLeft }) => clientLeft)).toEqual(asked === 1 ? [false] : [false, true]);
      expect(hold.attempts(response)).toMatchObject({ result: 'aborted' });
      expect(hold.attempts(response)?.attempts.every(({ durationMs }) => durationMs !== null)).toBe(true);
      expect(clock.pending).toBe(0);
      await close();
    }
  });

  it('a reader who cancels at the very moment a continuation begins leaves nothing open', async () => {
    for (let turns = 0; turns < 30; turns += 1) {
      const { claude, client, hold, close } = await world();
      claude.script('cut-mid-stream');
      let leave = async (): Promise<void> => {};
      const fetch = fetchTold(claude, () => {
        if (claude.requests.length === 2) void leave();
      });
      const response = await client
        .withOptions({ fetch })
        .messages.create({ ...request, stream: true })
        .asResponse();
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      leave = async () => {
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        await reader.cancel();
      };
      while (!(await reader.read()).done);
      await new Promise((resolve) => setImmediate(resolve));

      expect(hold.attempts(response), `${turns} turns`).toMatchObject({
        result: 'aborted',
        attempts: [{ durationMs: expect.any(Number) }, { durationMs: expect.any(Number) }],
      });
      await close();
    }
  });

  it('a stop sequence that began before the break still ends the answer', async () => {
    const text = wholeText;
    const at = 210;
    const sequence = text.slice(at - 6, at + 6);
    const { claude, client, close } = await world();
    // The upstream matches per response, so only the joined text contains the sequence.
    claude.script(cut({ afterText: at, how: 'end' }));
    const got = await read(client, { ...request, stop_sequences: [sequence] });

    if (!('content' in got)) throw got.error;
    const [block] = got.content as { text: string }[];
    expect([text.slice(0, at - 6), text.slice(0, block?.text.length)]).toContain(block?.text);
    await close();
  });

  it('what follows message_stop on the wire, unknown events and huge frames hurt nobody', async () => {
    const { claude, client, close } = await world();
    claude.script({ unknownEvents: true, hugeFrameBytes: 1024 * 1024, chunking: 16_384 });

    expect(await read(client)).toMatchObject({ content: whole });
    await close();
  });

  it('a frame beyond 16 MiB breaks the stream instead of filling the memory', async () => {
    const { claude, client, events, close } = await world();
    claude.script({ hugeFrameBytes: 17 * 1024 * 1024, chunking: 1024 * 1024 });

    expect(await read(client)).toMatchObject({ content: whole });
    expect(events).toContainEqual(expect.objectContaining({ type: 'stream-broke', reason: 'oversized' }));
    await close();
  });

  it('message threads are passed through and never spliced', async () => {
    const { claude, client, close } = await world();
    claude.script('cut-mid-stream');
    const body = { ...request, thread: { type: 'create' } };

    const got = await read(client, body as never);

    expect(got).toHaveProperty('error');
    expect(claude.requests).toHaveLength(1);
    await close();
  });

  it.each([
    ['ours, left unfinished by a break, is taken out', unfinishedMark, false],
    ['of the caller goes on as it was written', 'EqQBCgIYAh', true],
    ['of the caller goes on without a signature too', '', true],
  ])('thinking in a history: %s', async (_, signature, stays) => {
    const { claude, client, close } = await world();
    await client.messages
      .create({
        ...request,
        messages: [
          ...request.messages,
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'hm', signature },
              { type: 'text', text: 'Well.' },
            ],
          },
          { role: 'user', content: 'Go on.' },
        ],
      })
      .catch(() => {});

    expect(JSON.stringify(claude.requests[0]?.body).includes('thinking')).toBe(stays);
    await close();
  });
});
