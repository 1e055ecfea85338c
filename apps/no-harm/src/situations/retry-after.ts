// How long the upstream asks to wait, in every spelling. The bare SDK's waits are real; Holdfast's clock runs twenty times as fast.

import type { Situation, Subject } from '../situation.ts';
import { healthy, jsonReply, upstream, type Reply } from '../upstream.ts';
import { errorBody } from '../wire.ts';

const speed = 20;

/** A 429 with these headers, once; and whether the wait of Holdfast was at least `floorMs` of its time. */
function hinted(name: string, headers: () => Reply['headers'], floorMs: number, more: Partial<Situation> = {}): Situation {
  return {
    name,
    upstream: () =>
      upstream((request) => (request.number === 1 ? jsonReply(errorBody('rate_limit_error'), 429, headers()) : healthy(request))),
    speed,
    ...more,
    rule: {
      also: ({ gaps, outcome }) =>
        outcome === 'answered' && (gaps[0] ?? 0) * speed < floorMs * 0.95
          ? `asked again after ${Math.round((gaps[0] ?? 0) * speed)} ms, told to wait ${floorMs}`
          : null,
      ...more.rule,
    },
  };
}

const fixed = (name: string, value: string | readonly string[], floorMs: number, more?: Partial<Situation>): Situation =>
  hinted(name, () => ({ 'retry-after': value }), floorMs, more);

/** Dates are read by the date, which does not run faster. */
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

function dates(at: Date): Record<string, string> {
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  const day = days[at.getUTCDay()] as string;
  const month = months[at.getUTCMonth()] as string;
  return {
    'an IMF date': at.toUTCString(),
    'an RFC 850 date': `${day}, ${two(at.getUTCDate())}-${month}-${two(at.getUTCFullYear() % 100)} ${time} GMT`,
    'an asctime date': `${day.slice(0, 3)} ${month} ${String(at.getUTCDate()).padStart(2)} ${time} ${at.getUTCFullYear()}`,
  };
}

const inSeconds = (seconds: number): Date => new Date(Date.now() + seconds * 1000);

export const retryAfter: Subject = {
  title: 'When to come back',
  situations: [
    fixed('retry-after: 1', '1', 1000),
    fixed('retry-after: 0', '0', 0),
    fixed('retry-after: 0.5', '0.5', 500),
    fixed('retry-after: 1.0', '1.0', 1000),
    fixed('retry-after: 0001', '0001', 1000),
    fixed('retry-after: 1, 1', '1, 1', 1000),
    fixed('retry-after twice', ['1', '1'], 1000),
    fixed('retry-after: 1,2', '1,2', 1000),
    fixed('retry-after: 1s', '1s', 0),
    fixed('retry-after: soon', 'soon', 0),
    fixed('retry-after: -5', '-5', 0),
    fixed('retry-after: empty', '', 0),
    fixed('retry-after: NaN', 'NaN', 0),
    hinted('retry-after-ms: 30', () => ({ 'retry-after-ms': '30' }), 30),
    hinted('retry-after-ms twice', () => ({ 'retry-after-ms': ['400', '400'] }), 400),
    hinted('retry-after-ms: 0', () => ({ 'retry-after-ms': '0' }), 0),
    hinted('a date of the past', () => ({ 'retry-after': inSeconds(-60).toUTCString() }), 0),
    ...Object.keys(dates(new Date())).map((name) =>
      // A date says whole seconds: between one and two of them are left.
      hinted(`${name}, 2 s away`, () => ({ 'retry-after': dates(inSeconds(2.5))[name] as string }), 900, { speed: 1 }),
    ),
    hinted(
      'only anthropic-ratelimit-requests-reset',
      () => ({
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': inSeconds(2)
          .toISOString()
          .replace(/\.\d+Z/, 'Z'),
      }),
      0,
    ),
    // No number that HTTP knows: it is no hint, and the call is repeated as after any other 429.
    ...['86400', '1e9', '99999999999'].map((value): Situation => ({
      name: `retry-after: ${value}, every time`,
      upstream: () => upstream(() => jsonReply(errorBody('rate_limit_error'), 429, { 'retry-after': value })),
      patienceMs: 4000,
      rule: { asks: value === '1e9' ? 4 : 3 },
    })),
  ],
};
