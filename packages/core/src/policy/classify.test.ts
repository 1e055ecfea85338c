import { describe, expect, it } from 'vitest';
import { classify } from './classify.ts';
import { connectionFacts } from './connection-facts.ts';
import { readErrorBody } from '../wire/error-body.ts';
import { byCode, byConnectionCode, byName, byStatus } from './failure-table.ts';
import { anthropicFixtures } from './fixtures/anthropic.ts';
import { connectionFixtures } from './fixtures/connections.ts';
import { fixtureNow, type ExpectedVerdict } from './fixtures/fixture.ts';
import { headerFixtures } from './fixtures/headers.ts';
import { platformFixtures } from './fixtures/platforms.ts';
import { routeFixtures } from './fixtures/routes.ts';
import { streamFixtures } from './fixtures/streams.ts';
import type { BadBody, Outcome, StreamBreak } from './outcome.ts';
import type { Verdict } from './verdict.ts';

const inShort = ({ kind, retry, scope, countsAs, billed, disable }: Verdict): ExpectedVerdict =>
  [kind, retry, scope, countsAs, billed, disable].filter(Boolean).join(' ');
const none = new Headers();
const response = (status: number, headers: Record<string, string> = {}): Outcome => ({
  type: 'response',
  status,
  headers: new Headers(headers),
});

describe.each([
  ['Anthropic', anthropicFixtures],
  ['headers', headerFixtures],
  ['platforms and proxies', platformFixtures],
  ['other routes', routeFixtures],
])('classify, %s', (_, fixtures) => {
  it.each(fixtures.map((fixture) => [`${fixture.name} (${fixture.status})`, fixture] as const))(
    '%s',
    (_name, { status, headers, body, context, verdict, reason, waitMs }) => {
      const read = new Headers(headers);

      const found = classify(
        { type: 'response', status, headers: read, error: readErrorBody(body ?? '', read.get('content-type')) },
        { now: fixtureNow, ...context },
      );

      expect(inShort(found)).toBe(verdict);
      expect(found.waitMs).toBe(waitMs);
      if (reason !== undefined) expect(found.reason).toBe(reason);
    },
  );
});

describe('classify, errors inside streams', () => {
  it.each(streamFixtures.map((fixture) => [fixture.name, fixture] as const))('%s', (_name, { frame, context, verdict, reason }) => {
    const data = /^data: (.*)$/m.exec(frame)?.[1] ?? '';

    const found = classify({ type: 'stream-error', error: readErrorBody(data, null) }, context);

    expect(inShort(found)).toBe(verdict);
    if (reason !== undefined) expect(found.reason).toBe(reason);
  });
});

describe('classify, failed connections', () => {
  it.each(connectionFixtures.map((fixture) => [fixture.name, fixture] as const))('%s', (_name, { chain, context, verdict, reason }) => {
    const error = chain.reduceRight<unknown>((cause, link) => ({ ...link, ...(cause === undefined ? {} : { cause }) }), undefined);

    const found = classify({ type: 'connection', cause: connectionFacts(error) }, context);

    expect(inShort(found)).toBe(verdict);
    if (reason !== undefined) expect(found.reason).toBe(reason);
  });
});

describe('classify, answers that cannot be used', () => {
  const retried = 'bad-answer here request failure maybe';

  it.each<[BadBody, ExpectedVerdict]>([
    ['truncated', retried],
    ['empty', retried],
    ['html', retried],
    ['not-json', retried],
    ['not-a-message', retried],
    ['reset', retried],
    ['error-envelope', retried],
    ['redirect', 'bad-answer elsewhere target neutral no'],
  ])('%s', (problem, verdict) => {
    const found = classify({ type: 'bad-body', status: 200, problem });

    expect(inShort(found)).toBe(verdict);
    expect(found.reason).toBe(problem);
  });

  it('takes an error envelope under a good status for what it says, except that it may have been billed', () => {
    const found = classify({
      type: 'bad-body',
      status: 200,
      problem: 'error-envelope',
      headers: none,
      error: { type: 'overloaded_error' },
    });

    expect(inShort(found)).toBe('overloaded here model failure maybe');
    expect(found.reason).toBe('overloaded_error');
  });

  it('takes an envelope it does not know for a bad answer', () => {
    expect(inShort(classify({ type: 'bad-body', status: 200, problem: 'error-envelope', error: { type: 'error_of_tomorrow' } }))).toBe(
      retried,
    );
  });

  it('listens to the headers of a page of maintenance', () => {
    const found = classify({
      type: 'bad-body',
      status: 200,
      problem: 'html',
      headers: new Headers({ 'retry-after': '60', 'x-should-retry': 'false' }),
    });

    expect(inShort(found)).toBe('bad-answer never request failure maybe');
    expect(found.waitMs).toBe(60_000);
  });
});

