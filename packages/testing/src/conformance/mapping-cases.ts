// Every row of the mapping from a failed Claude call to a reply.

import assert from 'node:assert/strict';
import type { Plan, Refusal } from './scripted-upstream.ts';
import type { Route } from './adapter.ts';
import type { Case, World } from './world.ts';

interface Row {
  readonly name: string;
  readonly plan: Plan;
  readonly status: number;
  readonly code: string;
  /** Seconds; `some` for a value of this server's own choosing; `none` for failures that no retry cures. */
  readonly retryAfter: number | 'some' | 'none';
  readonly route?: Route;
}

const refuse = (status: number, type: string, more: Partial<Refusal> = {}): Plan => ({
  type: 'refuse',
  refusal: { status, type, ...more },
});

/** An upstream may itself be a server with Holdfast: its refusals look like those made in this process. */
const ours = (status: number, reason: string, details: Record<string, unknown> = {}): Plan =>
  refuse(status, 'api_error', {
    code: `holdfast_${reason}`,
    details: { call_id: 'call-1', ...details },
    headers: { 'x-should-retry': 'false' },
  });

const rows: readonly Row[] = [
  { name: 'an invalid key', plan: refuse(401, 'authentication_error'), status: 502, code: 'upstream-auth', retryAfter: 'none' },
  { name: 'a missing permission', plan: refuse(403, 'permission_error'), status: 502, code: 'upstream-auth', retryAfter: 'none' },
  { name: 'an unpaid bill', plan: refuse(402, 'billing_error'), status: 503, code: 'upstream-billing', retryAfter: 'none' },
  {
    name: 'a contract’s spend limit',
    plan: refuse(429, 'rate_limit_error', { code: 'contract_spend_limit_reached' }),
    status: 503,
    code: 'upstream-billing',
    retryAfter: 'none',
  },
  {
    name: 'a tier’s spend limit',
    plan: refuse(429, 'rate_limit_error', { code: 'enforced_spend_limit_reached' }),
    status: 503,
    code: 'upstream-billing',
    retryAfter: 'none',
  },
  { name: 'an unknown model', plan: refuse(404, 'not_found_error'), status: 502, code: 'upstream-config', retryAfter: 'none' },
  { name: 'an invalid request', plan: refuse(400, 'invalid_request_error'), status: 500, code: 'invalid-request', retryAfter: 'none' },
  {
    name: 'an invalid request made of the client’s input',
    route: 'user-input',
    plan: refuse(400, 'invalid_request_error'),
    status: 422,
    code: 'invalid-request',
    retryAfter: 'none',
  },
  {
    name: 'an unprocessable request',
    plan: refuse(422, 'invalid_request_error'),
    status: 500,
    code: 'invalid-request',
    retryAfter: 'none',
  },
  { name: 'a body that is too large', plan: refuse(413, 'request_too_large'), status: 413, code: 'too-large', retryAfter: 'none' },
  {
    name: 'a prompt that is too long',
    plan: refuse(400, 'invalid_request_error', { message: 'prompt is too long: 213000 tokens > 200000 maximum' }),
    status: 413,
    code: 'too-large',
    retryAfter: 'none',
  },
  {
    name: 'a rate limit',
    plan: refuse(429, 'rate_limit_error', { headers: { 'retry-after': '120' } }),
    status: 429,
    code: 'rate-limited',
    retryAfter: 120,
  },
  {
    name: 'growth that is too fast',
    plan: refuse(429, 'rate_limit_error', { code: 'ramp_limit_exceeded', headers: { 'retry-after': '90' } }),
    status: 429,
    code: 'rate-limited',
    retryAfter: 90,
  },
  { name: 'overload', plan: refuse(529, 'overloaded_error'), status: 503, code: 'overloaded', retryAfter: 'some' },
  { name: 'an upstream failure', plan: refuse(500, 'api_error'), status: 502, code: 'upstream-error', retryAfter: 'some' },
  { name: 'an upstream that is unavailable', plan: refuse(503, 'api_error'), status: 502, code: 'upstream-error', retryAfter: 'some' },
  { name: 'a gateway that gave up', plan: refuse(504, 'timeout_error'), status: 504, code: 'timeout', retryAfter: 'some' },
  { name: 'an upstream that does not answer', plan: { type: 'silent' }, status: 504, code: 'timeout', retryAfter: 'some' },
  { name: 'a reset connection', plan: { type: 'reset' }, status: 502, code: 'unreachable', retryAfter: 'some' },
  {
    name: 'an open circuit',
    plan: ours(503, 'circuit_open', { retry_after_ms: 61_200 }),
    status: 503,
    code: 'circuit-open',
    retryAfter: 62,
  },
  {
    name: 'a fence that leaves nobody',
    plan: ours(503, 'no_target', { retryable: false }),
    status: 502,
    code: 'upstream-config',
    retryAfter: 'none',
  },
  {
    name: 'an account without credit',
    plan: refuse(400, 'invalid_request_error', { message: 'Your credit balance is too low to access the Anthropic API.' }),
    status: 503,
    code: 'upstream-billing',
    retryAfter: 'none',
  },
  { name: 'a passed deadline', plan: ours(504, 'deadline'), status: 504, code: 'timeout', retryAfter: 'some' },
  { name: 'a process that is going down', plan: ours(503, 'shutting_down'), status: 503, code: 'shutting-down', retryAfter: 'some' },
];

