import { describe, expect, it } from 'vitest';
import { errorFacts, readErrorBody, readErrorEvent } from './error-body.ts';

const read = (text: string, contentType: string | null = 'application/json') => {
  const { type, code, message } = readErrorBody(text, contentType);
  return [type, code, message];
};

describe('readErrorBody', () => {
  it.each<[string, string, (string | undefined)[]]>([
    [
      'Anthropic',
      '{"type":"error","error":{"type":"rate_limit_error","message":"Rate limited","details":{"error_code":"ramp_limit_exceeded"}},"request_id":"req_1"}',
      ['rate_limit_error', 'ramp_limit_exceeded', 'Rate limited'],
    ],
    [
      'Anthropic with details: null',
      '{"type":"error","error":{"details":null,"type":"api_error","message":"m"}}',
      ['api_error', undefined, 'm'],
    ],
    ['Amazon', '{"message":"Too many requests"}', [undefined, undefined, 'Too many requests']],
    ['Amazon with a type', '{"__type":"ThrottlingException","message":"m"}', ['ThrottlingException', undefined, 'm']],
    [
      'Amazon with a namespace',
      '{"__type":"com.amazon.coral.service#ThrottlingException","Message":"m"}',
      ['ThrottlingException', undefined, 'm'],
    ],
    [
      'Google',
      '{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}',
      ['RESOURCE_EXHAUSTED', undefined, 'Quota exceeded'],
    ],
    ['Google in an array', '[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}]', ['RESOURCE_EXHAUSTED', undefined, 'm']],
    [
      'Google with details as a list',
      '{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"error_code":"x"}]}}',
      ['RESOURCE_EXHAUSTED', undefined, 'm'],
    ],
    ['Microsoft', '{"error":{"code":"DeploymentNotFound","message":"m"}}', ['DeploymentNotFound', undefined, 'm']],
    ['a gateway of Microsoft', '{"statusCode":429,"message":"m"}', [undefined, undefined, 'm']],
    ['a flat code', '{"code":"rate_limited","message":"m"}', ['rate_limited', undefined, 'm']],
    ['a flat type', '{"type":"overloaded_error","message":"m"}', ['overloaded_error', undefined, 'm']],
    ['an envelope without its error', '{"type":"error"}', [undefined, undefined, undefined]],
    ['a problem document', '{"type":"about:blank","detail":"m"}', [undefined, undefined, 'm']],
    ['an error that is a string', '{"error":"forbidden"}', [undefined, undefined, 'forbidden']],
    ['an error that is a list', '{"error":[{"type":"x"}],"message":"m"}', [undefined, undefined, 'm']],
    ['members of the wrong type', '{"error":{"type":7,"message":{},"details":{"error_code":[]}}}', [undefined, undefined, undefined]],
    ['an empty message', '{"error":{"type":"","message":""}}', [undefined, undefined, undefined]],
  ])('reads the shape of %s', (_, text, facts) => {
    expect(read(text)).toEqual(facts);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['white space', ' \n\t'],
    ['plain words', 'upstream connect error'],
    ['a page', '<html><body>502</body></html>'],
    ['half an object', '{"error":{"type":"api_'],
    ['half an array', '[{'],
    ['a string', '"overloaded_error"'],
    ['a number', '529'],
    ['null', 'null'],
    ['an array of nothing', '[]'],
    ['an array of strings', '["a"]'],
    ['an array of arrays', '[[{"error":{"type":"x"}}]]'],
    ['arrays without end', '['.repeat(65_536)],
    ['objects without end', '{"error":'.repeat(8_000)],
  ])('finds no facts in %s, and does not throw', (_, text) => {
    expect(read(text)).toEqual([undefined, undefined, undefined]);
  });

  it('believes no page of HTML, whatever it contains', () => {
    expect(read('{"error":{"type":"api_error"}}', 'text/HTML; charset=utf-8')).toEqual([undefined, undefined, undefined]);
  });

  it('recognises JSON under any other content type, and behind a byte order mark', () => {
    expect(read('\uFEFF\r\n {"error":{"type":"api_error"}}', null)[0]).toBe('api_error');
    expect(read('{"error":{"type":"api_error"}}', 'text/plain')[0]).toBe('api_error');
  });

  it('takes nothing from a prototype, and leaves none changed', () => {
    const bodies = [
      '{"__proto__":{"error":{"type":"api_error"}}}',
      '{"error":{"__proto__":{"type":"api_error","message":"m"}}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
    ];

    for (const body of bodies) expect(read(body)).toEqual([undefined, undefined, undefined]);

    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['error']).toBeUndefined();
  });

  it('takes own members only, even when somebody else has polluted the prototype', () => {
    // oxlint-disable-next-line no-extend-native -- that is what this test is about
    Object.defineProperty(Object.prototype, 'error', { value: { type: 'api_error' }, configurable: true });
    try {
      expect(read('{"message":"m"}')).toEqual([undefined, undefined, 'm']);
    } finally {
      delete (Object.prototype as Record<string, unknown>)['error'];
    }
  });

  it.each(['two words', 'line\nbreak', 'nul\0', 'x'.repeat(129), 'ünïcode'])(
    'takes %j for no name: types and codes end up in labels',
    (name) => {
      expect(read(JSON.stringify({ error: { type: name, details: { error_code: name }, message: 'm' } }))).toEqual([
        undefined,
        undefined,
        'm',
      ]);
    },
  );

  it('reads values that are already parsed', () => {
    expect(errorFacts({ error: { type: 'api_error' } }).type).toBe('api_error');
    for (const value of [undefined, null, 7, 'x', [], () => {}]) expect(errorFacts(value)).toEqual({});
  });
});

describe('readErrorEvent', () => {
  it.each([
    [
      'the usual',
      '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
      { type: 'overloaded_error', message: 'Overloaded' },
    ],
    [
      'without the envelope’s type',
      '{"error":{"type":"overloaded_error","message":"Overloaded"}}',
      { type: 'overloaded_error', message: 'Overloaded' },
    ],
    ['an error that is a string', '{"type":"error","error":"Overloaded"}', { message: 'Overloaded' }],
    ['a detail', '{"detail":"Internal Server Error"}', { message: 'Internal Server Error' }],
    ['a string', '"Overloaded"', { message: 'Overloaded' }],
    ['text', 'upstream gone', { message: 'upstream gone' }],
    [
      'a status',
      '{"error":{"code":400,"message":"prohibited","status":"INVALID_ARGUMENT"}}',
      { type: 'INVALID_ARGUMENT', message: 'prohibited', status: 400 },
    ],
    ['nothing', '', {}],
  ])('reads %s', (_, data, expected) => {
    const { type, code, message, status } = readErrorEvent(data);
    expect({ type, code, message, status }).toEqual({
      type: undefined,
      code: undefined,
      message: undefined,
      status: undefined,
      ...expected,
    });
  });

  it('keeps no more of a text than a sentence or two', () => {
    expect(readErrorEvent('x'.repeat(5_000)).message).toHaveLength(1_000);
  });
});

describe('a status in the body', () => {
  it.each([
    ['{"error":{"message":"insufficient credits","code":402}}', 402],
    ['{"statusCode":429,"message":"Rate limit is exceeded"}', 429],
    ['{"error":{"code":200}}', undefined],
    ['{"error":{"code":"402"}}', undefined],
  ])('is read from %s', (text, status) => {
    expect(readErrorBody(text, 'application/json').status).toBe(status);
  });
});