describe('classify, streams that break, limits and aborts', () => {
  it.each<StreamBreak>(['socket', 'early-end', 'stall', 'malformed', 'oversized'])(
    'a stream that breaks by %s has been billed and may be continued',
    (problem) => {
      const found = classify({ type: 'stream-break', problem });

      expect(inShort(found)).toBe('stream-broken here request failure yes');
      expect(found.reason).toBe(problem);
    },
  );

  it('something that is no event stream is a bad answer', () => {
    expect(inShort(classify({ type: 'stream-break', problem: 'wrong-type' }))).toBe('bad-answer here request failure maybe');
  });

  it.each([
    ['first-byte', 'timeout here target failure maybe'],
    ['idle', 'timeout here target failure maybe'],
    ['total', 'timeout here target weak maybe'],
  ] as const)('the %s limit', (limit, verdict) => {
    const found = classify({ type: 'limit', limit });

    expect(inShort(found)).toBe(verdict);
    expect(found.reason).toBe(`${limit}-limit`);
  });

  it('a caller who left is nobody’s failure', () => {
    const found = classify({ type: 'aborted' });

    expect(inShort(found)).toBe('aborted never request neutral maybe');
    expect(found.reason).toBe('aborted');
  });

  it.each([
    ['GET', 'here'],
    ['get', 'here'],
    ['HEAD', 'here'],
    ['OPTIONS', 'here'],
    ['POST', 'never'],
    ['PUT', 'never'],
    ['PATCH', 'never'],
    ['DELETE', 'never'],
    [undefined, 'never'],
  ] as const)('a failed %s elsewhere in the API is repeated: %s', (method, retry) => {
    expect(classify(response(500), { route: 'other', method }).retry).toBe(retry);
  });

  it('a POST elsewhere in the API is not repeated after our own limit', () => {
    expect(classify({ type: 'limit', limit: 'first-byte' }, { route: 'other' }).retry).toBe('never');
  });
});

describe('classify, names that tell more than a status', () => {
  it.each<[ExpectedVerdict, string[]]>([
    ['invalid-request never request neutral no', ['ValidationException', 'ValidationError', 'MalformedHttpRequestException']],
    ['invalid-request never request neutral no', ['INVALID_ARGUMENT', 'OUT_OF_RANGE']],
    ['too-large never request neutral no', ['request_too_large', 'RequestEntityTooLargeException']],
    ['conflict never request neutral no', ['conflict_error', 'ConflictException', 'ALREADY_EXISTS']],
    ['conflict never request neutral no', ['memory_path_conflict_error', 'memory_precondition_failed_error']],
    ['unsupported never request neutral no', ['UnknownOperationException', 'UNIMPLEMENTED']],
    ['auth elsewhere account neutral no credentials', ['authentication_error', 'UNAUTHENTICATED', 'UnrecognizedClientException']],
    ['auth elsewhere account neutral no credentials', ['ExpiredTokenException', 'IncompleteSignature', 'InvalidSignatureException']],
    ['auth elsewhere account neutral no credentials', ['MissingAuthenticationTokenException', 'RequestExpired']],
    ['billing elsewhere account neutral no operator', ['billing_error', 'OptInRequired']],
    ['permission elsewhere account neutral no', ['permission_error', 'AccessDeniedException', 'NotAuthorized', 'PERMISSION_DENIED']],
    ['permission elsewhere model neutral no', ['FAILED_PRECONDITION']],
    ['not-found elsewhere model neutral no', ['not_found_error', 'ResourceNotFoundException', 'NOT_FOUND']],
    ['rate-limited here model throttled no', ['rate_limit_error', 'ThrottlingException', 'TooManyRequestsException', 'RESOURCE_EXHAUSTED']],
    ['rate-limited here account throttled no', ['ServiceQuotaExceededException']],
    ['overloaded here model failure no', ['overloaded_error', 'ModelNotReadyException', 'ServiceUnavailableException']],
    ['overloaded here model failure no', ['ServiceUnavailable', 'UNAVAILABLE']],
    ['timeout here model weak yes', ['ModelTimeoutException', 'DEADLINE_EXCEEDED']],
    ['upstream-error here target failure maybe', ['ModelErrorException', 'ModelStreamErrorException', 'InternalServerException']],
    ['upstream-error here target failure maybe', ['InternalFailure', 'INTERNAL', 'UNKNOWN', 'DATA_LOSS']],
  ])('%s: %j, whatever the status', (verdict, names) => {
    for (const type of names) {
      for (const status of [418, 599]) {
        expect(inShort(classify({ type: 'response', status, headers: none, error: { type } })), `${type} under ${status}`).toBe(verdict);
      }
    }
  });
});

