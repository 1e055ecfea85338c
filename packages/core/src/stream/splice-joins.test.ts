// How a second attempt joins the first.

import { unfinishedMark } from './own-thinking.ts';
import { describe, expect, it } from 'vitest';
import { Splice, type Join, type SpliceOptions } from './splice.ts';
import { readStrictly, type ReadMessage } from './testing/strict-reader.ts';
import {
  blockStart,
  blockStop,
  bytesOf,
  delta,
  ending,
  event,
  json,
  messageDelta,
  messageStart,
  messageStop,
  signature,
  text,
  thinkingStart,
  thought,
  toolStart,
} from './testing/wire.ts';

const decoder = new TextDecoder();
const delivered = 'The tide comes in over the flats, and the boats ';
const anchor = 'over the flats, and the boats ';
const first = [
  messageStart('msg_1', { input_tokens: 10, output_tokens: 1, cache_read_input_tokens: 4 }),
  blockStart(0),
  text(0, delivered),
];
const second = messageStart('msg_2', { input_tokens: 30, output_tokens: 1, cache_creation_input_tokens: 5 });

/** A splice that broke after `delivered` and now reads the attempt that continues it. */
function continued(options: Partial<SpliceOptions> = {}, seam: Partial<Extract<Join, { type: 'continue' }>['seam']> = {}): Continued {
  const splice = new Splice({ tools: 'message', liveThinking: false, holdAll: false, stopSequences: [], strict: true, ...options });
  let all = '';
  const push = (...events: string[]): string => {
    let now = '';
    for (const each of events) {
      splice.push(bytesOf(each));
      now += decoder.decode(splice.take() ?? undefined);
    }
    all += now;
    return now;
  };
  push(...first);
  splice.fail('socket');
  splice.resume({ type: 'continue', index: 0, seam: { form: 'user-turn', delivered, anchor, trimmed: '', ...seam } });
  return { splice, push, message: () => readStrictly(bytesOf(all)) };
}

interface Continued {
  readonly splice: Splice;
  push(...events: string[]): string;
  message(): ReadMessage;
}

