// A long run under every kind of trouble, and whether anything grows: timers, sockets, listeners, books, memory.
// Usage: pnpm soak [--calls 20000] [--seed 1]. Ends with 1 when something grows.

import { parseArgs } from 'node:util';
import { beyond, bounds, slopeOf } from './growth.ts';
import { Load, type Readings } from './load.ts';

const { values } = parseArgs({ options: { calls: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } } });
const calls = Number(values.calls);
const seed = Number(values.seed);
if (!Number.isInteger(calls) || calls < 100 || !Number.isInteger(seed)) {
  console.error('--calls wants a whole number from 100 on, --seed a whole number.');
  process.exit(2);
}

const batches = 16;
/** The books fill and the compiler works before that; fewer calls say nothing about memory. */
const warmUp = 8;
const leastForMemory = 12_000;
/** Bytes by the call that may be chance: less than any object that is kept. */
const allowed = 16;

async function heap(): Promise<{ heapUsed: number; arrayBuffers: number }> {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage();
}

const started = performance.now();
const load = await Load.open({ seed });
const samples: Readings[] = [];
const memory = { after: [] as number[], heap: [] as number[], buffers: [] as number[] };
for (let batch = 1; batch <= batches; batch += 1) {
  await load.run(Math.round((calls * batch) / batches) - Math.round((calls * (batch - 1)) / batches));
  const sample = await load.readings();
  samples.push(sample);
  await load.hangUp();
  const { heapUsed, arrayBuffers } = await heap();
  if (batch > warmUp) {
    memory.after.push(Math.round((calls * batch) / batches));
    memory.heap.push(heapUsed);
    memory.buffers.push(arrayBuffers);
  }
  process.stdout.write(`\r${Math.round((calls * batch) / batches)} calls, heap ${(heapUsed / 2 ** 20).toFixed(1)} MiB `);
}
const end = await load.close();
const seconds = (performance.now() - started) / 1000;

const grown = new Set([...beyond(samples), ...beyond([{ ...end, 'other timers and handles': end['other timers and handles'] ?? 0 }])]);
for (const name of ['sockets, client', 'sockets, server']) if (end[name] !== 0) grown.add(name);

console.log(`\n${calls} calls in ${seconds.toFixed(0)} s, seed ${seed}, Node.js ${process.version}\n`);
const row = (...cells: string[]): void => console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(28) : cell.padStart(10))).join(''));
row('at quiet moments', 'first', 'last', 'most', 'bound', 'closed', '');
for (const name of Object.keys(end)) {
  const most = Math.max(...samples.map((sample) => sample[name] ?? 0));
  row(
    name,
    `${samples[0]?.[name]}`,
    `${samples.at(-1)?.[name]}`,
    `${most}`,
    `${bounds[name] ?? 0}`,
    `${end[name]}`,
    grown.has(name) ? 'GROWS' : 'ok',
  );
}
console.log();
for (const [name, bytes] of [
  ['heap', memory.heap],
  ['buffers', memory.buffers],
] as const) {
  const { middle, low, high } = slopeOf(memory.after, bytes);
  // Three of four pairs of samples agree.
  const grows = calls >= leastForMemory && low > allowed;
  if (grows) grown.add(name);
  const verdict = grows ? 'GROWS' : calls >= leastForMemory ? 'ok' : `not judged below ${leastForMemory} calls`;
  console.log(
    `${name}: ${middle.toFixed(1)} bytes by the call (middle half ${low.toFixed(1)} to ${high.toFixed(1)}, ${allowed} allowed): ${verdict}`,
  );
}
console.log(
  `\n${[...load.outcomes]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([label, count]) => `${label} ${count}`)
    .join(' · ')}`,
);
if (grown.size > 0) console.log(`\nGrows: ${[...grown].join(', ')}`);
process.exitCode = grown.size > 0 ? 1 : 0;
