// A judge that always says fine would be useless: it finds each kind of harm, and only that.

import { describe, expect, it } from 'vitest';
import { judge, told, type Harm, type Rule } from '../src/judge.ts';
import { answerOf, nothing, type Answer, type Failure, type Observation } from '../src/observation.ts';

const message = (text: string, more: object = {}) =>
  answerOf({ content: [{ type: 'text', text }], stop_reason: 'end_turn', usage: { output_tokens: 3 }, ...more });

const answered = (answer: Answer = message('Hello'), more: Partial<Observation> = {}): Observation => ({
  ...nothing,
  outcome: 'answered',
  answer,
  requests: 1,
  ms: 10,
  ...more,
});

const refusal: Failure = {
  classes: ['BadRequestError', 'APIError', 'AnthropicError'],
  status: 400,
  type: 'invalid_request_error',
  message: '400 no',
  words: 'no',
  requestId: 'req_1',
  kind: 'invalid-request',
  retryable: false,
};

const failed = (failure: Partial<Failure> = {}, more: Partial<Observation> = {}): Observation => ({
  ...nothing,
  outcome: 'failed',
  failure: { ...refusal, ...failure },
  requests: 1,
  ms: 10,
  ...more,
});

const overloaded: Partial<Failure> = {
  classes: ['OverloadedError', 'APIError', 'AnthropicError'],
  status: 529,
  type: 'overloaded_error',
  kind: 'overloaded',
  retryable: true,
};
const hung: Observation = { ...nothing, requests: 1, ms: 8000 };

const harms = (bare: Observation, held: Observation, rule?: Rule): Harm[] => judge(bare, held, rule).map(({ harm }) => harm);

describe('no harm', () => {
  it.each([
    ['the same answer', answered(), answered()],
    ['the same refusal', failed(), failed()],
    ['an answer where the bare SDK failed', failed(overloaded, { requests: 3 }), answered(message('Hello'), { requests: 4 })],
    ['an answer where the bare SDK hangs', hung, answered()],
    ['both hang', hung, hung],
    [
      'an error of the SDK instead of a raw one',
      failed({ classes: ['TypeError'], status: null, type: null, message: 'terminated', words: 'terminated' }),
      failed(),
    ],
    ['an error instead of half an answer', answered(answerOf({ content: [] }, false)), failed()],
    [
      'half an answer where the bare SDK gives the same half',
      answered(answerOf({ content: [] }, false)),
      answered(answerOf({ content: [] }, false)),
    ],
    [
      'a connection error as documented',
      failed({ classes: ['APIConnectionError', 'APIError', 'AnthropicError'], status: null, type: null }),
      failed({ classes: ['ServiceUnavailableError', 'APIError', 'AnthropicError'], status: 503 }),
    ],
    [
      'a special class where the bare SDK has a general one',
      failed({ classes: ['APIError', 'AnthropicError'], status: null, type: 'overloaded_error' }),
      failed(overloaded),
    ],
  ])('%s', (_name, bare, held) => {
    expect(judge(bare, held)).toEqual([]);
  });
});

describe('lost', () => {
  it('an error where the bare SDK answers', () => expect(harms(answered(), failed())).toEqual(['lost']));
  it('no end where the bare SDK answers', () => expect(harms(answered(), hung)).toEqual(['lost']));
  it('no end where the bare SDK fails', () => expect(harms(failed(), hung)).toEqual(['lost']));
});

describe('wrong', () => {
  const tool = (input: unknown): Answer => answerOf({ content: [{ type: 'tool_use', input }], stop_reason: 'tool_use', usage: {} });

  it.each([
    ['text', message('Hello'), message('Hullo')],
    ['text doubled', message('Hello'), message('HelloHello')],
    ['tool input', tool({ a: 1 }), tool({ a: 2 })],
    ['stop reason', message('Hello'), message('Hello', { stop_reason: 'max_tokens' })],
    ['usage', message('Hello'), message('Hello', { usage: { output_tokens: 4 } })],
    [
      'a block more',
      message('Hello'),
      answerOf({ content: [{ type: 'text', text: 'Hello' }, { type: 'x' }], stop_reason: 'end_turn', usage: { output_tokens: 3 } }),
    ],
    ['no end', message('Hello'), { ...message('Hello'), whole: false }],
  ])('%s', (_name, bare, held) => {
    expect(harms(answered(bare), answered(held))).toEqual(['wrong']);
  });

  it('not the right text, where the bare SDK fails', () => {
    expect(harms(failed(), answered(message('Hullo')), { right: 'Hello', asks: 1 })).toEqual(['wrong']);
    expect(harms(failed(), answered(message('Hello')), { right: 'Hello', asks: 1 })).toEqual([]);
  });
  it('half an answer where the bare SDK says that it failed', () =>
    expect(harms(failed(), answered(answerOf({ content: [] }, false)))).toEqual(['wrong']));
  it('any answer where there is none', () => expect(harms(failed(), answered(), { right: null })).toEqual(['wrong']));
  it('keys in another order are no difference', () =>
    expect(answerOf({ content: [{ a: 1, b: 2 }] }).content).toBe(answerOf({ content: [{ b: 2, a: 1 }] }).content));
});

