// What a healthy call costs: CPU per call over real sockets, at concurrency 64. The bare SDK, Holdfast, the SDK wrapped by hand
// with cockatiel and with opossum, and the AI SDK.

import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { holdfast } from '@holdfast/core';
import { generateText } from 'ai';
import { circuitBreaker, ConsecutiveBreaker, ExponentialBackoff, handleAll, retry, wrap } from 'cockatiel';
import Opossum from 'opossum';
import { once } from 'node:events';
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer, cpuPerCall, request } from './call-wire.ts';
import { table } from './report.ts';
import { compareSides, serveSide } from './sides.ts';

// Short rounds, many of them: whatever else the machine does meets neighbours alike, and the median forgets the rest.
const processes = 7;
const rounds = 15;
const callsPerRound = 256;
const warmUp = 20;
const concurrency = 64;

/** The server runs in a process of its own: its work is not what is measured. */
async function serve(): Promise<void> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.writeHead(200, { 'content-type': 'application/json', 'request-id': 'req_1' }).end(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
  process.once('disconnect', () => process.exit(0));
}

type Call = () => Promise<unknown>;

/** Who makes the call, and with what around it. The first is what the others are compared with. */
function sidesFor(baseURL: string): Record<string, Call> {
  const options = { baseURL, apiKey: 'bench' };
  const bare = new Anthropic(options);
  const empty = new Anthropic({ ...options, middleware: [(sent, next) => next(sent)] });
  const held = new Anthropic({ ...options, middleware: [holdfast()] });
  // By hand, the SDK's own retries are turned off, so that they do not multiply.
  const single = new Anthropic({ ...options, maxRetries: 0 });
  const policy = wrap(
    retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() }),
    circuitBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(5) }),
  );
  const opossum = new Opossum(() => single.messages.create(request), { timeout: 600_000 });
  const model = createAnthropic({ baseURL: `${baseURL}/v1`, apiKey: 'bench' })(request.model);
  return {
    'bare SDK': () => bare.messages.create(request),
    'an empty middleware': () => empty.messages.create(request),
    Holdfast: () => held.messages.create(request),
    cockatiel: () => policy.execute(() => single.messages.create(request)),
    opossum: () => opossum.fire(),
    'AI SDK': () => generateText({ model, prompt: 'Hello. '.repeat(40), maxOutputTokens: 1024 }),
  };
}

async function measure(): Promise<void> {
  const server = fork(import.meta.filename, ['serve']);
  const [port] = (await once(server, 'message')) as [number];
  const compared = await compareSides(import.meta.filename, Object.keys(sidesFor('http://127.0.0.1')), [String(port)], {
    rounds,
    warmUp,
    processes,
  });
  console.log(
    `CPU per healthy call, concurrency ${concurrency}, medians of ${processes} processes with ${rounds} rounds of ${callsPerRound} calls each; Node.js ${process.version}`,
  );
  const rows = compared.map(({ name, median, ratio, least, most }) => [
    name,
    median.toFixed(0),
    ratio.middle.toFixed(3),
    `${least.toFixed(3)} to ${most.toFixed(3)}`,
    name === 'Holdfast' ? '1.03' : '',
  ]);
  console.log(table(['side', 'µs', 'ratio', 'between processes', 'goal'], rows));
  server.disconnect();
}

const [task, port] = process.argv.slice(2);
if (task === undefined) await measure();
else if (task === 'serve') await serve();
else {
  const call = sidesFor(`http://127.0.0.1:${port}`)[task] as Call;
  serveSide(() => cpuPerCall(call, callsPerRound, concurrency));
}
