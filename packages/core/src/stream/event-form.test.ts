import { describe, expect, it } from 'vitest';
import { isBlock, isDelta, isMessageStart } from './event-form.ts';
import { Splice, type SpliceOptions } from './splice.ts';
import { readStrictly } from './testing/strict-reader.ts';
import {
  blockStart,
  blockStop,
  bytesOf,
  delta,
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

function spliceOf(options: Partial<SpliceOptions> = {}): Splice {
  return new Splice({ tools: 'message', liveThinking: false, holdAll: false, stopSequences: [], strict: true, ...options });
}

function shown(splice: Splice, ...events: string[]): string {
  for (const each of events) splice.push(bytesOf(each));
  return decoder.decode(splice.take() ?? undefined);
}

const start = [messageStart(), blockStart(0), text(0, 'Hi')];
const raw = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`;
const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('an event that breaks its stream', () => {
  it.each([
    ['a delta without a delta', raw('content_block_delta', '{"type":"content_block_delta","index":0,"delta":null}')],
    ['a delta whose type is no text', delta(0, { type: { toString: 0, valueOf: 0 } })],
    ['text that is no text', delta(0, { type: 'text_delta', text: 7 })],
    ['thinking in a text', thought(0, 'Hm.')],
    ['a signature in a text', signature(0)],
    ['a delta for a block that has ended', blockStop(0) + text(0, 'more')],
    ['a second end of a block', blockStop(0) + blockStop(0)],
    ['a delta for a block within which another began', blockStart(1) + text(0, 'more')],
    ['a stop reason that is none', blockStop(0) + raw('message_delta', '{"type":"message_delta","delta":{"stop_reason":{}}}')],
    ['the end of a message without a reason', blockStop(0) + messageStop],
    [
      'an event of the message without a name',
      `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n`,
    ],
    ['an event of the message under the name of another', text(0, 'x').replace('event: content_block_delta', 'event: content_block_stop')],
    ['a name of the message for something unknown', raw('content_block_delta', '{"type":"tomorrow"}')],
    ['a list', raw('content_block_delta', '[]')],
    ['JSON nested too deep to be written again', raw('tomorrow', `{"type":"tomorrow","x":${deep(9_000)}}`)],
    ['an event that is two for those who take a byte order mark for nothing', `${text(0, 'x').trimEnd()}\n\uFEFF\nevent: ping\n\n`],
  ])('%s, and the reader gets nothing of it', (_, broken) => {
    const splice = spliceOf();
    shown(splice, ...start);

    expect(shown(splice, broken)).toBe('');
    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
    expect(splice.stopKnown).toBe(false);
    expect(splice.transcript().blocks).toMatchObject([{ text: 'Hi', closed: false }]);
  });

  it.each([
    ['no object', raw('message_start', '{"type":"message_start","message":null}')],
    ['already has content', event({ type: 'message_start', message: { id: 'msg', content: [{ type: 'text', text: 'early' }] } })],
  ])('a beginning whose message is %s', (_, broken) => {
    const splice = spliceOf();

    expect(shown(splice, broken, blockStart(0), text(0, 'Hi'))).toBe('');
    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
  });

  it.each([
    ['has no index', event({ type: 'content_block_start', content_block: { type: 'text', text: '' } })],
    ['has an index below all others', blockStart(-1)],
    ['has an index between two others', blockStart(0.5)],
    ['is missing', raw('content_block_start', '{"type":"content_block_start","index":0}')],
    ['has no type', blockStart(0, { text: '' })],
    ['has a type that cannot be a text', blockStart(0, { type: { toString: 0, valueOf: 0 } })],
    ['begins with something that is no text', blockStart(0, { type: 'text', text: 7 })],
  ])('a block that %s', (_, broken) => {
    const splice = spliceOf();

    expect(shown(splice, messageStart(), broken)).toBe('');
    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
  });

  it('a block behind the stop reason: the answer is not finished without it', () => {
    const splice = spliceOf();
    shown(splice, ...start, blockStop(0), messageDelta('tool_use'), toolStart(1), json(1, '{}'), blockStop(1), messageStop);

    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
    expect(splice.stopKnown).toBe(false);
  });

  it('a message_stop that nobody can read, but the reason is known: the answer is whole', () => {
    const splice = spliceOf();
    shown(splice, ...start, blockStop(0), messageDelta(), raw('message_stop', '{"type":"mess'));

    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
    expect(splice.stopKnown).toBe(true);
  });

  it('never a delta of a type that objects have by nature, which has no text', () => {
    const splice = spliceOf();
    const odd = raw('content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"type":"__proto__","[object Object]":"x"}}');

    expect(shown(splice, ...start, odd, text(0, '!'))).toContain(odd);
    expect(splice.transcript().blocks[0]?.text).toBe('Hi!');
  });
});

describe('an event of the message without a name', () => {
  it.each(['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop'])(
    'breaks its stream, since some read it and some do not: %s',
    (type) => {
      const splice = spliceOf();
      shown(splice, ...start);

      expect(shown(splice, `data: {"type":"${type}"}\n\n`)).toBe('');
      expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
    },
  );
});

describe('an event that a gateway left out', () => {
  const ends = { 'the next block': blockStart(1) + text(1, '!') + blockStop(1) + messageDelta(), 'the stop reason': messageDelta() };

  it.each(Object.entries(ends))('is made up if it is the end of a text: %s can only come after it', (_, rest) => {
    const out = shown(spliceOf(), ...start, rest, messageStop);

    expect(out).toContain(`${text(0, 'Hi')}${blockStop(0)}`);
    expect(readStrictly(bytesOf(out))).toMatchObject({ whole: true });
  });

  it('breaks the stream if it is the end of a tool call, which may have lost its input too', () => {
    const splice = spliceOf();
    shown(splice, ...start, blockStop(0), toolStart(1), json(1, '{}'), messageDelta('tool_use'), messageStop);

    expect(splice.state).toEqual({ type: 'broken', problem: 'malformed' });
    expect(splice.stopKnown).toBe(false);
  });

  it('is made up under the reader’s index, where that is another', () => {
    const splice = spliceOf({ liveThinking: true });
    shown(splice, messageStart(), thinkingStart(0), thought(0, 'Hm.'));
    splice.fail('socket');
    splice.resume({ type: 'restart', nextIndex: 1 });

    expect(shown(splice, ...start, messageDelta(), messageStop)).toContain(blockStop(1));
  });
});

describe('more about the message after its stop reason', () => {
  it('is part of the end, as the API documents', () => {
    const events = [
      ...start,
      blockStop(0),
      messageDelta(),
      event({ type: 'message_delta', delta: {}, usage: { output_tokens: 9 } }),
      messageStop,
    ];
    const splice = spliceOf();

    expect(shown(splice, ...events)).toBe(events.join(''));
    expect(splice.stopReason).toBe('end_turn');
    expect(splice.usage()).toMatchObject([{ output: 9 }]);
  });
});

describe('a stream that nobody asked to heal', () => {
  const options = { tools: 'live', liveThinking: true, strict: false } as const;

  it.each([
    [
      'a block within another',
      [...start, blockStart(1), text(0, 'a'), text(1, 'b'), blockStop(0), blockStop(0), messageDelta(), messageStop],
    ],
    ['no stop reason', [...start, blockStop(0), messageStop]],
    ['no beginning', [blockStart(0), text(0, 'Hi'), blockStop(0), messageDelta()]],
    ['two beginnings', [messageStart(), messageStart(), blockStart(0), text(0, 'Hi'), blockStop(0), messageDelta(), messageStop]],
    ['a block behind the stop reason', [...start, blockStop(0), messageDelta(), blockStart(1), text(1, 'x'), blockStop(1), messageStop]],
  ])('is handed on as it is with %s', (_, events) => {
    const splice = spliceOf(options);
    const out = shown(splice, ...events);
    splice.fail('socket');

    expect(events.join('').startsWith(out)).toBe(true);
    expect(out).toContain(events.at(-2));
    expect(splice.state).not.toMatchObject({ problem: 'malformed' });
  });
});

describe('an event of the message under a name nobody knows', () => {
  it('is what its data says, as for the SDK', () => {
    const splice = spliceOf();
    const events = [...start, blockStop(0), messageDelta(), messageStop].map((each) => each.replace(/^event: \w+/, 'event: message'));
    const out = shown(splice, ...events);

    expect(out).toBe(events.join(''));
    expect(readStrictly(bytesOf(out))).toMatchObject({ content: [{ text: 'Hi' }], whole: true });
  });
});

describe('a delta that names its text twice', () => {
  it('is renumbered with the text, and not with the type, left open', () => {
    const splice = spliceOf({ liveThinking: true });
    shown(splice, messageStart(), thinkingStart(0), thought(0, 'Hm.'));
    splice.fail('socket');
    splice.resume({ type: 'restart', nextIndex: 1 });
    shown(splice, messageStart(), blockStart(0));
    const twice = (words: string): string =>
      raw('content_block_delta', `{"type":"content_block_delta","index":0,"delta":{"text":"a","type":"text_delta","text":"${words}"}}`);

    const out = shown(splice, twice('Hi'), twice(' there'));

    const deltas = [...out.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as { index: number; delta: unknown });
    expect(deltas.slice(-2)).toMatchObject([
      { index: 1, delta: { type: 'text_delta', text: 'Hi' } },
      { index: 1, delta: { type: 'text_delta', text: ' there' } },
    ]);
  });
});

describe("a call shown live ('live') that ended on half of its input", () => {
  it('is not whole: the turn must not be closed with it', () => {
    const splice = spliceOf({ tools: 'live' });
    shown(splice, messageStart(), toolStart(0), json(0, '{"path":"/etc'), blockStop(0), toolStart(1), json(1, '{}'));

    expect(splice.transcript().blocks).toMatchObject([
      { closed: true, complete: false },
      { closed: false, complete: false },
    ]);
  });
});

describe('token counts', () => {
  it('that nobody can have used are not believed', () => {
    const splice = spliceOf();
    shown(
      splice,
      messageStart('msg_1', { input_tokens: 1e308, output_tokens: -1 }),
      blockStart(0),
      text(0, 'x'),
      blockStop(0),
      messageDelta('end_turn', 1e308),
    );

    expect(splice.usage()).toMatchObject([{ input: 0, output: 0 }]);
  });
});

describe('the deltas of a block', () => {
  const deltas = [
    { type: 'text_delta', text: 'x' },
    { type: 'citations_delta', citation: {} },
    { type: 'thinking_delta', thinking: 'x' },
    { type: 'signature_delta', signature: 'x' },
    { type: 'input_json_delta', partial_json: 'x' },
    { type: 'compaction_delta', content: 'x' },
    { type: 'tomorrow_delta' },
  ];
  const all = deltas.map(({ type }) => type);

  it.each([
    ['text', ['text_delta', 'citations_delta', 'tomorrow_delta']],
    ['thinking', ['thinking_delta', 'signature_delta', 'tomorrow_delta']],
    ['tool_use', ['input_json_delta', 'tomorrow_delta']],
    ['server_tool_use', ['input_json_delta', 'tomorrow_delta']],
    ['mcp_tool_use', ['input_json_delta', 'tomorrow_delta']],
    ['compaction', ['compaction_delta', 'tomorrow_delta']],
    ['tomorrow', all],
  ])('of type %s are %j', (block, expected) => {
    expect(deltas.filter((each) => isDelta(each, block)).map(({ type }) => type)).toEqual(expected);
  });

  it('have a text where their type says so, and a signature that is one', () => {
    expect(isDelta({ type: 'input_json_delta' }, 'tool_use')).toBe(false);
    expect(isDelta({ type: 'signature_delta', signature: 7 }, 'thinking')).toBe(false);
  });
});

describe('a beginning', () => {
  it('of a message has no content, said or unsaid', () => {
    expect(isMessageStart({ id: 'msg_1' })).toBe(true);
    expect(isMessageStart({ id: 'msg_1', content: [] })).toBe(true);
    expect(isMessageStart({ id: 'msg_1', content: null })).toBe(false);
  });

  it('of a thought or a text has text or none, and that of any other block what it likes', () => {
    expect(isBlock({ type: 'thinking', thinking: 7 })).toBe(false);
    expect(isBlock({ type: 'thinking' })).toBe(true);
    expect(isBlock({ type: 'tomorrow', tomorrow: 7 })).toBe(true);
  });
});
