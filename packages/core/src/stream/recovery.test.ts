import { describe, expect, it } from 'vitest';
import { classify } from '../policy/classify.ts';
import { planRecovery, requestFacts, type PlanInput, type RequestFacts } from './recovery.ts';
import type { TranscriptBlock } from './transcript.ts';

const nothing: RequestFacts = {
  showsThinking: false,
  thinks: false,
  structuredOutput: false,
  forcedTool: false,
  citations: false,
  thread: false,
  stopSequences: [],
};

describe('what of a request decides about recovery', () => {
  it('is nothing in a plain one, in none, and in one that only looks like more', () => {
    for (const body of [
      null,
      {},
      { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10 },
      { thinking: null, output_config: null, tool_choice: null, stop_sequences: 'END', messages: [null, { content: [null, {}] }] },
      { thinking: { type: 'disabled', display: 'omitted' }, tool_choice: { type: 'auto' }, output_config: { format: null } },
      { thinking: { display: 7 }, messages: [{ content: [{ citations: { enabled: false } }] }] },
    ])
      expect(requestFacts(body)).toEqual(nothing);
  });

  it.each<[string, Record<string, unknown>, Partial<RequestFacts>]>([
    ['thinking within a budget', { thinking: { type: 'enabled', budget_tokens: 2_000 } }, { thinks: true }],
    ['adaptive thinking', { thinking: { type: 'adaptive' } }, { thinks: true }],
    ['thinking to be shown', { thinking: { type: 'adaptive', display: 'summarized' } }, { thinks: true, showsThinking: true }],
    ['a format', { output_config: { format: { type: 'json_schema' } } }, { structuredOutput: true }],
    ['a format where it was before', { output_format: { type: 'json_schema' } }, { structuredOutput: true }],
    ['any tool', { tool_choice: { type: 'any' } }, { forcedTool: true }],
    ['one tool', { tool_choice: { type: 'tool', name: 'search' } }, { forcedTool: true }],
    [
      'documents to be cited',
      { messages: [{ content: 'Hi' }, { content: [{ type: 'text' }, { type: 'document', citations: { enabled: true } }] }] },
      { citations: true },
    ],
    ['a thread', { thread: { id: 'thread_1' } }, { thread: true }],
    ['stop sequences', { stop_sequences: ['END', 7, '###'] }, { stopSequences: ['END', '###'] }],
  ])('%s', (_, body, facts) => {
    expect(requestFacts(body)).toEqual({ ...nothing, ...facts });
  });
});

const block = (type: string, text: string, more: Partial<TranscriptBlock> = {}): TranscriptBlock => ({
  index: 0,
  type,
  text,
  closed: true,
  citations: false,
  complete: true,
  start: { type },
  ...more,
});
const words = (text: string, more: Partial<TranscriptBlock> = {}): TranscriptBlock =>
  block('text', text, { closed: false, complete: false, ...more });

/** The plan for a broken answer of `blocks`. */
function plan(blocks: readonly TranscriptBlock[], more: Partial<PlanInput> = {}): unknown {
  return planRecovery({
    transcript: { version: 1, message: { id: 'msg_1' }, blocks: blocks.map((each, index) => ({ ...each, index })), usage: [] },
    stopKnown: false,
    facts: nothing,
    verdict: classify({ type: 'stream-break', problem: 'socket' }),
    options: { heal: true, thinking: 'auto' },
    resumesLeft: 1,
    ...more,
  });
}
const surface = (cause: string): unknown => ({ type: 'surface', cause });
const facts = (more: Partial<RequestFacts>): Partial<PlanInput> => ({ facts: { ...nothing, ...more } });

