// The lines that pino and console really write on a bad day, against the table in docs/observability.md.

import { Console } from 'node:console';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { HoldfastEvent, Logger } from '../src/index.ts';
import { incident } from './incident.ts';
import { tableUnder } from './tables.ts';
import { request, world } from './world.ts';

type Line = Readonly<Record<string, unknown>>;

/** A stream that keeps what is written to it. */
function sink(): { readonly stream: Writable; text(): string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
}

const page = readFileSync(join(import.meta.dirname, '../../../docs/observability.md'), 'utf8');
const documented = new Map(
  tableUnder(page, '## Logs', 0).map(([name, levels, fields]) => [
    name?.words[0] ?? '',
    { levels: levels?.words ?? [], fields: fields?.words ?? [] },
  ]),
);

describe('pino', () => {
  const lines: Line[] = [];
  const events: HoldfastEvent[] = [];
  beforeAll(async () => {
    const { stream, text } = sink();
    const logger = pino({ level: 'debug', base: null }, stream);
    await incident({ holdfast: { logger, on: (event) => events.push(event) } });
    lines.push(
      ...text()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line),
    );
  });
  const called = (name: string): Line[] => lines.filter(({ msg }) => msg === name);

  it('has every documented line, and no other', () => {
    expect([...new Set(lines.map(({ msg }) => String(msg)))].sort()).toEqual([...documented.keys()].sort());
  });

  it.each([...documented])('%s has the documented fields and levels', (name, { levels, fields }) => {
    for (const { level, time, msg, event, timestamp, ...rest } of called(name)) {
      expect(Object.keys(rest).sort()).toEqual(fields.toSorted());
      expect(levels).toContain(pino.levels.labels[level as number]);
      expect(timestamp).toMatch(/^2026-01-01T/);
      expect([time, msg, event]).not.toContain(undefined);
    }
  });

  it('has one line for each attempt and for each call', () => {
    for (const [name, type] of [
      ['holdfast attempt', 'attempt-ended'],
      ['holdfast call', 'call-ended'],
    ] as const)
      expect(called(name)).toHaveLength(events.filter((event) => event.type === type).length);
  });

  it('ties the attempts of a call together', () => {
    const call = called('holdfast call').find(({ resumes }) => resumes === 1);
    const attempts = called('holdfast attempt').filter(({ call_id }) => call_id === call?.['call_id']);

    expect(attempts.map(({ attempt, purpose }) => [attempt, purpose])).toEqual([
      [1, 'first'],
      [2, 'resume'],
    ]);
    expect(call?.['output_tokens']).toBe(attempts.reduce((total, { output_tokens }) => total + Number(output_tokens), 0));
  });
});

describe('console', () => {
  it('gets the message first and the fields after it', async () => {
    const { stream, text } = sink();
    const { claude, client, close } = await world({ holdfast: { logger: new Console({ stdout: stream, stderr: stream }) } });
    claude.script('overloaded');
    await client.messages.create(request);

    expect(text()).toMatch(/^holdfast attempt \{\n/);
    expect(text()).toMatch(/\nholdfast call \{[^}]*result: 'delivered'/);
    await close();
  });
});

describe('any logger', () => {
  it('gets one line each, whatever the wire or the caller puts into a name', async () => {
    const values: unknown[] = [];
    const keep = (_: unknown, fields: unknown): void => void values.push(...Object.values(fields as Line));
    const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep };
    const { claude, client, close } = await world({ holdfast: { logger } });
    claude.always({ status: 400, errorCode: `odd\n\u001b[31mcode${'x'.repeat(10_000)}`, headers: { 'request-id': 'r'.repeat(5_000) } });
    await client.messages.create({ ...request, model: `a\nforged line\u2028${'m'.repeat(10_000)}` }).catch(() => {});

    expect(values.length).toBeGreaterThan(20);
    for (const value of values) {
      // oxlint-disable-next-line no-control-regex
      expect(String(value)).not.toMatch(/[\u0000-\u001f\u2028\u2029]/);
      expect(String(value).length).toBeLessThanOrEqual(256);
    }
    await close();
  });

  it('that throws harms nobody', async () => {
    const fail = (): never => {
      throw new Error('no disk');
    };
    const { client, close } = await world({ holdfast: { logger: { debug: fail, info: fail, warn: fail, error: fail } } });

    await expect(client.messages.create(request)).resolves.toMatchObject({ type: 'message' });
    await close();
  });

  it('that rejects harms nobody either, and no more does a listener', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const fail = (() => Promise.reject(new Error('no network'))) as () => never;
    const { client, close } = await world({ holdfast: { logger: { debug: fail, info: fail, warn: fail, error: fail }, on: fail } });

    await client.messages.create(request);
    await new Promise((resolve) => setImmediate(resolve));

    expect(unhandled).not.toHaveBeenCalled();
    process.off('unhandledRejection', unhandled);
    await close();
  });
});
