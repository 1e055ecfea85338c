// The shared smoke test, speaking tRPC through its own client.

import { smoke, type AppUnderSmoke } from '@holdfast/chat-page/smoke';
import { claudeErrorOf } from '@holdfast/trpc/client';
import { createTRPCClient, httpLink } from '@trpc/client';
import type { AppRouter } from '../src/router.ts';

const apiOf = (url: string) => createTRPCClient<AppRouter>({ links: [httpLink({ url: `${url}/trpc` })] });

const overTrpc: AppUnderSmoke = {
  summary: async (url, text) => (await apiOf(url).summary.mutate({ text })).summary,
  flip: async (url, name) => apiOf(url).flip.mutate(name),
  async chat(url) {
    const operationId = crypto.randomUUID();
    // Longer than any URL may be.
    const history: { role: 'user' | 'assistant'; content: string }[] = [
      { role: 'user', content: 'Tell me a story. '.repeat(2_000) },
      { role: 'assistant', content: 'Once upon a time.' },
      { role: 'user', content: 'Tell me about the harbour.' },
    ];
    const failure = await apiOf(url)
      .ask.mutate({ messages: history, operationId })
      .then(() => null, claudeErrorOf);
    if (failure) return { read: () => Promise.resolve({ text: '', failure: failure.kind }) };
    const response = await fetch(`${url}/trpc/answer?input=${encodeURIComponent(JSON.stringify({ operationId }))}`, {
      headers: { accept: 'text/event-stream' },
    });
    return {
      async read() {
        const events = (await response.text())
          .split('\n')
          .flatMap((line) =>
            line.startsWith('data: {"type"') ? [JSON.parse(line.slice(6)) as { type: string; text?: string; kind?: string }] : [],
          );
        return { text: events.map(({ text }) => text ?? '').join(''), failure: events.find(({ type }) => type === 'error')?.kind ?? null };
      },
    };
  },
  refusesNonsense: async (url) =>
    (await fetch(`${url}/trpc/summary`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":7}' })).status ===
    400,
};

await smoke([process.execPath, '--conditions=@holdfast/source', 'src/main.ts'], overTrpc);
