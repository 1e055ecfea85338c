import { describe, expect, it } from 'vitest';
import { Splice, type SpliceOptions } from './splice.ts';
import { itTakesMegabytes } from './testing/holds.ts';
import { readStrictly } from './testing/strict-reader.ts';
import {
  blockStart,
  blockStop,
  bytesOf,
  delta,
  ending,
  errorEvent,
  event,
  json,
  messageDelta,
  messageStart,
  messageStop,
  ping,
  signature,
  text,
  thinkingStart,
  thought,
  toolStart,
} from './testing/wire.ts';

const decoder = new TextDecoder();

function spliceOf(options: Partial<SpliceOptions> = {}): Splice {
  return new Splice({ tools: 'message', liveThinking: false, holdAll: false, stopSequences: [], strict: true, ...options });
}

/** Pushes each event by itself; what the reader got after each. */
function shown(splice: Splice, ...events: string[]): string[] {
  return events.map((each) => {
    splice.push(bytesOf(each));
    return given(splice);
  });
}

const given = (splice: Splice): string => decoder.decode(splice.take() ?? undefined);

describe('what is held back', () => {
  it('the beginning, until there are words; the end of a block, by one event; the end of the message, until it is final', () => {
    const [start, block, stop, last] = [messageStart(), blockStart(0), blockStop(0), messageDelta()];

    expect(shown(spliceOf(), start, block, ping, text(0, ''), text(0, 'Hi'), text(0, ' there'), stop, last, messageStop)).toEqual([
      '',
      '',
      '',
      '',
      start + block + ping + text(0, '') + text(0, 'Hi'),
      text(0, ' there'),
      '',
      '',
      stop + last + messageStop,
    ]);
  });

  it('a ping, until the message has begun; others tell only the connection that it is alive', () => {
    const [start, block] = [messageStart(), blockStart(0)];

    expect(shown(spliceOf(), ping, start, block, ping, ping, text(0, 'Hi'), ping)).toEqual([
      ':\n\n',
      '',
      '',
      '',
      ':\n\n',
      start + block + ping + text(0, 'Hi'),
      ping,
    ]);
  });

  it('the beginning, for as long as its texts are empty', () => {
    expect(shown(spliceOf(), messageStart(), blockStart(0), text(0, ''), text(0, ''), text(0, '')).join('')).toBe('');
  });

  it('nothing of a text that begins with words', () => {
    const [start, block] = [messageStart(), blockStart(0, { type: 'text', text: 'Hi' })];
    const splice = spliceOf();

    expect(shown(splice, start, block, text(0, '!'))).toEqual(['', start + block, text(0, '!')]);
    expect(splice.transcript().blocks).toMatchObject([{ text: 'Hi!', start: { type: 'text', text: '' } }]);
  });

  it('the end of a text goes out with the first words of the next', () => {
    const splice = spliceOf();
    shown(splice, messageStart(), blockStart(0), text(0, 'One.'));

    expect(shown(splice, blockStop(0), blockStart(1), text(1, 'Two.'))).toEqual(['', '', blockStop(0) + blockStart(1) + text(1, 'Two.')]);
  });

  it('is not what may be taken', () => {
    const splice = spliceOf();
    shown(splice, messageStart());
    splice.push(bytesOf(blockStart(0)));
    expect([splice.pending, splice.take(), splice.message]).toEqual([0, null, null]);

    splice.push(bytesOf(text(0, 'Hi')));
    expect(splice.pending).toBe(bytesOf(messageStart(), blockStart(0), text(0, 'Hi')).length);
    expect(splice.message).toMatchObject({ id: 'msg_1' });
    expect(splice.stopReason).toBeNull();
  });

  it('a message that ends without a word still arrives whole', () => {
    const events = [messageStart(), messageDelta(), messageStop];

    expect(shown(spliceOf(), ...events)).toEqual(['', '', events.join('')]);
  });

  it('a message_delta without a stop reason waits for the one that has it', () => {
    const splice = spliceOf();
    shown(splice, messageStart(), blockStart(0), text(0, 'x'), blockStop(0), messageDelta(null));

    expect(splice.stopKnown).toBe(false);
    expect(shown(splice, messageDelta(), messageStop)).toEqual(['', blockStop(0) + messageDelta(null) + messageDelta() + messageStop]);
  });

  it('nothing, when everything is to be held, before message_stop', () => {
    const events = [messageStart(), blockStart(0), text(0, '{"a":1}'), blockStop(0), messageDelta(), messageStop];

    expect(shown(spliceOf({ holdAll: true }), ...events)).toEqual(['', '', '', '', '', events.join('')]);
  });
});