describe('a continuation', () => {
  it('goes on in the same block, without its own beginning, and holds until its seam is found', () => {
    const { splice, push, message } = continued();

    expect(push(second, blockStart(0), text(0, 'over the flats, '))).toBe('');
    expect(push(text(0, 'and the boats lift'))).toBe(text(0, 'lift'));
    expect(splice.seamOutcome).toBe('exact');
    push(text(0, ' one by'), text(0, ' one.'), blockStop(0), messageDelta('end_turn', 7), messageStop);
    expect(message()).toMatchObject({
      id: 'msg_1',
      content: [{ type: 'text', text: `${delivered}lift one by one.` }],
      stopReason: 'end_turn',
      whole: true,
    });
  });

  it('hands on the upstream’s bytes again once the seam is found', () => {
    const { push } = continued();
    push(second, blockStart(0), text(0, `${anchor}lift`));

    for (const words of [text(0, ' one', '   '), text(0, ' by'), text(0, ' one.', ' ')]) expect(push(words)).toBe(words);
  });

  it('under another index of its own keeps the reader’s, whatever its deltas look like', () => {
    const { push, message } = continued();
    const spaced = (words: string): string =>
      `event: content_block_delta\ndata: {"type": "content_block_delta", "seq": 9, "index": 2, "delta": {"type": "text_delta", "text": ${JSON.stringify(words)}}}\n\n`;
    push(second, blockStart(2), text(2, `${anchor}lift`));

    expect(push(text(2, ' "é"', '  '))).toBe(text(0, ' "é"'));
    expect(push(text(2, ' one', '  '), text(2, ' by', ' '))).toBe(text(0, ' one', '  ') + text(0, ' by', ' '));
    expect(JSON.parse(push(spaced(' \\ one')).slice(33))).toEqual({
      type: 'content_block_delta',
      seq: 9,
      index: 0,
      delta: { type: 'text_delta', text: ' \\ one' },
    });
    push(spaced('.'), blockStop(2), ending);
    expect(message().content).toEqual([{ type: 'text', text: `${delivered}lift "é" one by \\ one.` }]);
  });

  it('in one chunk with its seam, other blocks and its end is the same', () => {
    const { push, message } = continued();
    push(
      [
        second,
        thinkingStart(0),
        thought(0, 'Hm.'),
        thought(0, ' Well.'),
        signature(0),
        blockStop(0),
        blockStart(1),
        text(1, `${anchor}lift`),
        text(1, ' one'),
        text(1, ' by'),
        text(1, ' one.'),
        blockStop(1),
        blockStart(2),
        text(2, 'And'),
        text(2, ' fall.'),
        text(2, ' Again.'),
        blockStop(2),
        ending,
      ].join(''),
    );

    expect(message()).toMatchObject({ content: [{ text: `${delivered}lift one by one.` }, { text: 'And fall. Again.' }], whole: true });
  });

  it('drops its thinking, at its beginning and later, and closes the gaps it leaves', () => {
    const { push, message, splice } = continued();
    push(second, thinkingStart(0), thought(0, 'Where was I?'), thought(0, ' There.'), signature(0), blockStop(0));
    push(blockStart(1), text(1, `${anchor}lift.`), blockStop(1));
    push(
      blockStart(2, { type: 'redacted_thinking', data: 'x' }),
      blockStop(2),
      toolStart(3),
      json(3, '{"a":1}'),
      blockStop(3),
      messageDelta('tool_use'),
      messageStop,
    );

    expect(message().content).toEqual([
      { type: 'text', text: `${delivered}lift.` },
      { type: 'tool_use', id: 'toolu_1', name: 'search', input: { a: 1 } },
    ]);
    expect(splice.state).toEqual({ type: 'done', by: 'upstream' });
  });

  it('under another index hands on a delta without text at once', () => {
    const { push } = continued();
    push(second, blockStart(2), text(2, `${anchor}lift`), text(2, ' one'));

    expect(push(text(2, ''))).toBe(text(0, ''));
  });

  it('that begins with words begins with the anchor', () => {
    const { push } = continued();

    expect(push(second, blockStart(0, { type: 'text', text: `${anchor}lift` }))).toBe(text(0, 'lift'));
  });

  it('that goes on with a tool call has no seam, unless it had nothing to repeat', () => {
    const call = [toolStart(0), blockStop(0), messageDelta('tool_use'), messageStop];
    const asked = continued({ tools: 'live' });
    expect(asked.push(second, ...call)).toBe('');
    expect(asked.splice.state).toEqual({ type: 'broken', problem: 'no-seam' });

    const prefilled = continued({}, { form: 'prefill' });
    prefilled.push(second, ...call);
    expect(prefilled.message()).toMatchObject({ content: [{ text: delivered }, { type: 'tool_use', input: {} }], whole: true });
  });

  it('whose text ended with a tool call has a text that has ended', () => {
    const { splice, push } = continued({ tools: 'block' }, { form: 'prefill' });
    push(second, toolStart(0), json(0, '{}'), blockStop(0));
    splice.fail('socket');

    expect(splice.transcript().blocks).toMatchObject([
      { type: 'text', closed: true, complete: true },
      { type: 'tool_use', complete: true },
    ]);
  });

  it('that ends without any block has no seam, or nothing new', () => {
    for (const [form, problem] of [['user-turn', 'no-seam'] as const, ['prefill', 'nothing-new'] as const]) {
      const { splice, push } = continued({}, { form });

      expect(push(second, messageDelta(), messageStop)).toBe('');
      expect(splice.state).toEqual({ type: 'broken', problem });
    }
  });

  it('whose dropped thinking has words that are no thoughts is broken', () => {
    const { splice, push } = continued();
    push(second, thinkingStart(0), text(0, 'x'));

    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
  });

  it('drops deltas nobody knows until its seam is found, and hands them on then', () => {
    const { push } = continued({ stopSequences: ['boats never'] });
    const odd = delta(0, { type: 'tomorrow_delta' });

    expect(push(second, blockStart(0), odd, text(0, 'over the flats, '))).toBe('');
    expect(push(text(0, 'and the boats l'))).toBe(text(0, 'l'));
    expect(push(odd)).toBe(odd);
  });

  it('that breaks is estimated from all it wrote: what was dropped, what was compared, and what was new', () => {
    const output = (...events: string[]): number | undefined => {
      const { splice, push } = continued();
      push(second, ...events);
      splice.fail('socket');
      return splice.usage().at(-1)?.output;
    };
    const words = 'x'.repeat(35);
    const thinking = [thinkingStart(0), thought(0, words), thought(0, words), thought(0, words)];

    expect(output(...thinking)).toBe(30);
    expect(output(...thinking, signature(0), blockStop(0), blockStart(1), text(1, words))).toBe(40);
    expect(output(blockStart(0), text(0, anchor + words), text(0, words))).toBe(Math.ceil((anchor.length + 70) / 3.5));
    expect(output(blockStart(1), text(1, anchor + words), text(1, words), text(1, words))).toBe(Math.ceil((anchor.length + 105) / 3.5));
  });

  it('has citations of its own in its later blocks', () => {
    const { push } = continued();
    const citation = delta(1, { type: 'citations_delta', citation: { cited_text: 'tide' } });
    push(second, blockStart(0), text(0, `${anchor}lift.`), blockStop(0), blockStart(1), text(1, 'And'));

    expect(push(citation)).toBe(citation);
  });

  it('drops citations of what it repeats', () => {
    const { push, message } = continued();
    const citation = delta(0, { type: 'citations_delta', citation: { cited_text: 'tide' } });
    push(second, blockStart(0), citation, text(0, `${anchor}lift`), citation, text(0, '.'), blockStop(0), ending);

    expect(message().content).toEqual([{ type: 'text', text: `${delivered}lift.` }]);
  });

  it('is summed up in the usage of the answer', () => {
    const { push, message, splice } = continued();
    push(
      second,
      blockStart(0),
      text(0, `${anchor}lift.`),
      blockStop(0),
      messageDelta('end_turn', 40, {
        input_tokens: 31,
        cache_read_input_tokens: null,
        iterations: [{ a: 1 }],
        server_tool_use: { web_search_requests: 0 },
      }),
      messageStop,
    );
    const estimate = Math.ceil(delivered.length / 3.5);

    expect(splice.usage()).toEqual([
      { input: 10, output: estimate, cacheRead: 4, cacheCreation: 0, estimated: true },
      { input: 31, output: 40, cacheRead: 0, cacheCreation: 5, estimated: false },
    ]);
    expect(message().usage).toEqual({
      input_tokens: 41,
      output_tokens: estimate + 40,
      cache_read_input_tokens: 4,
      cache_creation_input_tokens: 5,
      iterations: [{ a: 1 }],
      server_tool_use: { web_search_requests: 0 },
    });
  });

  it('that breaks before it began leaves the account of the attempt before alone', () => {
    const { splice } = continued();
    const before = JSON.stringify(splice.usage());
    splice.fail('socket');

    expect(JSON.stringify(splice.usage())).toBe(before);
  });

  it('that brings nothing new is a failure, whatever it says about its end', () => {
    for (const reason of ['end_turn', 'max_tokens', 'refusal']) {
      const { splice, push } = continued();
      push(second, blockStart(0), text(0, anchor), blockStop(0), messageDelta(reason), messageStop);

      expect(splice.state).toEqual({ type: 'broken', problem: 'nothing-new' });
    }
  });

  it('whose seam cannot be found is a failure, and shows nothing', () => {
    const { splice, push } = continued();
    const shown = push(second, blockStart(0), text(0, 'Something else altogether.'), blockStop(0), ending);

    expect(shown).toBe('');
    expect(splice.state).toEqual({ type: 'broken', problem: 'no-seam' });
  });

  it('that breaks in turn is continued from what the reader has by then', () => {
    const { splice, push, message } = continued();
    push(second, blockStart(0), text(0, `${anchor}lift`), text(0, ' one'), blockStop(0), toolStart(1), json(1, '{"a"'));
    splice.fail('stall');
    const now = splice.transcript().blocks;

    expect(now).toMatchObject([{ index: 0, text: `${delivered}lift one`, closed: false }]);
    const last = 'the boats lift one';
    splice.resume({
      type: 'continue',
      index: 0,
      seam: { form: 'user-turn', delivered: now[0]?.text ?? '', anchor: last, trimmed: '', strictness: 'lenient' },
    });
    push(messageStart('msg_3'), blockStart(0), text(0, `${last} by one.`), blockStop(0), ending);
    expect(message().content).toEqual([{ type: 'text', text: `${delivered}lift one by one.` }]);
  });

  it('from a prefill begins at once, but for the white space that had to be cut off', () => {
    const { push, message } = continued({}, { form: 'prefill', trimmed: ' ' });

    expect(push(second, blockStart(0), text(0, ' '))).toBe('');
    push(text(0, 'lift.'), blockStop(0), ending);
    expect(message().content).toEqual([{ type: 'text', text: `${delivered}lift.` }]);
  });
});

