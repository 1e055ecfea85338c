// A process that streams an answer, keeps checkpoints, and is killed in the middle of it.

import Anthropic from '@anthropic-ai/sdk';
import { callOptions, fileCheckpoints, holdfast } from '../../src/index.ts';

const [url = '', directory = '', requestId = ''] = process.argv.slice(2);
const hold = holdfast({ streams: { checkpoints: fileCheckpoints({ directory }), checkpointEveryMs: 0 } });
const client = new Anthropic({ baseURL: url, apiKey: 'test', middleware: [hold] });
const stream = await client.messages.create(
  { model: 'claude-opus-5-5', max_tokens: 8192, messages: [{ role: 'user', content: 'Tell me about the harbour.' }], stream: true },
  callOptions({ requestId, tenant: 'acme' }),
);
for await (const event of stream)
  if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') process.stdout.write(event.delta.text);
