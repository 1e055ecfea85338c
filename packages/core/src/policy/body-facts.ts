// What a request holds, as far as it decides where the request can go. A long conversation is walked once, however many
// targets and models are looked at.

type Json = Readonly<Record<string, unknown>>;

export interface BodyFacts {
  /** Content by file id, or for a container. */
  readonly hasFiles: boolean;
  /** Content by URL. */
  readonly hasUrls: boolean;
  readonly hasThinking: boolean;
  /** Thinking in the tool turn that the last message answers: it may not be left out. */
  readonly hasOpenThinking: boolean;
  /** Messages of the role `system` within the conversation. */
  readonly hasSystemMessages: boolean;
  /** Such messages with more than words: they change what tools there are. */
  readonly changesTools: boolean;
}

const known = new WeakMap<Json, BodyFacts>();
const lengths = new WeakMap<Json, number>();

/** The facts of `body`, which nobody may change afterwards. */
export function bodyFacts(body: Json): BodyFacts {
  let facts = known.get(body);
  if (!facts) known.set(body, (facts = read(body)));
  return facts;
}

/** Characters of system prompt, tools and messages. Images and files are not counted. Nobody may change `body` afterwards. */
export function charactersOf(body: Json): number {
  let length = lengths.get(body);
  if (length === undefined) lengths.set(body, (length = charactersIn([body['system'], body['tools'], body['messages']])));
  return length;
}

function read({ messages }: Json): BodyFacts {
  const list: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const openTurn = toolTurnOf(list);
  let lastThinking = -1;
  let hasSystemMessages = false;
  let changesTools = false;
  for (const [index, message] of list.entries()) {
    if (isSystem(message)) {
      hasSystemMessages = true;
      changesTools ||= blocksOf(message).some((block) => object(block)['type'] !== 'text');
    } else if (blocksOf(message).some(isThinking)) lastThinking = index;
  }
  const sources = sourcesIn(list);
  return {
    hasFiles: sources.has('file'),
    hasUrls: sources.has('url'),
    hasThinking: lastThinking >= 0,
    hasOpenThinking: lastThinking >= openTurn,
    hasSystemMessages,
    changesTools,
  };
}

/** Where content comes from, also within the results of tools. Messages hold blocks as blocks do, in any depth. */
function sourcesIn(messages: readonly unknown[]): ReadonlySet<unknown> {
  const found = new Set<unknown>();
  const left: unknown[] = [...messages];
  while (left.length > 0) {
    const { type, source, content } = object(left.pop());
    if (type === 'container_upload') found.add('file');
    const { type: kind, content: inner } = object(source);
    if (kind !== undefined) found.add(kind);
    if (Array.isArray(content)) for (const block of content) left.push(block);
    if (Array.isArray(inner)) for (const block of inner) left.push(block);
  }
  return found;
}

function charactersIn(left: unknown[]): number {
  let sum = 0;
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === 'string') sum += value.length;
    else if (Array.isArray(value)) for (const item of value) left.push(item);
    else if (typeof value === 'object' && value !== null && (value as Json)['type'] !== 'base64')
      for (const name in value) left.push((value as Json)[name]);
  }
  return sum;
}

/** Where the tool turn begins that the end of the conversation answers; beyond the end if it answers none. */
function toolTurnOf(messages: readonly unknown[]): number {
  let index = messages.length - 1;
  // What the operator says, and what the user adds, right behind the results of tools does not end their turn.
  while (index > 0 && isAside(messages[index])) index -= 1;
  if (!answersTools(messages[index])) return messages.length;
  while (object(messages[index])['role'] === 'assistant' || answersTools(messages[index]) || isSystem(messages[index])) index -= 1;
  return index + 1;
}

const isAside = (message: unknown): boolean => isSystem(message) || (object(message)['role'] === 'user' && !answersTools(message));

const answersTools = (message: unknown): boolean => blocksOf(message).some((block) => object(block)['type'] === 'tool_result');

/** Instructions within the conversation. https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages */
export const isSystem = (message: unknown): boolean => object(message)['role'] === 'system';

export function isThinking(block: unknown): boolean {
  const { type } = object(block);
  return type === 'thinking' || type === 'redacted_thinking';
}

function blocksOf(message: unknown): readonly unknown[] {
  const { content } = object(message);
  return Array.isArray(content) ? content : [];
}

/** Callers may send anything; what is wrong with it is the upstream's to say. */
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
