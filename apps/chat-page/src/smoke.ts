// Boots a sample app as a user does, talks to it, breaks it, and drives its page in a real browser.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceAnswer } from '@holdfast/testing';
import { chromium } from 'playwright-core';

const whole = String(referenceAnswer('text').content[0]?.['text']);

/** How to speak with an app, where it is not by plain HTTP. */
export interface AppUnderSmoke {
  /** The text of a summary; rejects when the app refuses. */
  summary(url: string, text: string): Promise<string>;
  flip(url: string, name: string): Promise<unknown>;
  /** Asks, and returns when the answer begins. */
  chat(url: string): Promise<{ read(): Promise<{ readonly text: string; readonly failure: string | null }> }>;
  /** Whether a malformed request is answered as the client's mistake. */
  refusesNonsense(url: string): Promise<boolean>;
}

/** @param start the app's command line: program and arguments */
export async function smoke(start: readonly [string, ...string[]], speak: AppUnderSmoke = plainHttp): Promise<void> {
  const [program, ...programArguments] = start;
  await portInUse(program, programArguments);
  const app = spawn(program, programArguments, {
    env: { ...process.env, PORT: '0', ANTHROPIC_API_KEY: '', LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(app, 'exit');
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    app.stdout.on('data', (data) => {
      output += String(data);
      const found = /http:\/\/(?:localhost|127\.0\.0\.1):(\d+)/.exec(output);
      if (found) resolve(`http://127.0.0.1:${found[1]}`);
    });
    app.once('exit', () => reject(new Error(`the app ended before it listened:\n${output}`)));
  });
  try {
    await talk(url, speak);
    await drive(url);
    await scrape(url);
    await outage(url, speak);
    await leave(url, speak, () => app.kill('SIGTERM'));
    const [code] = (await exited) as [number | null];
    assert.equal(code, 0, 'SIGTERM ends the app well');
    assert.match(output, /"event":"call-ended"/, 'calls are logged as structured lines');
    assert.ok(!output.includes('Tell me about'), 'no prompt text in the logs');
    console.log('smoke: talked, broken, driven and shut down');
  } finally {
    app.kill('SIGKILL');
  }
}

/** A port that is taken is told in one line. */
async function portInUse(program: string, programArguments: readonly string[]): Promise<void> {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const app = spawn(program, programArguments, { env: { ...process.env, PORT: String(port), ANTHROPIC_API_KEY: '' } });
  let told = '';
  app.stderr.on('data', (data) => (told += String(data)));
  const [code] = (await once(app, 'close')) as [number | null];
  taken.close();
  assert.equal(code, 1);
  assert.ok(told.endsWith(`Port ${port} is in use. Choose another: PORT=${port + 1}\n`), told);
}

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

interface StreamedEvent {
  readonly delta?: { readonly text?: string };
  readonly error?: { readonly details?: { readonly code?: string } };
}

const plainHttp: AppUnderSmoke = {
  async summary(url, text) {
    const response = await post(`${url}/summary`, { text });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return ((await response.json()) as { summary: string }).summary;
  },
  async flip(url, name) {
    assert.ok((await fetch(`${url}/demo/switches/${name}`, { method: 'POST' })).ok);
  },
  async chat(url) {
    const response = await post(`${url}/chat`, { messages: [{ role: 'user', content: 'Tell me about the harbour.' }] });
    return {
      async read() {
        if (!response.ok) {
          assert.match(response.headers.get('content-type') ?? '', /problem\+json/);
          return { text: '', failure: ((await response.json()) as { code: string }).code };
        }
        const events = (await response.text()).split('\n\n').map((event) => /^data: (.*)$/m.exec(event)?.[1]);
        const told = events.map((data) => (data ? (JSON.parse(data) as StreamedEvent) : {}));
        return {
          text: told.map(({ delta }) => delta?.text ?? '').join(''),
          // A failure that took its time comes after the headers.
          failure: told.find(({ error }) => error)?.error?.details?.code ?? null,
        };
      },
    };
  },
  refusesNonsense: async (url) => (await post(`${url}/chat`, { messages: 'nonsense' })).status === 400,
};

async function talk(url: string, speak: AppUnderSmoke): Promise<void> {
  assert.equal((await fetch(`${url}/health/live`)).status, 200);
  assert.equal((await fetch(`${url}/health/ready`)).status, 200);
  assert.equal(await speak.summary(url, 'A long story about a harbour.'), whole);
  for (const name of ['cut', 'stall', 'overload']) {
    await speak.flip(url, name);
    assert.deepEqual(await (await speak.chat(url)).read(), { text: whole, failure: null }, `an answer is whole with the switch "${name}"`);
  }
  assert.ok(await speak.refusesNonsense(url));
  await speak.flip(url, 'well');
}

/** Everything is down for a while: a proper failure, and back to work afterwards. */
async function outage(url: string, speak: AppUnderSmoke): Promise<void> {
  await speak.flip(url, 'outage');
  const { failure } = await (await speak.chat(url)).read();
  assert.match(String(failure), /^(upstream-error|circuit-open)$/);
  await speak.flip(url, 'well');
  for (const until = Date.now() + 30_000; Date.now() < until;) {
    const answered = await speak.summary(url, 'Are you well?').then(
      () => speak.summary(url, 'Really?').then(() => true),
      () => false,
    );
    if (answered) return;
  }
  assert.fail('the app did not recover from an outage');
}

/** What Prometheus finds after streams were broken. */
async function scrape(url: string): Promise<void> {
  const text = await (await fetch(`${url}/metrics`)).text();
  for (const sample of [
    /^holdfast_attempts_total\{.*holdfast_purpose="resume".*\} [1-9]/m,
    /^holdfast_stream_resumes_total\{.*\} [1-9]/m,
    /^gen_ai_client_operation_duration_count\{.*\} [1-9]/m,
    /^holdfast_breaker_state\{.*\} 0/m,
  ])
    assert.match(text, sample);
  assert.ok(!text.includes('Tell me about'), 'no prompt text in the metrics');
}

/** The page in Chromium: ask, cut the stream, and watch the answer finish. */
async function drive(url: string): Promise<void> {
  const executablePath = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
    (path) => path && existsSync(path),
  );
  if (!executablePath) {
    console.error('SKIPPED: driving the page, because there is no Chromium (set CHROMIUM_PATH)');
    return;
  }
  const profile = await mkdtemp(join(tmpdir(), 'holdfast-page-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
    await page.getByRole('button', { name: 'cut the stream' }).click();
    await page.getByLabel('Your message').fill('Tell me about the harbour.');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.locator('.took:not(:empty)').waitFor({ timeout: 30_000 });
    assert.match((await page.locator('.took').textContent()) ?? '', /resumed once/, await page.locator('article').innerText());
    assert.equal(await page.locator('.answer').textContent(), whole, 'the page shows the whole answer');
    assert.match((await page.locator('.took').textContent()) ?? '', /primary · 2 requests, resumed once/);
    assert.deepEqual(complaints, []);
    const picture = process.env['SCREENSHOT'];
    if (picture) await page.screenshot({ path: picture });
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** An answer that runs when the app is told to stop still ends whole. */
async function leave(url: string, speak: AppUnderSmoke, stop: () => void): Promise<void> {
  const answer = await speak.chat(url);
  stop();
  assert.deepEqual(await answer.read(), { text: whole, failure: null }, 'a running answer ends whole while the app goes down');
}
