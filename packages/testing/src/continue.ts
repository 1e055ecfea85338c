// How the fake model goes on with an interrupted answer: honestly, or in one of the ways real models get it wrong.

import { prose } from './texts.ts';
import type { Answer, ContentBlock } from './scenarios.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a model may do instead of beginning with exactly the words it was shown. */
export type Misbehaviour =
  /** Repeats more of the end than it was asked to. */
  | 'repeat-further-back'
  /** Says something first. */
  | 'preamble'
  /** Begins the whole answer again. */
  | 'restart'
  /** Begins in the middle of a word of the anchor. */
  | 'mid-word'
  /** Repeats the anchor and ends. */
  | 'nothing-new'
  /** Loses the white space within the anchor, or doubles it. */
  | 'whitespace-lost'
  | 'whitespace-added'
  /** Goes on without repeating anything. */
  | 'no-anchor'
  /** Writes something else altogether. */
  | 'unrelated';

/** Every misbehaviour, for tests that go through all of them. */
export const misbehaviours: readonly Misbehaviour[] = [
  'repeat-further-back',
  'preamble',
  'restart',
  'mid-word',
  'nothing-new',
  'whitespace-lost',
  'whitespace-added',
  'no-anchor',
  'unrelated',
];

/** Where a request asks to go on: with an assistant turn to extend, or a user turn that quotes the end. */
export interface Interruption {
  readonly form: 'prefill' | 'user-turn';
  /** What the model knows it has written. */
  readonly partial: string;
  /** The words it was asked to repeat; empty for a prefill. */
  readonly anchor: string;
}

/** Recognises a request that continues `answer`; null for one that asks anew. */
export function interruptionOf(body: Json, answer: Answer): Interruption | null {
  const messages = Array.isArray(body['messages']) ? (body['messages'] as Json[]) : [];
  const whole = textOf(answer);
  const last = messages.at(-1);
  const lastText = contentText(last?.['content']);
  if (last?.['role'] === 'assistant') return whole.startsWith(lastText) ? { form: 'prefill', partial: lastText, anchor: '' } : null;
  const anchor = /<(anchor(?:-\d+)?)>([\s\S]*)<\/\1>/.exec(lastText)?.[2] ?? quoted(lastText, whole);
  if (!anchor) return null;
  const before = messages.at(-2);
  const partial = before?.['role'] === 'assistant' ? contentText(before['content']) : '';
  const end = partial !== '' && whole.startsWith(partial) ? endOf(whole, partial, anchor) : whole.indexOf(anchor) + anchor.length;
  return end < anchor.length ? null : { form: 'user-turn', partial: whole.slice(0, end), anchor };
}

/** The turn before may have lost the white space at its end; the anchor has it. */
function endOf(whole: string, partial: string, anchor: string): number {
  const at = whole.indexOf(anchor, Math.max(0, partial.length - anchor.length));
  return at === -1 ? partial.length : at + anchor.length;
}

/** A quotation of the answer that stands without tags, in any kind of quotation marks. */
function quoted(turn: string, whole: string): string | null {
  for (const [, words] of turn.matchAll(/["“”«»'](.{12,}?)["“”«»']/gs)) if (words && whole.includes(words)) return words;
  return null;
}

/** What the model writes for an interruption. */
export function continuationOf(answer: Answer, interruption: Interruption, misbehaviour: Misbehaviour | null, seed: number): Answer {
  const rest = contentAfter(answer, interruption.partial.length);
  const [first, ...others] = rest;
  const tail = first?.type === 'text' ? String(first['text']) : '';
  const blocks = first?.type === 'text' ? others : rest;
  const { anchor, partial } = interruption;
  const going = (begin: string): Answer => ({ ...answer, content: [{ type: 'text', text: begin + tail }, ...blocks] });
  if (interruption.form === 'prefill') return tail === '' && blocks.length > 0 ? { ...answer, content: blocks } : going('');
  switch (misbehaviour) {
    case null:
      return going(anchor);
    case 'repeat-further-back':
      return going(partial.slice(Math.max(0, partial.length - anchor.length - 60)));
    case 'preamble':
      return going(`Of course, here is the rest of my reply:\n\n${anchor}`);
    case 'restart':
      return going(partial);
    case 'mid-word':
      return going(anchor.slice(3));
    case 'nothing-new':
      return { content: [{ type: 'text', text: anchor }], stopReason: 'end_turn' };
    case 'whitespace-lost':
      return going(anchor.replace(/^(\S+)\s/, '$1').trimEnd());
    case 'whitespace-added':
      return going(anchor.replace(/ /, '  '));
    case 'no-anchor':
      return going('');
    case 'unrelated':
      return { content: [{ type: 'text', text: prose(seed + 1000, 8) }], stopReason: 'end_turn' };
  }
}

/** The answer's content from the `skip`th character of its text on. */
function contentAfter({ content }: Answer, skip: number): ContentBlock[] {
  let left = skip;
  const rest: ContentBlock[] = [];
  let passed = false;
  for (const block of content) {
    if (passed) {
      rest.push(block);
      continue;
    }
    if (block.type !== 'text') continue;
    const text = String(block['text']);
    if (left < text.length || (left === text.length && block === content.at(-1))) {
      rest.push({ ...block, text: text.slice(left) });
      passed = true;
    } else if (left === text.length) {
      rest.push({ ...block, text: '' });
      passed = true;
    } else left -= text.length;
  }
  return rest;
}

const textOf = ({ content }: Answer): string => content.map((block) => (block.type === 'text' ? String(block['text']) : '')).join('');

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return (content as Json[]).map((block) => (block['type'] === 'text' ? String(block['text']) : '')).join('');
}
