// A process is killed in the middle of an answer, and another one finishes it: what a deployment does to long answers.
// The first process is this file too, started with the place to ask and the place to keep checkpoints.

import Anthropic from '@anthropic-ai/sdk';
import { callOptions, fileCheckpoints, holdfast } from '@holdfast/core';
import { fakeClaude } from '@holdfast/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printLedger } from './print-ledger.ts';

const requestId = 'answer-1';

function clientFor(baseURL: string, directory: string) {
  const hold = holdfast({ streams: { checkpoints: fileCheckpoints({ directory }), checkpointEveryMs: 100 } });
  return { hold, client: new Anthropic({ baseURL, apiKey: 'fake', middleware: [hold] }) };
}

async function begin(baseURL: string, directory: string): Promise<void> {
  const { client } = clientFor(baseURL, directory);
  const stream = await client.messages.create(
    { model: 'claude-opus-5-5', max_tokens: 8192, messages: [{ role: 'user', content: 'Tell me about the harbour.' }], stream: true },
    callOptions({ requestId }),
  );
  for await (const event of stream)
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') process.stdout.write(event.delta.text);
}

async function demonstrate(): Promise<void> {
  const claude = await fakeClaude();
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
  try {
    claude.script({ delayPerEventMs: 30 });
    const first = spawn(process.execPath, [...process.execArgv, import.meta.filename, claude.url, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let seen = '';
    first.stdout.on('data', (text) => {
      seen += String(text);
    });
    while (seen.length < 200 || !(await readdir(directory)).some((name) => name.endsWith('.json'))) await once(first.stdout, 'data');
    first.kill('SIGKILL');
    await once(first, 'exit');
    console.log(`${seen}\n\n-- the process was killed; another one finishes the answer:\n`);

    const { hold, client } = clientFor(claude.url, directory);
    const stream = await hold.resume(requestId, { client });
    if (!stream) throw new Error('there is no checkpoint');
    stream.on('text', (text: string) => process.stdout.write(text));
    const message = await stream.finalMessage();
    const ledger = hold.attempts(message);
    console.log(`\n\n${ledger ? printLedger(ledger) : ''}`);
    console.log(`\n${claude.requests.length} requests for one answer.`);
  } finally {
    await claude.close();
    await rm(directory, { recursive: true, force: true });
  }
}

const [baseURL, directory] = process.argv.slice(2);
await (baseURL && directory ? begin(baseURL, directory) : demonstrate());