describe('a broken stream', () => {
  it('goes on in the text that was open', () => {
    expect(plan([words('One. ', { closed: true }), block('redacted_thinking', ''), words('Two')])).toEqual({
      type: 'continue',
      anchor: 'One. Two',
      delivered: 'One. Two',
      index: 2,
    });
  });

  it.each<[string, TranscriptBlock[], number]>([
    ['nothing was shown', [], 0],
    ['a text is open, but empty', [words('')], 1],
    ['only thinking was shown', [block('thinking', 'Hm.'), block('redacted_thinking', '')], 2],
    ['an empty text follows thinking', [block('thinking', 'Hm.'), words('')], 2],
  ])('begins anew, at the next index, where %s', (_, blocks, nextIndex) => {
    expect(plan(blocks)).toEqual({ type: 'restart', nextIndex });
  });

  it('is finished if only its last event is missing, whatever else is true', () => {
    expect(plan([words('Hi')], { stopKnown: true, resumesLeft: 0, options: { heal: false, thinking: 'auto' } })).toEqual({
      type: 'finish',
    });
  });

  it('ends with the tool calls that are complete, even where nothing more may be asked', () => {
    expect(plan([words('Hi'), block('tool_use', '{}')], { resumesLeft: 0 })).toEqual({ type: 'close' });
  });

  it.each<[string, unknown, TranscriptBlock[], Partial<PlanInput>?]>([
    ['nobody wants it mended', surface('healing-off'), [words('Hi')], { options: { heal: false, thinking: 'auto' } }],
    ['the server keeps the conversation', surface('thread'), [words('Hi')], facts({ thread: true })],
    ['a tool call is open', surface('tool-call-open'), [block('tool_use', '{}'), block('tool_use', '{"a"', { complete: false })]],
    ['the conversation was compacted', surface('compaction'), [block('compaction', ''), words('Hi')]],
    [
      'asking again cannot help',
      surface('permanent-error'),
      [words('Hi')],
      { verdict: { ...classify({ type: 'stream-break', problem: 'socket' }), retry: 'never' } },
    ],
    ['it was mended as often as is allowed', surface('resumes-spent'), [words('Hi')], { resumesLeft: 0 }],
    ['a part of a format is no text', surface('structured-output'), [words('{"a":')], facts({ structuredOutput: true })],
    ['a tool was to be called', surface('forced-tool'), [words('Hi')], facts({ forcedTool: true })],
    ['documents may be cited', surface('citations'), [words('Hi')], facts({ citations: true })],
    ['something was cited', surface('citations'), [words('Hi', { citations: true, closed: true }), words('there')]],
    [
      'shown thinking must not be begun anew',
      surface('thinking-shown'),
      [block('redacted_thinking', ''), block('thinking', 'Hm.')],
      { options: { heal: true, thinking: 'surface' } },
    ],
    [
      'thinking follows a text',
      surface('thinking-shown'),
      [block('redacted_thinking', ''), words('Hi', { closed: true }), block('thinking', 'Hm.')],
    ],
  ])('is surfaced where %s', (_, expected, blocks, more = {}) => {
    expect(plan(blocks, more)).toEqual(expected);
  });

  it.each(['server_tool_use', 'mcp_tool_use', 'mcp_tool_result', 'web_search_tool_result', 'advisor_message', 'container_upload'])(
    'is surfaced where the server has run something: %s',
    (type) => {
      expect(plan([block(type, ''), words('Hi')])).toEqual(surface('server-tool'));
    },
  );

  it.each(['tomorrow', 'not_server_tool_use', 'server_tool_use_2', 'advisor'])(
    'is surfaced where nobody knows what a block is: %s',
    (type) => {
      expect(plan([block(type, ''), words('Hi')])).toEqual(surface('unknown-content'));
    },
  );

  it('begins anew even where thinking is to be surfaced, if none was shown', () => {
    const options = { heal: true, thinking: 'surface' } as const;

    expect(plan([block('redacted_thinking', 'not shown'), block('thinking', '')], { options })).toEqual({ type: 'restart', nextIndex: 2 });
    expect(plan([words('')], { options })).toEqual({ type: 'restart', nextIndex: 1 });
  });
});
