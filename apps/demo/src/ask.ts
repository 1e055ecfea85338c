// One question through Holdfast: to the real API when a key is set, else to a fake Claude that fails twice first.

import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { fakeClaude } from '@holdfast/testing';
import { printLedger } from './print-ledger.ts';

const question = process.argv.slice(2).join(' ') || 'What makes a harbour safe?';
const key = process.env['ANTHROPIC_API_KEY'];
const fake = key ? null : await fakeClaude();
fake?.script('overloaded', 'cut-mid-stream');
if (fake) console.log('No ANTHROPIC_API_KEY: asking a fake Claude that is overloaded once and then cut off in the middle.\n');

const hold = holdfast();
const client = new Anthropic({ ...(fake ? { baseURL: fake.url, apiKey: 'fake' } : {}), middleware: [hold] });
const model = process.env['ANTHROPIC_MODEL'] ?? 'claude-opus-5-5';

try {
  const stream = client.messages.stream({ model, max_tokens: 2048, messages: [{ role: 'user', content: question }] });
  stream.on('text', (text) => process.stdout.write(text));
  const message = await stream.finalMessage();
  const ledger = hold.attempts(message);
  console.log('\n');
  if (ledger) console.log(printLedger(ledger));
} catch (error) {
  const { kind, action, ledger } = hold.explain(error);
  console.error(`\n${kind}: ${action}`);
  if (ledger) console.error(printLedger(ledger));
  process.exitCode = 1;
} finally {
  await fake?.close();
}