describe('told less truth', () => {
  it.each<[string, Partial<Failure>]>([
    ['class', { classes: ['InternalServerError', 'APIError', 'AnthropicError'] }],
    ['a raw error', { classes: ['TypeError'] }],
    ['status', { status: 422 }],
    ['type', { type: 'api_error' }],
    ['words', { words: 'something went wrong' }],
    ['request id', { requestId: null }],
    ['kind', { kind: 'overloaded' }],
    ['retryable', { retryable: true }],
  ])('%s', (_name, less) => {
    expect(harms(failed(), failed(less))).toEqual(['truth']);
  });

  it('a raw error instead of half an answer', () => {
    expect(harms(answered(answerOf({ content: [] }, false)), failed({ classes: ['TypeError'] }))).toEqual(['truth']);
  });
  it('the story of a refusal in the middle of a stream', () => {
    const inStream = { classes: ['APIError', 'AnthropicError'], status: null };
    expect(harms(failed(inStream), failed({ ...inStream, kind: 'stream-broken' }))).toEqual(['truth']);
    const busy = { ...overloaded, ...inStream };
    expect(harms(failed(busy), failed({ ...busy, kind: 'stream-broken', retryable: false }))).toEqual([]);
  });
  it('a class that is documented as better is none', () => {
    expect(harms(failed(), failed({ classes: ['InternalServerError', 'AnthropicError'] }), { toldAs: ['InternalServerError'] })).toEqual(
      [],
    );
  });
});

describe('asked more often', () => {
  it('where it was answered', () => expect(harms(answered(), answered(undefined, { requests: 2 }))).toEqual(['asked']));
  it('where it was refused', () => expect(harms(failed(), failed({}, { requests: 2 }))).toEqual(['asked']));
  it('than the documented attempts', () => {
    expect(harms(failed(overloaded, { requests: 3 }), failed(overloaded, { requests: 4 }))).toEqual([]);
    expect(harms(failed(overloaded, { requests: 3 }), failed(overloaded, { requests: 5 }))).toEqual(['asked']);
  });
  it('than the row allows', () =>
    expect(harms(failed(overloaded, { requests: 3 }), failed(overloaded, { requests: 2 }), { asks: 1 })).toEqual(['asked']));
});

describe('later, and the process', () => {
  it('late', () => {
    expect(harms(answered(), answered(undefined, { ms: 5000 }))).toEqual(['late']);
    expect(harms(answered(), answered(undefined, { ms: 5000 }), { laterMs: 6000 })).toEqual([]);
  });
  it('an unhandled rejection', () => expect(harms(answered(), answered(undefined, { unhandled: ['Error: x'] }))).toEqual(['process']));
  it('connections left open', () => expect(harms(answered(), answered(undefined, { open: 1 }))).toEqual(['process']));
  it('what the bare SDK does as well is none', () => {
    expect(harms(answered(undefined, { open: 1, unhandled: ['x'] }), answered(undefined, { open: 1, unhandled: ['x'] }))).toEqual([]);
  });
});

describe('promises', () => {
  it('no answer where one is promised', () => {
    expect(harms(failed(), failed(), { promised: true })).toEqual(['broken promise']);
    expect(harms(hung, hung, { promised: true })).toEqual(['broken promise']);
  });
  it('half an answer where a whole one is promised', () => {
    const half = answered(answerOf({ content: [] }, false));
    expect(harms(half, half, { promised: true })).toEqual(['wrong']);
  });
  it('what else a row asks for', () =>
    expect(judge(answered(), answered(), { also: () => 'too soon' })).toEqual([{ harm: 'broken promise', what: 'too soon' }]));
});

it('tells an end in a few words', () => {
  expect([answered(), failed({}, { requests: 3 }), hung].map(told)).toEqual(['answer', '400 invalid_request_error ×3', 'hangs']);
});