export const mappingCases: readonly Case[] = [
  ...rows.map((row) => ({ name: `answers ${row.name} with ${row.status} ${row.code}`, run: (world: World) => check(world, row) })),
  {
    name: 'leaves errors of the application to the framework, without their message',
    async run(world) {
      const reply = await world.ask('foreign');

      assert.equal(reply.status, 500);
      assert.equal(world.dialect.problemOf(reply.body), null, 'it is no failure of Claude’s');
      assertNoSecrets(world, reply);
    },
  },
  {
    name: 'answers a good call with its text',
    async run(world) {
      const reply = await world.ask('message', { prompt: world.prompt({ type: 'answer', words: ['Hel', 'lo'] }) });

      assert.equal(reply.status, 200);
      assert.equal(world.dialect.messageOf(reply.body), 'Hello');
    },
  },
];

async function check(world: World, row: Row): Promise<void> {
  const reply = await world.ask(row.route ?? 'message', { prompt: world.prompt(row.plan) }, { 'x-request-id': 'conformance-1' });
  const problem = world.dialect.problemOf(reply.body);

  assert.ok(problem, `the reply is a problem: ${reply.status} ${reply.body}`);
  assert.deepEqual({ status: reply.status, code: problem.code }, { status: row.status, code: row.code });
  assert.equal(problem.retryable, row.retryAfter !== 'none');
  assert.equal(problem.requestId, 'conformance-1', 'the id is the one of this server’s request');
  assertRetryAfter(world, row.retryAfter, reply.headers['retry-after'], problem.retryAfterMs);
  assertNoSecrets(world, reply);
}

function assertRetryAfter(world: World, expected: Row['retryAfter'], header: string | undefined, retryAfterMs: number | null): void {
  if (expected === 'none') {
    assert.deepEqual([header, retryAfterMs], [undefined, null], 'nothing invites a retry');
    return;
  }
  assert.ok(retryAfterMs !== null && retryAfterMs > 0, 'the body says when to come back');
  if (expected !== 'some') assert.equal(Math.ceil(retryAfterMs / 1000), expected);
  if (world.dialect.retryAfter === 'header')
    assert.equal(header, String(Math.ceil(retryAfterMs / 1000)), 'the header says the same in whole seconds, rounded up');
}

export function assertNoSecrets(world: World, reply: { readonly body: string; readonly headers: object }): void {
  const everything = `${JSON.stringify(reply.headers)} ${reply.body}`;
  for (const secret of world.secrets) assert.ok(!everything.includes(secret), `the reply contains ${secret}: ${everything}`);
}