describe('tool calls', () => {
  const words = [messageStart(), blockStart(0), text(0, 'Let me look.')];
  const call = [blockStop(0), toolStart(1), json(1, ''), json(1, '{"a":'), json(1, '1}'), blockStop(1)];
  const second = [toolStart(2, 'toolu_2'), json(2, '{}'), blockStop(2)];
  const end = [messageDelta('tool_use'), messageStop];

  it("'message': wait for the whole message", () => {
    const splice = spliceOf();
    shown(splice, ...words);

    expect(shown(splice, ...call, ...second, ...end)).toEqual([...Array<string>(10).fill(''), [...call, ...second, ...end].join('')]);
  });

  it("'block': each goes out when it is whole", () => {
    const splice = spliceOf({ tools: 'block' });
    shown(splice, ...words);

    expect(shown(splice, ...call)).toEqual(['', '', '', '', '', call.slice(0, -1).join('')]);
    expect(shown(splice, ...second)).toEqual(['', '', blockStop(1) + second.slice(0, -1).join('')]);
  });

  it("'live': as they are written", () => {
    const splice = spliceOf({ tools: 'live' });
    shown(splice, ...words);

    expect(shown(splice, ...call)).toEqual(['', blockStop(0) + toolStart(1), ...call.slice(2, -1), '']);
  });

  it('text behind a call waits with it', () => {
    const splice = spliceOf();
    shown(splice, ...words);

    expect(shown(splice, ...call, blockStart(2), text(2, 'Done.'), text(2, ' Really.')).join('')).toBe('');
  });

  it.each(['message', 'block'] as const)("'%s': an input that is no JSON is never taken for a call", (tools) => {
    const splice = spliceOf({ tools });
    const lost = [toolStart(0), json(0, '{"path":"/etc'), blockStop(0)];
    const out = shown(splice, messageStart(), ...lost, messageDelta('tool_use'), messageStop).join('');

    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
    expect(out).toBe('');
  });

  it.each(['message', 'block'] as const)("'%s': unless the model says that it was stopped in the middle", (tools) => {
    const splice = spliceOf({ tools });
    const events = [messageStart(), toolStart(0), json(0, '{"path":"/etc'), blockStop(0), messageDelta('max_tokens'), messageStop];

    expect(shown(splice, ...events).join('')).toBe(events.join(''));
  });

  it("'live': half of one that says it is whole passes too, since the reader has it", () => {
    const splice = spliceOf({ tools: 'live' });
    const events = [messageStart(), toolStart(0), json(0, '{"a"'), blockStop(0), messageDelta('tool_use'), messageStop];

    expect(shown(splice, ...events).join('')).toBe(events.join(''));
    expect(splice.state.type).toBe('done');
  });

  it("'live': without an end break the stream, and nothing behind them is shown", () => {
    const splice = spliceOf({ tools: 'live' });
    shown(splice, messageStart(), toolStart(0), json(0, '{"a"'));

    expect(shown(splice, blockStart(1, { type: 'hologram' }))).toEqual(['']);
    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
  });

  it('whose end was lost on the way are never given', () => {
    const splice = spliceOf();
    const out = shown(splice, messageStart(), toolStart(0), json(0, '{}'), messageDelta('tool_use'), messageStop).join('');

    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
    expect(out).toBe('');
  });
});