describe('a stop sequence', () => {
  it('that begins before the break and ends behind it ends the answer there', () => {
    const { splice, push, message } = continued({ stopSequences: ['boats lift', 'never'] });
    push(second, blockStart(0), text(0, `${anchor}li`), text(0, 'ft one by one.'));

    expect(splice.state).toEqual({ type: 'done', by: 'splice' });
    expect(message()).toMatchObject({
      stopReason: 'stop_sequence',
      stopSequence: 'boats lift',
      content: [{ text: `${delivered}li` }],
      whole: true,
    });
    expect(push(text(0, 'more'), ending)).toBe('');
  });

  it('is the first to be complete, of several', () => {
    const { splice, push, message } = continued({ stopSequences: ['lift one by', 'boats lift'] });
    push(second, blockStart(0), text(0, `${anchor}lift one by one.`));

    expect(message()).toMatchObject({ stopSequence: 'boats lift', content: [{ text: delivered }] });
    expect(splice.usage().at(-1)).toMatchObject({ estimated: true });
  });

  it('that is complete with the first new word leaves nothing to show', () => {
    const { push } = continued({ stopSequences: ['boats l'] });

    expect(push(second, blockStart(0), text(0, `${anchor}lift.`))).not.toContain('text_delta');
  });

  it('is looked for no longer than one could straddle the break; then bytes pass unchanged', () => {
    const { push } = continued({ stopSequences: ['boats xx'] });
    push(second, blockStart(0), text(0, `${anchor}lift one`));
    push(text(0, ' by'));

    expect(push(text(0, ' one', '   '))).toBe(text(0, ' one', '   '));
  });

  it('that lies in what the reader had long before is none', () => {
    const { splice, push } = continued({ stopSequences: ['tide comes'] });
    push(second, blockStart(0), text(0, `${anchor}lift.`));

    expect(splice.state.type).toBe('open');
  });
});

