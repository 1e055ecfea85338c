// A client with Holdfast in front of a fake Claude, for the suites in this folder.

import Anthropic from '@anthropic-ai/sdk';
import { fakeClaude, type FakeClaude, type FakeClaudeOptions } from '@holdfast/testing';
import { holdfast, type Holdfast, type HoldfastEvent, type HoldfastOptions } from '../src/index.ts';

export const request: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'claude-opus-5-5',
  max_tokens: 8192,
  messages: [{ role: 'user', content: 'Tell me about the harbour.' }],
};

export interface World {
  readonly claude: FakeClaude;
  readonly client: Anthropic;
  readonly hold: Holdfast;
  readonly events: HoldfastEvent[];
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly fake?: FakeClaudeOptions;
  readonly holdfast?: HoldfastOptions;
  readonly client?: ConstructorParameters<typeof Anthropic>[0];
  /** Default: no sockets. */
  readonly sockets?: boolean;
}

/** `random: () => 0` makes every wait its shortest; the tests that measure waits bring their own clock. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const claude = await fakeClaude(options.fake);
  const events: HoldfastEvent[] = [];
  const hold = holdfast({ random: () => 0, retry: { baseMs: 0, throttledBaseMs: 0 }, ...options.holdfast });
  hold.on((event) => events.push(event));
  const client = new Anthropic({
    baseURL: claude.url,
    apiKey: 'sk-ant-api-test',
    middleware: [hold],
    ...(options.sockets ? {} : { fetch: claude.fetch }),
    ...options.client,
  });
  return { claude, client, hold, events, close: () => claude.close() };
}

/** The upstream's `fetch`, whose bodies tell of each piece that was read. */
export function fetchTold(claude: FakeClaude, onPiece: () => void): typeof globalThis.fetch {
  return async (url, init) => {
    const response = await claude.fetch(url, init);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      controller.enqueue(value);
      onPiece();
    };
    return new Response(new ReadableStream({ pull, cancel: () => reader.cancel() }, { highWaterMark: 0 }), response);
  };
}

/** What a reader of a stream ends up with: the SDK's own message, or the error it raises. */
export async function read(
  client: Anthropic,
  body: Anthropic.MessageCreateParamsNonStreaming = request,
): Promise<{ content: unknown; stopReason: string | null } | { error: Error & { errorCode?: string } }> {
  try {
    const { content, stop_reason } = await client.messages.stream(body).finalMessage();
    return { content, stopReason: stop_reason };
  } catch (error) {
    return { error: error as Error };
  }
}
