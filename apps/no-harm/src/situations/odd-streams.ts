// Healthy streams with everything that messages can hold, and odd ones that the bare SDK reads all the same.

import type { Situation, Subject, Surface } from '../situation.ts';
import { eventReply, healthy, upstream } from '../upstream.ts';
import { blockStart, blockStop, blocks, delta, end, event, json, start, stop, text, textStart, words } from '../wire.ts';

type Json = Record<string, unknown>;

const both: readonly Surface[] = ['stream', 'helper'];

const streamed = (name: string, body: string, more: Partial<Situation> = {}): Situation => ({
  name,
  surfaces: both,
  upstream: () => upstream(() => eventReply([body])),
  ...more,
});

const input = (...parts: string[]): Json[] => parts.map((partial_json) => ({ type: 'input_json_delta', partial_json }));

const kinds: Readonly<Record<string, readonly [Json, ...Json[]]>> = {
  thinking: [
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: 'Hm. ' },
    { type: 'thinking_delta', thinking: 'Yes.' },
    { type: 'signature_delta', signature: 'EqQB' },
  ],
  'thinking with nothing to show': [
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'signature_delta', signature: 'EqQC' },
  ],
  'thinking without a signature': [
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: 'Hm.' },
  ],
  'redacted thinking': [{ type: 'redacted_thinking', data: 'EmwK' }],
  'text with half a surrogate per delta': [
    { type: 'text', text: '' },
    { type: 'text_delta', text: 'A\ud83d' },
    { type: 'text_delta', text: '\ude00B' },
  ],
  citations: [
    { type: 'text', text: '', citations: [] },
    { type: 'text_delta', text: 'As it says' },
    {
      type: 'citations_delta',
      citation: { type: 'char_location', cited_text: 'x', document_index: 0, start_char_index: 0, end_char_index: 1 },
    },
  ],
  'a server tool': [{ type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }, ...input('', '{"query": "x"}')],
  'a result of a server tool': [
    {
      type: 'web_search_tool_result',
      tool_use_id: 'srvtoolu_1',
      content: { type: 'web_search_tool_result_error', error_code: 'max_uses_exceeded' },
    },
  ],
  'a result of code': [
    {
      type: 'bash_code_execution_tool_result',
      tool_use_id: 'srvtoolu_2',
      content: { type: 'bash_code_execution_result', stdout: 'a\nb', stderr: '', return_code: 0, content: [] },
    },
  ],
  'an MCP tool': [{ type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'n', server_name: 's', input: {} }, ...input('{"a":1}')],
  'an MCP result': [{ type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', is_error: false, content: [{ type: 'text', text: 'r' }] }],
  'a tool call': [{ type: 'tool_use', id: 'toolu_1', name: 'grep', input: {} }, ...input('', '{"n": 12, "s', '": "\\ud83d\\ude00"}')],
  'a tool call without input': [{ type: 'tool_use', id: 'toolu_2', name: 'now', input: {} }, ...input('')],
  'an uploaded container': [{ type: 'container_upload', file_id: 'file_1' }],
  'a block of 2027': [
    { type: 'some_block_of_2027', payload: { a: [1, null] } },
    { type: 'some_delta_of_2027', x: 1 },
  ],
};

const reasons = [
  'end_turn',
  'tool_use',
  'max_tokens',
  'stop_sequence',
  'pause_turn',
  'refusal',
  'model_context_window_exceeded',
  'compaction',
  'reason_of_2027',
];

const tool = (id = 'toolu_1', more: unknown = {}): Json => ({ type: 'tool_use', id, name: 'grep', input: more });
const toolForms: Readonly<Record<string, string>> = {
  'input in the start, no delta': start() + blockStart(0, tool('toolu_1', { pattern: 'a' })) + blockStop(0) + end('tool_use') + stop,
  'input in the start, an empty delta':
    start() + blockStart(0, tool('toolu_1', { pattern: 'a' })) + json('') + blockStop(0) + end('tool_use') + stop,
  'input in the start and the same in deltas':
    start() + blockStart(0, tool('toolu_1', { pattern: 'a' })) + json('{"pattern":"a"}') + blockStop(0) + end('tool_use') + stop,
  'no input at all': start() + blockStart(0, tool()) + json('') + blockStop(0) + end('tool_use') + stop,
  'input null in the start': start() + blockStart(0, tool('toolu_1', null)) + blockStop(0) + end('tool_use') + stop,
  'input missing in the start':
    start() +
    blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'grep' }) +
    json('{"pattern":"a"}') +
    blockStop(0) +
    end('tool_use') +
    stop,
  'cut by max_tokens': start() + blockStart(0, tool()) + json('{"pattern": "ab') + blockStop(0) + end('max_tokens') + stop,
  'end_turn with a tool': start() + blockStart(0, tool()) + json('{"pattern":"a"}') + blockStop(0) + end('end_turn') + stop,
  'two side by side, interleaved':
    start() +
    blockStart(0, tool()) +
    blockStart(1, tool('toolu_2')) +
    json('{"a"', 0) +
    json('{"b"', 1) +
    json(':1}', 0) +
    json(':2}', 1) +
    blockStop(0) +
    blockStop(1) +
    end('tool_use') +
    stop,
  'two, both stopped at the end':
    start() +
    blockStart(0, tool()) +
    json('{"a":1}', 0) +
    blockStart(1, tool('toolu_2')) +
    json('{"b":2}', 1) +
    blockStop(0) +
    blockStop(1) +
    end('tool_use') +
    stop,
};