describe('a restart', () => {
  const begun = (options: Partial<SpliceOptions>, ...events: string[]): Splice => {
    const splice = new Splice({ tools: 'message', liveThinking: false, holdAll: false, stopSequences: [], strict: true, ...options });
    for (const each of events) splice.push(bytesOf(each));
    splice.fail('socket');
    return splice;
  };

  it('when nothing was visible is a fresh beginning, with the usage of both', () => {
    const splice = begun({}, messageStart(), thinkingStart(0), thought(0, 'Hm.'), thought(0, 'Hm.'));
    splice.resume({ type: 'fresh' });
    splice.push(bytesOf(messageStart('msg_2'), blockStart(0), text(0, 'Hi'), blockStop(0), ending));
    const message = readStrictly(splice.take() as Uint8Array);

    expect(message).toMatchObject({ id: 'msg_2', content: [{ text: 'Hi' }], whole: true });
    expect(message.usage['input_tokens']).toBe(20);
  });

  it('after thinking was shown closes it, and begins at the next index', () => {
    const splice = begun({ liveThinking: true }, messageStart(), thinkingStart(0), thought(0, 'Hm.'));
    splice.resume({ type: 'restart', nextIndex: 1 });
    splice.push(
      bytesOf(
        messageStart('msg_2'),
        thinkingStart(0),
        thought(0, 'Ah.'),
        thought(0, ' Yes.'),
        signature(0),
        blockStop(0),
        blockStart(1),
        text(1, 'Hi'),
        text(1, ' there'),
        blockStop(1),
        ending,
      ),
    );

    expect(readStrictly(splice.take() as Uint8Array)).toMatchObject({
      id: 'msg_1',
      content: [
        { type: 'thinking', thinking: 'Hm.', signature: unfinishedMark },
        { type: 'thinking', thinking: 'Ah. Yes.', signature: 'sig' },
        { type: 'text', text: 'Hi there' },
      ],
      whole: true,
    });
  });

  it('forgets how the deltas of the attempt before looked', () => {
    const splice = begun({ liveThinking: true }, messageStart(), thinkingStart(0), thought(0, 'Hm.'), thought(0, ' So.'));
    splice.take();
    splice.resume({ type: 'restart', nextIndex: 1 });
    splice.push(bytesOf(messageStart('msg_2'), thought(0, 'Ah.')));

    expect(
      decoder
        .decode(splice.take() ?? undefined)
        .split('\n\n')
        .slice(1)
        .join('\n\n'),
    ).toBe(blockStop(0));
    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
  });

  it('forgets the unfinished bytes of the attempt before', () => {
    const splice = begun({}, messageStart(), 'event: content_bl');
    splice.resume({ type: 'fresh' });
    splice.push(bytesOf(messageStart('msg_2'), blockStart(0), text(0, 'Hi'), blockStop(0), ending));

    expect(splice.state.type).toBe('done');
  });
});

describe('an early finish', () => {
  it('behind complete tool calls closes what is open, and says tool_use', () => {
    const splice = new Splice({ tools: 'block', liveThinking: false, holdAll: false, stopSequences: [], strict: true });
    splice.push(bytesOf(messageStart(), toolStart(0), json(0, '{"a":1}'), blockStop(0), toolStart(1), json(1, '{"b"')));
    splice.fail('socket');
    splice.finish('tool_use');

    expect(readStrictly(splice.take() as Uint8Array)).toMatchObject({
      content: [{ input: { a: 1 } }],
      stopReason: 'tool_use',
      whole: true,
    });
  });
});

describe('events of tomorrow in a continuation', () => {
  it('pass in their place', () => {
    const { push } = continued();
    const odd = event({ type: 'weather', sky: 'clear' });

    expect(push(second, odd, blockStart(0), text(0, anchor))).toBe(odd);
  });
});
