// Cuts streams everywhere, through the real SDK: each answer is exactly the uninterrupted one, or the documented error.

import type Anthropic from '@anthropic-ai/sdk';
import { referenceAnswer, type FakeClaude, type Fault, type Scenario, VirtualClock } from '@holdfast/testing';
import { describe, expect, it } from 'vitest';
import { read, request, world } from './world.ts';

const seed = 3;
const size = 0.12;
const thinking: Anthropic.MessageCreateParamsNonStreaming = { ...request, thinking: { type: 'adaptive', display: 'summarized' } };

/**
 * Where an answer lies on the wire. `unsure`: its last text has arrived and nothing says so yet. A continuation that adds
 * nothing cannot be told from one that gave up, so a cut there may end in the documented error, and never in silence.
 */
async function wireOf(
  claude: FakeClaude,
  scenario: Scenario,
  fault: Fault | null = null,
): Promise<{ bytes: number; events: number; borders: readonly number[]; unsure: { from: number; to: number; event: number } }> {
  claude.script(fault);
  const response = await claude.fetch(`${claude.url}/v1/messages`, { method: 'POST', body: JSON.stringify({ ...request, stream: true }) });
  const events = (await response.text()).split(/(?<=\n\n|\r\n\r\n)/);
  const bytesOf = (list: readonly string[]): number => new TextEncoder().encode(list.join('')).length;
  const event = events.findLastIndex((text) => text.includes('"text_delta"')) + 1;
  const endsInText = referenceAnswer(scenario, seed, size).content.at(-1)?.type === 'text';
  const unsure = endsInText
    ? { from: bytesOf(events.slice(0, event)), to: bytesOf(events.slice(0, event + 2)), event }
    : { from: -1, to: -1, event: -1 };
  const borders = events.map((_, i) => bytesOf(events.slice(0, i)));
  return { bytes: bytesOf(events), events: events.length, borders, unsure };
}

/** The whole answer, or the documented error where that is all one can honestly give. */
function expectWhole(got: Awaited<ReturnType<typeof read>>, scenario: Scenario, where: string, unsure: boolean): void {
  if (unsure && 'error' in got) expect(got.error.errorCode, where).toMatch(documented);
  else expect(got, where).toEqual(whole(scenario));
}

const whole = (scenario: Scenario) => {
  const { content, stopReason } = referenceAnswer(scenario, seed, size);
  return { content, stopReason };
};

/** Errors that say what happened; anything else is a defect. */
const documented = /holdfast_stream_broken/;

describe.each<[Scenario, Anthropic.MessageCreateParamsNonStreaming]>([
  ['text', request],
  ['multi-byte', request],
  ['multi-block', request],
  ['thinking', request],
  ['tools', request],
  ['text-and-tools', request],
])('a %s answer', (scenario, body) => {
  it.each(['reset', 'end'] as const)('is whole after a %s at every byte', async (how) => {
    const { claude, client, close } = await world({ fake: { seed, size, scenario }, holdfast: { breaker: false, budget: false } });
    const { bytes, unsure } = await wireOf(claude, scenario);
    for (let at = 0; at < bytes; at += 1) {
      claude.script({ cut: { afterBytes: at, how }, chunking: 'whole' });
      expectWhole(await read(client, body), scenario, `cut after ${at} bytes`, at >= unsure.from && at < unsure.to);
    }
    await close();
  });

  it('is whole after an error event at every event border, and with CRLF', async () => {
    const { claude, client, close } = await world({ fake: { seed, size, scenario }, holdfast: { breaker: false, budget: false } });
    const { events, unsure } = await wireOf(claude, scenario);
    for (let at = 0; at < events; at += 1) {
      claude.script({ streamError: { type: 'overloaded_error', afterEvents: at }, crlf: at % 2 === 1 });
      expectWhole(await read(client, body), scenario, `error after ${at} events`, at === unsure.event || at === unsure.event + 1);
    }
    await close();
  });

  it('is whole after silence at every event border', async () => {
    const clock = new VirtualClock();
    const { claude, client, close } = await world({ fake: { seed, size, scenario }, holdfast: { breaker: false, budget: false, clock } });
    const { borders, unsure } = await wireOf(claude, scenario);
    for (const at of borders) {
      claude.script({ cut: { afterBytes: at, how: 'stall' } });
      const got = await clock.until(read(client, body));
      expectWhole(got, scenario, `silence after ${at} bytes`, at >= unsure.from && at < unsure.to);
    }
    expect(clock.pending).toBe(0);
    await close();
  });

  it('is whole when every continuation breaks once more', async () => {
    const { claude, client, close } = await world({ fake: { seed, size, scenario }, holdfast: { breaker: false, budget: false } });
    const { bytes, unsure } = await wireOf(claude, scenario);
    for (let at = 0; at < bytes; at += 41) {
      claude.script(
        { cut: { afterBytes: at, how: 'reset' } },
        { cut: { afterBytes: Math.floor(((at * 7919) % bytes) / 2), how: 'end' }, chunking: 7 },
      );
      // The second break falls anywhere in the continuation, its unsure part included, and is the last that may be mended.
      expectWhole(await read(client, body), scenario, `cut after ${at} bytes`, unsure.from !== -1);
    }
    await close();
  });
});

