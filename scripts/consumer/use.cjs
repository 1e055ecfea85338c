// The same from CommonJS: Node loads the modules, and the errors are of the class this program knows.
const assert = require('node:assert/strict');
const Anthropic = require('@anthropic-ai/sdk');
const { holdfast } = require('@holdfast/core');
const { fakeClaude } = require('@holdfast/testing');

async function main() {
  const claude = await fakeClaude();
  claude.always('spend-limit');
  const client = new Anthropic({ baseURL: claude.url, apiKey: 'test', middleware: [holdfast()] });
  const error = await client.messages
    .create({ model: 'claude-opus-5-5', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] })
    .catch((caught) => caught);
  assert.ok(error instanceof Anthropic.RateLimitError, 'an error of this copy of the SDK');
  assert.equal(claude.requests.length, 1);
  await claude.close();
}

void main();
