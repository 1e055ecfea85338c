// Thinking that was shown and then begun anew after a break has no signature, and the API refuses it as history. It is marked
// when it is delivered, so that it is known again, in whatever process: nothing else of a history is touched.

import { isObject } from './event-form.ts';

type Json = Readonly<Record<string, unknown>>;

/** Stands where the signature of thinking would: the model never finished it. */
export const unfinishedMark = 'holdfast:unfinished';

/** Takes out of earlier assistant turns the thinking that carries our mark. Returns the same object when there is none. */
export function stripUnfinishedThinking(body: Json): Json {
  if (!Array.isArray(body['messages'])) return body;
  let changed = false;
  const messages = (body['messages'] as unknown[]).map((message) => {
    if (!isObject(message) || message['role'] !== 'assistant' || !Array.isArray(message['content'])) return message;
    const blocks = message['content'] as unknown[];
    const content = blocks.filter((block) => !(isObject(block) && block['type'] === 'thinking' && block['signature'] === unfinishedMark));
    if (content.length === blocks.length || content.length === 0) return message;
    changed = true;
    return { ...message, content };
  });
  return changed ? { ...body, messages } : body;
}
