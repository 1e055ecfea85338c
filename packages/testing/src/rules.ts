// The rules of the Messages API that a client can break, with the errors it answers. https://platform.claude.com/docs/en/api/errors

type Json = Readonly<Record<string, unknown>>;

export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  readonly code?: string;
}

/** Longer requests are refused by the edge, unread. https://platform.claude.com/docs/en/api/errors */
const maxBodyBytes = 32 * 1024 * 1024;

/** Why the API would refuse a body of that length; null if it would not. */
export const sizeBreach = (bytes: number): Refusal | null =>
  bytes > maxBodyBytes ? { status: 413, type: 'request_too_large', message: 'Request exceeds the maximum size' } : null;

/** The first version of the API without sampling parameters. https://platform.claude.com/docs/en/api/versioning */
const withoutSampling = '2026-10-21';

/** Why the API would refuse `body`, written in `version` of the API (`anthropic-version`); null if it would not. */
export function ruleBreach(body: unknown, version: string = withoutSampling): Refusal | null {
  if (!isObject(body)) return invalid('The request body is not valid JSON.');
  if (typeof body['model'] !== 'string' || body['model'] === '') return invalid('model: Field required');
  const max = body['max_tokens'];
  if (typeof max !== 'number' || !Number.isInteger(max) || max < 1)
    return invalid('max_tokens: Input should be greater than or equal to 1');
  // Platforms have a name of their own before the date: bedrock-2023-05-31.
  if (version.slice(-withoutSampling.length) >= withoutSampling)
    for (const name of ['temperature', 'top_p', 'top_k']) if (name in body) return invalid(`${name}: Extra inputs are not permitted`);
  return systemBreach(body, body['model']) ?? messagesBreach(body) ?? prefillBreach(body, body['model']);
}

function messagesBreach(body: Json): Refusal | null {
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0) return invalid('messages: at least one message is required');
  let calls: string[] = [];
  for (const [index, message] of messages.entries()) {
    if (!isObject(message)) return invalid(`messages.${index}: Input should be a valid dictionary`);
    const { role, content } = message;
    if (role === 'system') continue;
    if (role !== 'user' && role !== 'assistant') return invalid(`messages.${index}.role: Input should be 'user' or 'assistant'`);
    if (index === 0 && role !== 'user') return invalid('messages: first message must use the "user" role');
    if (typeof content === 'string') {
      if (content === '') return invalid(`messages.${index}: content cannot be empty`);
    } else if (!Array.isArray(content) || content.length === 0) return invalid(`messages.${index}.content: Input should be a valid list`);
    const blocks: Json[] = Array.isArray(content) ? content.filter(isObject) : [];
    if (role === 'assistant') {
      const unsigned = blocks.findIndex((block) => block['type'] === 'thinking' && !String(block['signature'] ?? '').startsWith('sig-'));
      if (unsigned !== -1) return invalid(`messages.${index}.content.${unsigned}: Invalid \`signature\` in \`thinking\` block`);
      if (blocks.some((block) => block['type'] === 'text' && block['text'] === ''))
        return invalid('messages: text content blocks must be non-empty');
      if (calls.length > 0) return unanswered(index, calls);
      calls = blocks.filter((block) => block['type'] === 'tool_use').map((block) => String(block['id']));
    } else {
      const results = blocks.filter((block) => block['type'] === 'tool_result').map((block) => String(block['tool_use_id']));
      const missing = calls.filter((id) => !results.includes(id));
      if (missing.length > 0) return unanswered(index, missing);
      const stray = results.find((id) => !calls.includes(id));
      if (stray !== undefined)
        return invalid(`messages.${index}: \`tool_result\` block without a corresponding \`tool_use\` block: ${stray}`);
      calls = [];
    }
  }
  return null;
}

/** https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages */
function systemBreach({ messages }: Json, model: string): Refusal | null {
  if (!Array.isArray(messages)) return null;
  const roles = messages.map((message) => (isObject(message) ? message['role'] : undefined));
  if (!roles.includes('system')) return null;
  if (!acceptsSystemMessages(model)) return invalid("role 'system' is not supported on this model");
  const misplaced = roles.findIndex(
    (role, index) => role === 'system' && (roles[index - 1] !== 'user' || (index + 1 < roles.length && roles[index + 1] !== 'assistant')),
  );
  return misplaced === -1
    ? null
    : invalid(
        `messages.${misplaced}: a system message must follow a user message and end the conversation or be followed by an assistant message`,
      );
}

/** Opus takes instructions within the conversation from 4.8 on, Fable and Mythos from 5, the others from 5.5. */
function acceptsSystemMessages(model: string): boolean {
  const [, family, major, minor = '0'] = /claude-([a-z]+)-(\d+)(?:-(\d{1,2})(?!\d))?/.exec(model) ?? [];
  if (major === undefined) return false;
  const from = family === 'opus' ? 48 : family === 'fable' || family === 'mythos' ? 50 : 55;
  return Number(major) * 10 + Number(minor) >= from;
}

const unanswered = (index: number, ids: readonly string[]): Refusal =>
  invalid(`messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(', ')}`);

/** Models up to 4.5 continue a trailing assistant turn; newer ones refuse it. */
export function acceptsPrefill(model: string): boolean {
  const match = /claude-(?:[a-z]+-(\d+)(?:-(\d{1,2}))?(?!\d)|(\d+)(?:-(\d{1,2}))?-[a-z]+)/.exec(model);
  if (!match) return false;
  return Number(match[1] ?? match[3]) * 10 + Number(match[2] ?? match[4] ?? 0) <= 45;
}

function prefillBreach(body: Json, model: string): Refusal | null {
  const last = (body['messages'] as Json[]).findLast(({ role }) => role !== 'system') as Json;
  if (last['role'] !== 'assistant') return null;
  if (!acceptsPrefill(model))
    return invalid('This model does not support assistant message prefill. The conversation must end with a user message.');
  const thinking = body['thinking'];
  if (isObject(thinking) && thinking['type'] !== 'disabled')
    return invalid('When thinking is enabled, a final assistant message must start with a thinking block.');
  const { content } = last;
  const text = typeof content === 'string' ? content : String((content as Json[]).at(-1)?.['text'] ?? '');
  return /\s$/.test(text) ? invalid('messages: final assistant content cannot end with trailing whitespace') : null;
}

const invalid = (message: string): Refusal => ({ status: 400, type: 'invalid_request_error', message });
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