/** The helper cannot read it either: its error is a raw one. */
const unreadable: Readonly<Record<string, string>> = {
  'an invalid escape': start() + blockStart(0, tool()) + json('{"pattern": "') + json('\\d+"}') + blockStop(0) + end('tool_use') + stop,
  'text, then an invalid escape':
    start() +
    textStart() +
    text('Let me search for the digits in that file now.') +
    blockStop() +
    blockStart(1, tool()) +
    json('{"pattern": "', 1) +
    json('\\d+"}', 1) +
    blockStop(1) +
    end('tool_use') +
    stop,
};

const big = (size: number): string =>
  start() +
  blockStart(0, {
    type: 'web_fetch_tool_result',
    tool_use_id: 'srvtoolu_1',
    content: {
      type: 'web_fetch_result',
      url: 'https://a/b.pdf',
      content: { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'A'.repeat(size) } },
    },
  }) +
  blockStop(0) +
  textStart(1) +
  text('The report says so.', 1) +
  blockStop(1) +
  end() +
  stop;

const odd: Readonly<Record<string, string>> = {
  'message_start twice': start() + start() + textStart() + text(words) + blockStop() + end() + stop,
  'stop reason null': start() + textStart() + text(words) + blockStop() + end(null) + stop,
  'content in message_start': start({ content: [{ type: 'text', text: '' }] }) + textStart() + text(words) + blockStop() + end() + stop,
  'an empty foreign delta in a text': start() + textStart() + json('') + text(words) + blockStop() + end() + stop,
  'no block stop': start() + textStart() + text(words) + end() + stop,
  'two message_deltas':
    start() + textStart() + text(words) + blockStop() + event('message_delta', { delta: {}, usage: { output_tokens: 9 } }) + end() + stop,
  'a delta of null':
    start() +
    blockStart(0, tool()) +
    delta(0, { type: 'input_json_delta', partial_json: null }) +
    json('{"pattern":"a"}') +
    blockStop(0) +
    end('tool_use') +
    stop,
};

const breaksOff = 'The harbour lies still under the morning fog ';
const oddErrors: Readonly<Record<string, string>> = {
  'data-only {"error"}': 'data: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
  'data-only {"type":"error"}': 'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
  'a bare JSON line': '{"error":{"code":400,"message":"prohibited","status":"INVALID_ARGUMENT"}}\n\n',
  'bare JSON without a line end': '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  'an HTML page': '<html><body>504 Gateway Time-out</body></html>\n\n',
  'event: error of plain text': 'event: error\ndata: upstream timeout\n\n',
  'event: error of a string': 'event: error\ndata: "Overloaded"\n\n',
  'event: error of {"error":"…"}': 'event: error\ndata: {"type":"error","error":"Overloaded"}\n\n',
  'event: error of {"detail":"…"}': 'event: error\ndata: {"detail":"Internal Server Error"}\n\n',
  'event: message of an error': 'event: message\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
  'a [DONE] before the end': 'data: [DONE]\n\n',
};