describe('an answer with CRLF line ends', () => {
  it.each(['reset', 'end'] as const)('is whole after a %s at every byte', async (how) => {
    const { claude, client, close } = await world({ fake: { seed, size }, holdfast: { breaker: false, budget: false } });
    const { bytes, unsure } = await wireOf(claude, 'text', { crlf: true });
    for (let at = 0; at < bytes; at += 1) {
      claude.script({ cut: { afterBytes: at, how }, chunking: 'whole', crlf: true });
      // The last line feed may be missing: the carriage return before it has ended the event.
      expectWhole(await read(client), 'text', `cut after ${at} bytes`, at >= unsure.from - 1 && at < unsure.to);
    }
    await close();
  });
});

describe('thinking that is shown live', () => {
  it('is begun anew under the next index, and the text is whole wherever the cut is', async () => {
    const { claude, client, close } = await world({
      fake: { seed, size, scenario: 'thinking' },
      holdfast: { breaker: false, budget: false },
    });
    const { content } = referenceAnswer('thinking', seed, size);
    const { bytes, unsure } = await wireOf(claude, 'thinking');
    for (let at = 0; at < bytes; at += 7) {
      claude.script({ cut: { afterBytes: at, how: 'end' } });
      const got = await read(client, thinking);
      if (at >= unsure.from && at < unsure.to && 'error' in got) continue;

      expect(
        'content' in got && (got.content as Anthropic.ContentBlock[]).filter((block) => block.type === 'text'),
        `cut after ${at} bytes`,
      ).toEqual(content.filter((block) => block.type === 'text'));
    }
    await close();
  });

  it('is never begun anew when the options say so', async () => {
    const { claude, client, close } = await world({
      fake: { seed, size, scenario: 'thinking' },
      holdfast: { streams: { thinking: 'surface' } },
    });
    claude.script({ cut: { afterText: 20, how: 'end' } });

    const got = await read(client, thinking);

    expect('error' in got && got.error.errorCode).toMatch(documented);
    expect(claude.requests).toHaveLength(1);
    await close();
  });
});

describe('what cannot be continued', () => {
  const rows: [Scenario, Partial<Anthropic.MessageCreateParamsNonStreaming>, string][] = [
    ['server-tools', {}, 'server-tool'],
    ['citations', {}, 'citations'],
    ['structured', { output_config: { format: { type: 'json_schema', schema: {} } } }, 'structured-output'],
  ];
  it.each(rows)('%s is surfaced with the reason once shown, and never silently short', async (scenario, more, cause) => {
    const { claude, client, hold, close } = await world({ fake: { seed, size, scenario }, holdfast: { breaker: false, budget: false } });
    const causes = new Set<unknown>();
    const { events } = await wireOf(claude, scenario);
    for (let at = 0; at < events; at += 1) {
      claude.script({ cut: { afterEvents: at, how: 'end' } });
      const got = await read(client, { ...request, ...more });
      if ('content' in got) expect(got).toEqual(whole(scenario));
      else {
        expect(got.error.errorCode, `cut after ${at} events: ${String(got.error)}`).toMatch(documented);
        causes.add((got.error as { error?: { error?: { details?: { cause?: unknown } } } }).error?.error?.details?.cause);
        expect(hold.explain(got.error)).toMatchObject({ kind: 'stream-broken', partial: { text: expect.any(String) } });
      }
    }
    expect(causes).toContain(cause);
    await close();
  });

  it('structured output that is held back begins anew instead', async () => {
    const { claude, client, close } = await world({
      fake: { seed, size, scenario: 'structured' },
      holdfast: { breaker: false, budget: false, streams: { structuredOutput: 'hold' } },
    });
    const { events } = await wireOf(claude, 'structured');
    for (let at = 0; at < events; at += 1) {
      claude.script({ cut: { afterEvents: at, how: 'reset' } });
      expect(await read(client, { ...request, output_config: { format: { type: 'json_schema', schema: {} } } })).toEqual(
        whole('structured'),
      );
    }
    await close();
  });
});