describe('thinking', () => {
  const start = [messageStart(), thinkingStart(0)];
  const thinking = [thought(0, 'Hm.'), thought(0, ' Well.'), signature(0), blockStop(0)];

  it('that nobody asked to see waits for what follows it', () => {
    const splice = spliceOf();
    shown(splice, ...start);

    expect(shown(splice, ...thinking, blockStart(1), text(1, 'So:'))).toEqual([
      '',
      '',
      '',
      '',
      '',
      [...start, ...thinking, blockStart(1), text(1, 'So:')].join(''),
    ]);
  });

  it('that is to be shown flows', () => {
    const splice = spliceOf({ liveThinking: true });

    expect(shown(splice, ...start)).toEqual(['', '']);
    expect(shown(splice, ...thinking)).toEqual([start.join('') + thought(0, 'Hm.'), thought(0, ' Well.'), signature(0), '']);
    expect(splice.transcript().blocks[0]).toMatchObject({ type: 'thinking', text: 'Hm. Well.', signature: 'sig', complete: true });
  });

  it('that is redacted arrives whole, and waits too', () => {
    const splice = spliceOf();
    const redacted = blockStart(0, { type: 'redacted_thinking', data: 'xyz' });

    expect(shown(splice, messageStart(), redacted, blockStop(0), blockStart(1), text(1, 'So:')).slice(0, 4).join('')).toBe('');
    expect(splice.transcript().blocks.map(({ type, complete }) => [type, complete])).toEqual([
      ['redacted_thinking', true],
      ['text', false],
    ]);
  });
});

describe('what nobody knows yet', () => {
  const start = [messageStart(), blockStart(0), text(0, 'Hi')];
  const odd = 'id: 7\nevent: weather\ndata: {"type":"weather",  "sky":\t"clear"}\nretry: 5\n\n';

  it('passes byte for byte, in its place', () => {
    const splice = spliceOf();
    shown(splice, ...start);

    expect(shown(splice, odd, blockStop(0), odd, messageDelta(), messageStop)).toEqual([
      odd,
      '',
      '',
      '',
      blockStop(0) + odd + messageDelta() + messageStop,
    ]);
  });

  it('comments, events without a name and empty ones pass at once', () => {
    const splice = spliceOf();
    const odds = [
      ': keep-alive\n\n',
      'data: {"type":"tomorrow"}\n\n',
      'event: content_block_stop\n\n',
      '\n\n',
      'event: ping\ndata: not json\n\n',
    ];
    const begun = [messageStart(), blockStart(0), text(0, 'Hi')];

    expect(shown(splice, ...begun, ...odds)).toEqual(['', '', begun.join(''), ...odds]);
    expect(splice.state.type).toBe('open');
  });

  it('blocks and deltas of unknown kinds pass, and are remembered', () => {
    const splice = spliceOf();
    const block = blockStart(0, { type: 'hologram', shape: 'cube' });
    const change = delta(0, { type: 'hologram_delta', angle: 7 });

    expect(shown(splice, messageStart(), block, change)).toEqual(['', messageStart() + block, change]);
    expect(splice.transcript().blocks).toMatchObject([{ type: 'hologram', complete: true, start: { shape: 'cube' } }]);
  });

  it('more fields in known events pass', () => {
    const splice = spliceOf();
    const more = delta(0, { type: 'text_delta', text: 'x', logprobs: [0.1] });
    shown(splice, ...start);

    expect(shown(splice, more, text(0, 'y'))).toEqual([more, text(0, 'y')]);
    expect(splice.transcript().blocks[0]?.text).toBe('Hixy');
  });
});

