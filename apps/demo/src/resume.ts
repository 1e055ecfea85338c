// A process dies in the middle of an answer, and another one finishes it. Exits with 0 only if the answer came out whole.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import { callOptions, fileCheckpoints, holdfast } from '@holdfast/core';
import { fakeClaude, referenceAnswer } from '@holdfast/testing';
import { request } from './observe.ts';
import { printLedger } from './print-ledger.ts';

const call = { requestId: 'job-42', tenant: 'acme' };
const [directory, url] = process.argv.slice(2);
if (directory && url) await answer(directory, url);
else await killAndFinish();

function open(store: string, baseURL: string) {
  const hold = holdfast({ streams: { checkpoints: fileCheckpoints({ directory: store }), checkpointEveryMs: 50 } });
  return { hold, client: new Anthropic({ baseURL, apiKey: 'fake', middleware: [hold] }) };
}

/** What the process does that will die: it streams an answer to its output. */
async function answer(store: string, baseURL: string): Promise<void> {
  const { client } = open(store, baseURL);
  const stream = client.messages.stream(request, callOptions(call));
  stream.on('text', (text) => process.stdout.write(text));
  await stream.finalMessage();
}

async function killAndFinish(): Promise<void> {
  const claude = await fakeClaude();
  const store = await mkdtemp(join(tmpdir(), 'holdfast-resume-'));
  const expected = referenceAnswer('text').content.map((block) => String(block['text']));
  try {
    claude.script({ cut: { afterText: 700, how: 'stall' }, delayPerEventMs: 10 });
    const seen = await readUntilKilled(store, claude.url);
    process.stdout.write('\n\n-- killed with SIGKILL; the rest is another process\n\n');

    const { hold, client } = open(store, claude.url);
    const message = await (await hold.resume(call.requestId, { client, tenant: call.tenant }))?.finalMessage();
    const content: readonly Anthropic.ContentBlock[] = message?.content ?? [];
    const whole = content.map((block) => (block.type === 'text' ? block.text : ''));
    console.log(whole.join('').slice(seen.length));

    const isWhole = whole.join('\n') === expected.join('\n') && expected.join('').startsWith(seen);
    const ledger = hold.attempts(call.requestId);
    if (ledger) console.log(`\n${printLedger(ledger)}`);
    console.log(isWhole ? '\nOne whole answer from two processes.' : '\nNOT WHOLE');
    process.exitCode = isWhole ? 0 : 1;
  } finally {
    await claude.close();
    await rm(store, { recursive: true, force: true });
  }
}

/** Starts this file again to answer, and kills it when there is half an answer and a checkpoint. Returns what it had written. */
async function readUntilKilled(store: string, claudeUrl: string): Promise<string> {
  const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, store, claudeUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  let seen = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    process.stdout.write(String(text));
    seen += String(text);
    if (seen.length < 500) continue;
    while (child.signalCode === null && !(await readdir(store)).some((name) => name.endsWith('.json'))) await setTimeout(20);
    child.kill('SIGKILL');
  }
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
  return seen;
}
