// Ids that the application chose may be anything; headers may not.

import Anthropic from '@anthropic-ai/sdk';
import { cut } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { runInScope } from '../src/http/index.ts';
import { callOptions, memoryCheckpoints } from '../src/index.ts';
import { request, world } from './world.ts';

const requestId = 'Bestellung – 42\n';
const named = callOptions({ requestId });

describe('calls that share the id of the request they were made in', () => {
  it('are told apart by their answers and errors', async () => {
    const { claude, client, hold, close } = await world();
    claude.script('bad-request');
    await runInScope({ requestId: 'request-1' }, async () => {
      const error: unknown = await client.messages.create(request).catch((reason: unknown) => reason);
      const response = await client.messages.create(request).asResponse();
      const streamed = await client.messages.create({ ...request, stream: true }).asResponse();
      const message = await client.messages.create({ ...request, model: 'claude-haiku-5-5' });

      expect(hold.explain(error).ledger).toMatchObject({ result: 'failed' });
      expect([response, message].map((of) => hold.attempts(of)?.model)).toEqual([request.model, 'claude-haiku-5-5']);
      await streamed.text();
      expect(hold.attempts(streamed)).toMatchObject({ stream: true });
    });
    await close();
  });
});

describe('streams that broke in one request', () => {
  it('are told apart by what their readers had, also when their ledgers are forgotten', async () => {
    const { claude, client, hold, close } = await world({ holdfast: { budget: false, breaker: false } });
    claude.always(cut({ afterText: 100, how: 'end' }));
    const lengthOf = (error: unknown): number => hold.explain(error).partial?.text.length ?? 0;
    const last = await runInScope({ requestId: 'request-1' }, async () => {
      const broken = (resumes: number): Promise<unknown> =>
        client.messages
          .stream(request, callOptions({ streams: { resumes } }))
          .finalMessage()
          .catch((reason: unknown) => reason);
      const [long, short] = [await broken(2), await broken(0)];

      expect(lengthOf(long)).toBeGreaterThan(lengthOf(short));
      expect(lengthOf(short)).toBeGreaterThan(0);
      return short;
    });
    claude.always(null);
    for (let call = 0; call < 2_000; call += 1) await client.models.list();
    expect(hold.explain(last)).toMatchObject({ ledger: null, partial: { text: expect.any(String) } });
    await close();
  });
});

describe('a call whose id no header can say', () => {
  it('is refused as any other is', async () => {
    const { client, hold, close } = await world();
    hold.close();

    await expect(client.messages.create(request, named)).rejects.toMatchObject({
      status: 503,
      errorCode: 'holdfast_shutting_down',
      details: { call_id: requestId },
    });
    expect(hold.attempts(requestId)).toMatchObject({ result: 'failed', failure: 'shutting-down' });
    await close();
  });

  it('is given what stands in', async () => {
    const { claude, client, close } = await world({
      holdfast: { answer: () => ({ type: 'message', role: 'assistant', content: [] }) as unknown as Anthropic.Message },
    });
    claude.always('overloaded');

    expect(await client.messages.create(request, named)).toMatchObject({ type: 'message' });
    await close();
  });

  it('is resumed', async () => {
    const { claude, client, hold, close } = await world({ holdfast: { streams: { checkpoints: memoryCheckpoints(), resumes: 0 } } });
    claude.script('cut-mid-stream');
    await expect(client.messages.stream(request, named).finalMessage()).rejects.toThrow('holdfast_stream_broken');

    const stream = await hold.resume(requestId, { client });

    await expect(stream?.finalMessage()).rejects.toThrow('holdfast_stream_broken');
    await close();
  });

  it('is found by its answer and by its error, with what its reader had', async () => {
    const { claude, client, hold, close } = await world({ holdfast: { streams: false } });
    const response = await client.messages.create(request, named).asResponse();
    expect(hold.attempts(response)).toMatchObject({ callId: requestId, result: 'delivered' });

    claude.script('cut-mid-stream');
    const error: unknown = await client.messages
      .stream(request, named)
      .finalMessage()
      .catch((reason: unknown) => reason);

    expect(hold.explain(error)).toMatchObject({
      callId: requestId,
      ledger: { result: 'failed' },
      partial: { text: expect.stringMatching(/.{100}/) },
    });
    await close();
  });
});