export const oddStreams: Subject = {
  title: 'What a stream may hold',
  situations: [
    ...Object.entries(kinds).map(([name, block]) => streamed(name, blocks([block]))),
    streamed('every kind of block at once', blocks(Object.values(kinds))),
    ...reasons.map((reason) =>
      streamed(
        `stop reason ${reason}`,
        blocks(
          [
            [
              { type: 'text', text: '' },
              { type: 'text_delta', text: words },
            ],
          ],
          reason,
        ),
      ),
    ),
    streamed(
      'a container and stop details',
      start() +
        textStart() +
        text(words) +
        blockStop() +
        end('refusal', {
          container: { id: 'c1', expires_at: 'x' },
          stop_details: { type: 'refusal', category: 'cyber', explanation: null },
        }) +
        stop,
    ),
    ...Object.entries(toolForms).map(([name, form]) => streamed(`tool input: ${name}`, form)),
    ...Object.entries(unreadable).map(([name, form]) => streamed(`tool input: ${name}`, form)),
    streamed('tool input: eager, not JSON', unreadable['an invalid escape'] as string, {
      body: { tools: [{ name: 'grep', eager_input_streaming: true, input_schema: { type: 'object' } }] },
    }),
    streamed('a block of 1 MB', big(1024 * 1024)),
    streamed('a block of 12 MB', big(12 * 1024 * 1024)),
    streamed(
      'a text of 1 MB',
      start() + textStart() + Array.from({ length: 64 }, () => text('word '.repeat(3277))).join('') + blockStop() + end() + stop,
    ),
    streamed(
      '300 blocks',
      blocks(
        Array.from({ length: 300 }, (_, index) => [
          { type: 'text', text: '' },
          { type: 'text_delta', text: `${index} ` },
        ]),
      ),
    ),
    ...Object.entries(odd).map(([name, form]) => streamed(name, form)),
    // Documented: an answer that nobody said was at its end is never given out as a whole one. It is asked for again, and then told.
    streamed('no message_delta', start() + textStart() + text(words) + blockStop() + stop, { rule: { right: null, asks: 3 } }),
    ...Object.entries(oddErrors).map(([name, form]): Situation => ({
      name: `breaks off with ${name}`,
      surfaces: both,
      upstream: () =>
        upstream((request) => (request.number === 1 ? eventReply([start(), textStart(), text(breaksOff), form]) : healthy(request))),
      rule: { right: words, asks: 3 },
    })),
    ...(['block', 'live'] as const).map((tools) =>
      streamed(`tools: '${tools}', every kind of block`, blocks(Object.values(kinds)), { hold: { streams: { tools } } }),
    ),
    streamed('heal: false, every kind of block', blocks(Object.values(kinds)), { hold: { streams: { heal: false } } }),
    streamed('streams: false, every kind of block', blocks(Object.values(kinds)), { hold: { streams: false } }),
    {
      name: 'heal: false, byte for byte',
      surfaces: ['stream'],
      hold: { streams: { heal: false } },
      upstream: () => upstream(() => eventReply([': hi\n\nevent: ping\ndata: {"type": "ping"}\n\n', blocks(Object.values(kinds))])),
      call: async ({ client, signal }) => {
        const body = {
          model: 'claude-opus-5-5',
          max_tokens: 64,
          messages: [{ role: 'user' as const, content: 'x' }],
          stream: true as const,
        };
        const response = await client.messages.create(body, { signal }).asResponse();
        return { ...healthyMessage(await response.text()) };
      },
    },
  ],
};

const healthyMessage = (whole: string): Json => ({ content: [{ type: 'text', text: whole }], stop_reason: 'end_turn', usage: {} });
