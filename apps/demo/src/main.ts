// The failures that matter, the bare SDK beside Holdfast, over real HTTP. Exits with 0 only if every row came out as claimed.

import { styleText } from 'node:util';
import Anthropic from '@anthropic-ai/sdk';
import { holdfast } from '@holdfast/core';
import { fakeClaude } from '@holdfast/testing';
import type { Observed } from './observe.ts';
import { rows, type Row } from './rows.ts';

interface Side extends Observed {
  readonly requests: number;
}

async function play(row: Row, withHoldfast: boolean): Promise<Side> {
  const stage = { primary: await fakeClaude({ target: 'primary' }), second: await fakeClaude({ target: 'second' }) };
  const middleware = withHoldfast ? [holdfast(row.options?.(stage))] : [];
  const client = new Anthropic({ baseURL: stage.primary.url, apiKey: 'sk-ant-api-demo', middleware });
  row.prepare(stage);
  const observed = await row.act(client, stage);
  const requests = stage.primary.requests.length + stage.second.requests.length;
  await Promise.all([stage.primary.close(), stage.second.close()]);
  return { ...observed, requests };
}

const cell = ({ outcome, requests, ms }: Side): string =>
  `${outcome.padEnd(31)} ${String(requests).padStart(3)} req ${(ms / 1000).toFixed(1).padStart(5)} s`;
const paint = (good: boolean, text: string): string => (process.stdout.isTTY ? styleText(good ? 'green' : 'red', text) : text);

console.log(`${'what goes wrong'.padEnd(38)} ${'the SDK alone'.padEnd(47)} with Holdfast`);
const played = rows.map((row) => ({ row, sides: Promise.all([play(row, false), play(row, true)]) }));
let kept = 0;
for (const { row, sides } of played) {
  const [before, after] = await sides;
  const good = row.claim(after);
  if (good) kept += 1;
  console.log(`${row.title.padEnd(38)} ${cell(before)} ${paint(good, cell(after))}${good ? '' : '  NOT AS CLAIMED'}`);
}
console.log(`\n${kept} of ${rows.length} rows came out as claimed.`);
process.exit(kept === rows.length ? 0 : 1);