describe('a break', () => {
  const start = [messageStart(), blockStart(0), text(0, 'Hi')];

  it.each([
    ['Anthropic’s', errorEvent('overloaded_error'), { type: 'overloaded_error', message: 'Overloaded' }],
    ['Amazon’s', errorEvent('throttlingException', 'Too many'), { type: 'throttlingException', message: 'Too many' }],
    [
      'without an envelope',
      'event: error\ndata: {"message":"Too many","__type":"ThrottlingException"}\n\n',
      { type: 'ThrottlingException', message: 'Too many' },
    ],
    ['that is no JSON', 'event: error\ndata: upstream gone\n\n', { message: 'upstream gone' }],
    [
      'under another name',
      'event: message\ndata: {"type":"error","error":{"type":"api_error","message":"x"}}\n\n',
      { type: 'api_error', message: 'x' },
    ],
  ])('an error event of any kind, %s, never reaches the reader', (_, error, facts) => {
    const splice = spliceOf();
    shown(splice, ...start);

    expect(shown(splice, error)).toEqual(['']);
    expect(splice.state).toMatchObject({ type: 'broken', problem: 'error', error: facts });
  });

  it.each([
    ['JSON that is cut off', 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n'],
    ['data that is no object', 'event: content_block_delta\ndata: 7\n\n'],
    ['a delta whose block never began', text(1, 'x')],
    ['an end of a block that never began', blockStop(3)],
    ['a block that begins twice', blockStart(0)],
    ['a block without an index', event({ type: 'content_block_start', content_block: { type: 'text', text: '' } })],
    ['a second beginning', messageStart('msg_2')],
    ['text in an escape JSON does not know', text(0, 'x').replace('"x"', '"\\x"')],
    ['text with a raw control character', text(0, 'x').replace('"x"', '"\u0007"')],
  ])('%s, and what came before stays', (_, broken) => {
    const splice = spliceOf();
    shown(splice, ...start, text(0, ' there'));

    expect(shown(splice, broken, text(0, 'more'))).toEqual(['', '']);
    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
    expect(splice.transcript().blocks[0]?.text).toBe('Hi there');
  });

  it.each([blockStart(0), text(0, 'x'), blockStop(0), messageDelta(), messageStop])('an event before message_start', (early) => {
    const splice = spliceOf();

    expect(shown(splice, early)).toEqual(['']);
    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
  });

  it('an end before message_stop, whatever was cut off', () => {
    for (const rest of ['', 'event: con', text(0, 'x').slice(0, -1)]) {
      const splice = spliceOf();
      shown(splice, ...start, rest);

      expect(splice.end()).toEqual({ type: 'broken', problem: 'early-end' });
    }
  });

  itTakesMegabytes('an event that outgrows its bound, in pieces or in one', () => {
    const huge = new Uint8Array(17 * 1024 * 1024).fill(120);
    const pieces = spliceOf();
    shown(pieces, ...start);
    for (let at = 0; at < huge.length; at += 1 << 20) pieces.push(huge.subarray(at, at + (1 << 20)));
    const one = spliceOf();
    shown(one, ...start);
    const whole = new Uint8Array(huge.length + 2).fill(10);
    whole.set(huge);
    one.push(whole);

    for (const splice of [pieces, one]) expect(splice.state).toEqual({ type: 'broken', problem: 'oversized' });
  });

  itTakesMegabytes('a text or a hold-back that never ends', () => {
    const words = 'x'.repeat(1 << 20);
    for (const options of [{}, { holdAll: true }]) {
      const splice = spliceOf(options);
      shown(splice, ...start);
      for (let i = 0; i < 40 && splice.state.type === 'open'; i += 1) shown(splice, text(0, words));

      expect(splice.state).toEqual({ type: 'broken', problem: 'oversized' });
    }
  });

  it('withdraws what was held, and tells only what the reader has', () => {
    const splice = spliceOf();
    shown(splice, ...start, blockStop(0), toolStart(1), json(1, '{"a":1}'), blockStop(1));
    splice.fail('socket');

    expect(splice.transcript().blocks).toEqual([
      { index: 0, type: 'text', text: 'Hi', closed: false, citations: false, complete: false, start: { type: 'text', text: '' } },
    ]);
  });

  it('of an attempt that is over changes nothing', () => {
    const splice = spliceOf();
    shown(splice, ...start, blockStop(0), ending, errorEvent('api_error'));
    splice.fail('socket');
    splice.end();

    expect(splice.state).toEqual({ type: 'done', by: 'upstream' });
  });
});

describe('the end of a body', () => {
  const whole = [messageStart(), blockStart(0), text(0, 'Hi'), blockStop(0), ending].join('').replaceAll('\n', '\r');

  it('ends its last event, where lines end with a carriage return alone', () => {
    const splice = spliceOf();
    splice.push(bytesOf(whole));
    expect(splice.state.type).toBe('open');

    expect(splice.end()).toEqual({ type: 'done', by: 'upstream' });
    expect(given(splice)).toBe(whole);
  });

  it('ends nothing any more behind a break', () => {
    const splice = spliceOf();
    splice.push(bytesOf(whole));
    splice.fail('stall');

    expect(splice.end()).toEqual({ type: 'broken', problem: 'stall' });
  });
});

describe('a block that nothing follows yet', () => {
  it.each(['server_tool_use', 'mcp_tool_use', 'compaction'])('is not whole if it is to grow: %s', (type) => {
    const splice = spliceOf();
    shown(splice, messageStart(), blockStart(0, { type }));

    expect(splice.transcript().blocks).toMatchObject([{ type, complete: false, closed: false }]);
  });

  it('is not whole if it is a thought without its signature', () => {
    const splice = spliceOf({ liveThinking: true });
    shown(splice, messageStart(), thinkingStart(0), thought(0, 'Hm.'));

    expect(splice.transcript().blocks).toMatchObject([{ type: 'thinking', complete: false }]);
  });

  it('is not shown for a delta nobody knows', () => {
    const odd = delta(0, { type: 'tomorrow_delta' });

    expect(shown(spliceOf(), messageStart(), blockStart(0), odd, text(0, 'Hi'))).toEqual([
      '',
      '',
      '',
      [messageStart(), blockStart(0), odd, text(0, 'Hi')].join(''),
    ]);
  });
});

describe('citations', () => {
  it('pass, and make a text one that cannot be continued', () => {
    const splice = spliceOf();
    const citation = delta(0, { type: 'citations_delta', citation: { cited_text: 'tide' } });
    shown(splice, messageStart(), blockStart(0), text(0, 'Hi'));

    expect(splice.transcript().blocks).toMatchObject([{ citations: false }]);
    expect(shown(splice, citation)).toEqual([citation]);
    expect(splice.transcript().blocks).toMatchObject([{ citations: true }]);
  });
});

describe('after message_stop', () => {
  it('nothing on the wire matters, in the same chunk or later', () => {
    const whole = messageStart() + blockStart(0) + text(0, 'Hi') + blockStop(0) + ending;
    const splice = spliceOf();

    expect(shown(splice, whole + errorEvent('api_error') + messageStart('msg_2') + 'garb', 'age\n\n')).toEqual([whole, '']);
    expect(splice.state).toEqual({ type: 'done', by: 'upstream' });
  });

  it('a message whose end was lost behind its stop reason is finished', () => {
    const splice = spliceOf();
    shown(splice, messageStart(), blockStart(0), text(0, 'Hi'), blockStop(0), messageDelta('max_tokens'));
    splice.end();

    expect(splice.stopKnown).toBe(true);
    splice.finish(null);
    expect(given(splice)).toBe(blockStop(0) + messageDelta('max_tokens') + messageStop);
    expect(splice.state).toEqual({ type: 'done', by: 'splice' });
  });
});

describe('a stream that nobody asked to heal', () => {
  const plain = (): Splice => spliceOf({ strict: false, tools: 'live', liveThinking: true });

  it('is handed on at once, event by event', () => {
    const events = [messageStart(), blockStart(0), text(0, 'Hi'), blockStop(0), messageDelta(), messageStop];
    const splice = plain();

    expect(shown(splice, ...events)).toEqual(events);
    expect(splice.state).toEqual({ type: 'done', by: 'upstream' });
  });

  it.each([
    ['an end nobody gave a reason for', [messageStart(), blockStart(0), text(0, 'Hi'), blockStop(0), messageStop]],
    ['a block without an end', [messageStart(), blockStart(0), text(0, 'Hi'), blockStart(1), text(1, '!'), messageDelta(), messageStop]],
    ['a call without an end', [messageStart(), toolStart(0), json(0, '{"a"'), messageDelta('tool_use'), messageStop]],
    ['blocks with gaps between their numbers', [messageStart(), blockStart(3), text(3, 'Hi'), blockStop(3), messageDelta(), messageStop]],
    [
      'what contradicts itself',
      [text(0, 'early'), messageStart(), messageStart('msg_2'), blockStop(7), text(7, 'x'), messageDelta(), blockStart(0), messageStop],
    ],
    [
      'what is no event of its kind',
      [
        event({ type: 'message_start', message: null }),
        messageStart(),
        event({ type: 'message_delta', delta: null }),
        event({ type: 'message_delta', delta: { stop_reason: 7 } }),
        messageStop,
      ],
    ],
  ])('is left as it is: %s', (_, events) => {
    const splice = plain();

    expect(shown(splice, ...events)).toEqual(events);
    expect(splice.state.type).toBe('done');
  });
});

describe('the account of an attempt that broke', () => {
  const start = [messageStart('msg_1', { input_tokens: 10, output_tokens: 1 }), blockStart(0)];
  const accountOf = (splice: Splice): unknown => splice.usage().at(-1);

  it.each([
    ['by an error event', (splice: Splice) => splice.push(bytesOf(errorEvent('overloaded_error')))],
    ['by what contradicts itself', (splice: Splice) => splice.push(bytesOf(blockStop(7)))],
    ['at its end', (splice: Splice) => splice.end()],
    ['by something outside', (splice: Splice) => splice.fail('stall')],
  ])('%s, is an estimate from its text', (_, breakIt) => {
    const splice = spliceOf();
    shown(splice, ...start, text(0, 'x'.repeat(30)), text(0, 'x'.repeat(30)), text(0, 'x'.repeat(10)));
    breakIt(splice);

    expect(accountOf(splice)).toMatchObject({ input: 10, output: 20, estimated: true });
  });

  it('counts what the reader was not shown', () => {
    const splice = spliceOf();
    shown(splice, messageStart(), thinkingStart(0), thought(0, 'x'.repeat(35)), thought(0, 'x'.repeat(35)), signature(0));
    splice.fail('socket');

    expect(accountOf(splice)).toMatchObject({ output: 20 });
  });

  it('is never less than the upstream said', () => {
    const splice = spliceOf();
    shown(splice, ...start, text(0, 'x'), blockStop(0), messageDelta(null, 50));
    splice.fail('socket');

    expect(accountOf(splice)).toMatchObject({ output: 50, estimated: true });
  });

  it('is what the upstream said, where only the end is missing', () => {
    const splice = spliceOf();
    shown(splice, ...start, text(0, 'x'), blockStop(0), messageDelta('end_turn', 50));
    splice.fail('socket');

    expect(accountOf(splice)).toMatchObject({ output: 50, estimated: false });
  });

  it('is none before it began', () => {
    const splice = spliceOf();
    splice.fail('socket');

    expect(splice.usage()).toEqual([]);
  });
});

describe('the transcript', () => {
  it('is plain JSON at every moment, and says what the reader has', () => {
    const splice = spliceOf({ tools: 'block', liveThinking: true });
    const events = [
      messageStart(),
      thinkingStart(0),
      thought(0, 'Hm "é"\n'),
      signature(0),
      blockStop(0),
      blockStart(1),
      text(1, 'Hi \u{1F389}'),
      blockStop(1),
      toolStart(2),
      json(2, '{"a":"\\u00e9"}'),
      blockStop(2),
      messageDelta('tool_use'),
    ];
    let all = '';
    for (const each of events) {
      splice.push(bytesOf(each));
      all += given(splice);
      const transcript = splice.transcript();
      const seen = readStrictly(bytesOf(all)).content;

      expect(JSON.parse(JSON.stringify(transcript))).toEqual(transcript);
      expect(transcript.blocks.map(({ type, text: said }) => [type, said])).toEqual(
        seen.map((block) => [
          block['type'],
          block['text'] ?? block['thinking'] ?? (JSON.stringify(block['input']) === '{}' ? '' : '{"a":"\\u00e9"}'),
        ]),
      );
    }
    expect(splice.transcript().message).toMatchObject({ id: 'msg_1' });
  });

  it('can be replayed to a new reader, who then has it all', () => {
    const splice = spliceOf({ tools: 'block', liveThinking: true });
    const events = [
      messageStart(),
      thinkingStart(0),
      thought(0, 'Hm.'),
      signature(0),
      blockStop(0),
      blockStart(1),
      text(1, 'Hi'),
      blockStop(1),
      toolStart(2),
      json(2, '{"a":1}'),
      blockStop(2),
    ];
    const before = shown(splice, ...events).join('');
    const transcript = splice.transcript();
    const replayed = Splice.replay({ tools: 'block', liveThinking: true, holdAll: false, stopSequences: [], strict: true }, transcript);

    expect(readStrictly(bytesOf(given(replayed))).content).toEqual(readStrictly(bytesOf(before)).content);
    expect(replayed.transcript()).toEqual(transcript);
    expect(replayed.state).toEqual({ type: 'broken', problem: 'socket' });
    replayed.finish('tool_use');
    expect(given(replayed)).toContain('"stop_reason":"tool_use"');
  });
});
