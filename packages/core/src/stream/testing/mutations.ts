// Streams as a broken proxy, a bad cable or an attacker would make them of good ones.

import { eventsFor, type Answer, type ContentBlock } from '@holdfast/testing';
import fc from 'fast-check';
import { wildText } from './holds.ts';

/** One thing that is done to a stream. Places are any numbers, taken modulo its length. */
export type Mutation =
  | { readonly do: 'drop' | 'repeat'; readonly at: number }
  | { readonly do: 'move'; readonly at: number; readonly to: number }
  | { readonly do: 'insert'; readonly at: number; readonly frame: string }
  | { readonly do: 'index'; readonly at: number; readonly index: string }
  | { readonly do: 'respell'; readonly at: number; readonly from: string; readonly to: string }
  | { readonly do: 'other'; readonly at: number; readonly to: number }
  | { readonly do: 'byte'; readonly at: number; readonly byte: number }
  | { readonly do: 'cut'; readonly at: number };

const frame = (name: string, data: unknown): string =>
  `event: ${name}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const deep = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);
const types = [
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'error',
  'ping',
  'tomorrow',
];

/** Events nobody should send. */
const hostile: readonly string[] = [
  frame('content_block_delta', '{"type":"content_block_delta","index":0,"delta":null}'),
  frame('content_block_delta', '{"type":"content_block_delta","index":0}'),
  frame('content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"type":null}}'),
  frame('content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":7}}'),
  frame('content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"type":"__proto__","[object Object]":"x"}}'),
  frame('content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"type":{"toString":0,"valueOf":0}}}'),
  frame('content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"text":"a","type":"text_delta","text":"b"}}'),
  frame('content_block_delta', '{"delta":{},"type":"content_block_delta","index":3,"index":0,"delta":{"type":"text_delta","text":"b"}}'),
  frame('content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":{"toString":0}}}'),
  frame('content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"stray"}}'),
  frame('content_block_delta', `{"type":"content_block_delta","index":0,"delta":{"type":"tomorrow_delta","x":${deep(9_000, '[', ']')}}}`),
  frame(
    'content_block_start',
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"begun","__proto__":{"polluted":1}}}',
  ),
  frame('content_block_start', '{"type":"content_block_start","index":1,"content_block":{"type":"constructor"}}'),
  frame('content_block_start', '{"type":"content_block_start","index":1,"content_block":{"type":["text"]}}'),
  frame('content_block_start', '{"type":"content_block_start","index":1,"content_block":{"type":{"toString":0,"valueOf":0}}}'),
  frame('content_block_start', '{"type":"content_block_start","index":0,"content_block":null}'),
  frame(
    'content_block_start',
    '{"type":"content_block_start","index":1e300,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}',
  ),
  frame(
    'content_block_start',
    `{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"n","input":${deep(9_000, '{"a":', '}').replace('}', '0}')}}}`,
  ),
  frame('message_start', '{"type":"message_start","message":null}'),
  frame('message_start', '{"type":"message_start","message":{"id":{},"content":null,"usage":{"input_tokens":1e308,"output_tokens":-1}}}'),
  frame('message_start', '{"type":"message_start","message":{"id":"msg","content":[{"type":"text","text":"early"}]}}'),
  frame('message_delta', '{"type":"message_delta","delta":null,"usage":null}'),
  frame('message_delta', '{"type":"message_delta","delta":{"stop_reason":{}},"usage":[1]}'),
  frame(
    'message_delta',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1e308,"input_tokens":1e308,"__proto__":{"x":1}}}',
  ),
  frame('message_stop', ''),
  frame('message_stop', '[]'),
  frame('message_stop', '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"in disguise"}}'),
  frame('tomorrow', '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"under another name"}}'),
  frame('tomorrow', '{"type":"tomorrow","x":1}'),
  frame('tomorrow', '{}'),
  frame('tomorrow', ''),
  frame('tomorrow', `{"type":"tomorrow","x":${deep(20_000, '[', ']')}}`),
  frame('error', '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'),
  frame('error', 'null'),
  frame('error', '[[]]'),
  frame('error', deep(9_000, '[', ']')),
  frame('ping', '{"type":"content_block_stop","index":0}'),
  'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"without a name"}}\n\n',
  'event:\ndata: {"type":"content_block_stop","index":0}\n\n',
  'data: [DONE]\n\n',
  'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,\ndata: "delta":{"type":"text_delta","text":"two lines"}}\n\n',
  'event: ping\ndata: {}\n\uFEFF\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
  '\uFEFFevent: ping\ndata: {}\n\n',
  ': comment\n\n',
  '\n\n\n',
  '\r',
  '\0',
];

const anyFrame = fc
  .record({
    name: fc.constantFrom(...types),
    type: fc.constantFrom(...types),
    index: fc.constantFrom(0, 1, 2, -1),
    more: fc.dictionary(
      fc.constantFrom('delta', 'content_block', 'message', 'usage', '__proto__', 'constructor'),
      fc.jsonValue({ maxDepth: 3 }),
    ),
  })
  .map(({ name, type, index, more }) => frame(name, { ...more, type, index }));

const place = fc.nat({ max: 8_000 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('drop' as const, 'repeat' as const), at: place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), at: place, to: place }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      at: place,
      frame: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...hostile) }, { weight: 1, arbitrary: anyFrame }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('index' as const),
      at: place,
      index: fc.constantFrom('-1', '1e300', '"0"', 'null', '7', '-0', '0.5', '0', '1', '{}'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('respell' as const),
      at: place,
      from: fc.constantFrom('"type"', '_delta', ':', '\n', 'event: ', '"text"', 'null', '}', '"'),
      to: fc.constantFrom('', '"__proto__"', '\r\n', '\r', '\uFEFF', 'null', '[]', ' ', '\\u0000', '\0'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('other' as const), at: place, to: place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('byte' as const), at: place, byte: fc.nat({ max: 127 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), at: place }) },
);

export const mutations: fc.Arbitrary<Mutation[]> = fc.array(mutation, { maxLength: 4 });

const encoder = new TextEncoder();
const usage = { input_tokens: 10, output_tokens: 20, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };

export const framesOf = (answer: Answer, id: string, seed = 3): string[] =>
  eventsFor({ id, model: 'claude-opus-5-5', usage, answer }, seed).map(({ text }) => text);

/** The bytes of `frames` after everything was done to them. `other`: another stream, parts of which may get in. */
export function mutated(frames: readonly string[], list: readonly Mutation[], other: readonly string[]): Uint8Array {
  const all = [...frames];
  const onBytes: Extract<Mutation, { do: 'byte' | 'cut' }>[] = [];
  for (const each of list) {
    const at = each.at % Math.max(1, all.length);
    switch (each.do) {
      case 'drop':
        all.splice(at, 1);
        break;
      case 'repeat':
        all.splice(at, 0, all[at] ?? '');
        break;
      case 'move':
        all.splice(each.to % all.length, 0, ...all.splice(at, 1));
        break;
      case 'insert':
        all.splice(at, 0, each.frame);
        break;
      case 'index':
        all[at] = (all[at] ?? '').replace(/"index":[^,}]+/, `"index":${each.index}`);
        break;
      case 'respell':
        all[at] = (all[at] ?? '').replace(each.from, each.to);
        break;
      case 'other':
        all.splice(at, all.length, ...other.slice(each.to % other.length));
        break;
      default:
        onBytes.push(each);
    }
  }
  let bytes = encoder.encode(all.join(''));
  for (const each of onBytes) {
    if (each.do === 'cut') bytes = bytes.slice(0, each.at % (bytes.length + 1));
    else if (bytes.length > 0) bytes[each.at % bytes.length] = each.byte;
  }
  return bytes;
}

const textBlock = fc
  .oneof(wildText, fc.constant('The tide comes in twice a day, and the harbour fills with boats that wait for it. '))
  .map((text) => ({ type: 'text', text }));
const thinkingBlock = fc.record({ type: fc.constant('thinking'), thinking: wildText, signature: fc.constant('c2ln') });
const toolBlock = fc
  .record({
    name: fc.constantFrom('search', '__proto__'),
    input: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
  })
  .map(({ name, input }) => ({ type: 'tool_use', id: 'toolu_1', name, input }));

/** An answer as a model gives it. */
export const anyAnswer: fc.Arbitrary<Answer> = fc
  .tuple(fc.option(thinkingBlock), fc.array(textBlock, { maxLength: 3 }), fc.array(toolBlock, { maxLength: 2 }))
  .map(([thinking, texts, tools]) => ({
    // As JSON has it: without negative zeros.
    content: JSON.parse(JSON.stringify([...(thinking ? [thinking] : []), ...texts, ...tools])) as ContentBlock[],
    stopReason: tools.length > 0 ? 'tool_use' : 'end_turn',
  }));