describe('classify, whatever comes', () => {
  const codes = [undefined, 'a_code_of_tomorrow', ...byCode.keys()];
  const types = [undefined, 'constructor', '__proto__', '', ...byName.keys()];

  it('has a whole verdict for every status, code, type and word of the server', () => {
    for (let status = 100; status < 600; status += 1) {
      for (const code of codes) {
        for (const told of [undefined, 'true', 'false']) {
          const outcome: Outcome = {
            type: 'response',
            status,
            headers: new Headers(told ? { 'x-should-retry': told } : {}),
            error: { type: types[status % types.length], code },
          };
          const { kind, retry, scope, countsAs, billed, action, reason, disable } = classify(outcome);
          if (!kind || !retry || !scope || !countsAs || !billed || !reason) throw new Error(`${status} ${code}: incomplete`);
          if (!/^[A-Z][^.!?\n]+\.$/.test(action.replaceAll(/details\.\w+/g, 'details')))
            throw new Error(`${status} ${code}: "${action}" is no sentence`);
          if (disable !== undefined && retry === 'here') throw new Error(`${status} ${code}: asks again where nothing can come of it`);
          if ((kind === 'success') !== (status >= 200 && status < 300)) throw new Error(`${status} ${code}: ${kind}`);
        }
      }
    }
  });

  it('shows every row of the table in a fixture', () => {
    const fixtures = [...anthropicFixtures, ...platformFixtures];
    const shown = new Set([...fixtures, ...streamFixtures, ...connectionFixtures].map(({ reason }) => reason));
    const statuses = new Set(fixtures.map(({ status }) => status));

    expect([...byCode.keys(), ...byName.keys(), ...byConnectionCode.keys()].filter((key) => !shown.has(key))).toEqual([]);
    expect([...byStatus.keys()].filter((status) => !statuses.has(status))).toEqual([]);
  });

  it('gives advice for every row that only connections reach', () => {
    for (const { action } of byConnectionCode.values()) expect(action.replaceAll(/[\d.]+ s/g, '')).toMatch(/^[A-Z][^!?\n]+\.$/);
  });

  it('never opens a circuit for what the caller did wrong, nor for limits', () => {
    for (const [status, { countsAs }] of byStatus)
      if (status < 500 && ![408, 424, 499].includes(status)) expect(['neutral', 'throttled'], String(status)).toContain(countsAs);
  });

  it('leaves what only another account can serve to another account, whatever the server says of itself', () => {
    const error = { type: 'invalid_request_error', code: 'linked_organization_billing_unavailable' };
    const headers = new Headers({ 'x-should-retry': 'false' });

    expect(classify({ type: 'response', status: 402, headers, error }).retry).toBe('elsewhere');
  });

  it('advises to leave fast mode where that is what is busy', () => {
    expect(classify(response(529), { speed: 'fast' }).action).toMatch(/^Leave out speed, [^.]*fast mode[^.]*\.$/);
    expect(classify(response(529)).action).not.toMatch(/fast mode/);
  });

  it('needs no context', () => {
    expect(classify(response(429, { 'retry-after': 'Thu, 01 Jan 1970 00:00:10 GMT' })).waitMs).toBe(10_000);
  });

  it('does not change its table', () => {
    const before = JSON.stringify([...byStatus]);

    classify(response(529, { 'retry-after': '5', 'x-should-retry': 'false' }), { speed: 'fast', route: 'other' });

    expect(JSON.stringify([...byStatus])).toBe(before);
  });
});
