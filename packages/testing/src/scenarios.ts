// What a request is answered with when nothing goes wrong.

import { multiByteProse, prose as proseOf } from './texts.ts';

/** A content block as the API sends it. */
export type ContentBlock = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface Answer {
  readonly content: readonly ContentBlock[];
  readonly stopReason: string;
}

/** The kinds of answer the fake model can give. */
export type Scenario =
  | 'text'
  | 'short'
  | 'multi-byte'
  | 'multi-block'
  | 'thinking'
  | 'tools'
  | 'text-and-tools'
  | 'server-tools'
  | 'citations'
  | 'structured'
  | 'refusal'
  | 'long';

/** Every scenario, for tests that go through all of them. */
export const scenarioNames: readonly Scenario[] = [
  'text',
  'short',
  'multi-byte',
  'multi-block',
  'thinking',
  'tools',
  'text-and-tools',
  'server-tools',
  'citations',
  'structured',
  'refusal',
  'long',
];

/**
 * The whole answer of a scenario: what a reader must end up with, whatever breaks on the way. `size` scales how much is
 * written: 1 is a page, 0.1 a few sentences.
 */
export function referenceAnswer(scenario: Scenario, seed = 1, size = 1): Answer {
  const prose = (from: number, sentences?: number): string => proseOf(from, Math.max(1, Math.round((sentences ?? 24) * size)));
  switch (scenario) {
    case 'text':
      return end(text(prose(seed)));
    case 'short':
      return end(text('Hello there, friend.'));
    case 'long':
      return end(text(prose(seed, 400)));
    case 'multi-byte':
      return end(text(multiByteProse(seed, Math.max(1, Math.round(12 * size)))));
    case 'multi-block':
      return end(text(prose(seed, 6)), text(`\n\n${prose(seed + 7, 6)}`), text(`\n\n${prose(seed + 9, 4)}`));
    case 'thinking':
      return end({ type: 'thinking', thinking: prose(seed + 3, 6), signature: signatureFor(seed) }, text(prose(seed, 10)));
    case 'tools':
      return {
        content: [
          tool(1, 'read_file', { path: '/etc/prod.cfg', mode: 'safe' }),
          tool(2, 'write_file', { path: '/tmp/a', content: prose(seed, 3) }),
        ],
        stopReason: 'tool_use',
      };
    case 'text-and-tools':
      return {
        content: [text(prose(seed, 5)), tool(1, 'search', { query: 'tides at the northern harbour', limit: 3 })],
        stopReason: 'tool_use',
      };
    case 'server-tools':
      return end(
        text(prose(seed, 3)),
        { type: 'server_tool_use', id: 'srvtoolu_01', name: 'web_search', input: { query: 'tides' } },
        {
          type: 'web_search_tool_result',
          tool_use_id: 'srvtoolu_01',
          content: [
            { type: 'web_search_result', title: 'Tides', url: 'https://example.com/tides', encrypted_content: 'abc', page_age: null },
          ],
        },
        text(prose(seed + 5, 4)),
      );
    case 'citations':
      return end({
        ...text(prose(seed, 5)),
        citations: [
          {
            type: 'char_location',
            cited_text: 'tide',
            document_index: 0,
            document_title: 'Almanac',
            start_char_index: 0,
            end_char_index: 4,
            file_id: null,
          },
        ],
      });
    case 'structured':
      return end(text(JSON.stringify({ title: 'Harbour', sentences: prose(seed, 5).split('. ') })));
    case 'refusal':
      return { content: [text('I cannot help with that.')], stopReason: 'refusal' };
  }
}

/** What the fake signs thinking with, and recognises. */
export const signatureFor = (seed: number): string => `sig-${seed.toString(36)}-${'A'.repeat(24)}`;

const text = (content: string): ContentBlock => ({ type: 'text', text: content });
const tool = (number: number, name: string, input: unknown): ContentBlock => ({
  type: 'tool_use',
  id: `toolu_${String(number).padStart(2, '0')}`,
  name,
  input,
});
const end = (...content: ContentBlock[]): Answer => ({ content, stopReason: 'end_turn' });
