// A stranger's ESM program: a call through Holdfast against the fake Claude.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { problem } from '@holdfast/core/http';
import { classify } from '@holdfast/core/policy';
import { fakeClaude } from '@holdfast/testing';

const claude = await fakeClaude();
claude.script('overloaded', 'cut-mid-stream');
const client = new Anthropic({ baseURL: claude.url, apiKey: 'test', middleware: [holdfast()] });
const message = await client.messages
  .stream({ model: 'claude-opus-5-5', max_tokens: 4096, messages: [{ role: 'user', content: 'hi' }] })
  .finalMessage();
assert.equal(message.stop_reason, 'end_turn');
assert.equal(claude.requests.length, 3);
assert.equal(classify({ type: 'response', status: 529, headers: new Headers() }).kind, 'overloaded');
assert.equal(typeof problem, 'function');
await claude.close();
