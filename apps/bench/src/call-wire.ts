// The call that is measured: a short question, and an answer of a thousand characters.

export const request = {
  model: 'claude-opus-5-5',
  max_tokens: 1024,
  messages: [{ role: 'user' as const, content: 'Hello. '.repeat(40) }],
};

export const answer = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: request.model,
  content: [{ type: 'text', text: 'The tide came in. '.repeat(60) }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 80, output_tokens: 300, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
});

type Call = () => Promise<unknown>;

/** Makes `count` calls, so many at a time, and tells the CPU that each took, microseconds. */
export async function cpuPerCall(call: Call, count: number, concurrency: number): Promise<number> {
  const before = process.cpuUsage();
  let left = count;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while ((left -= 1) >= 0) await call();
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}
