// The machine's date is set back or forward, and the loop is blocked: the bare SDK hardly notices.

import type { Clock } from '@holdfast/core';
import type { Situation, Subject } from '../situation.ts';
import { request } from '../observe.ts';
import { eventReply, healthy, jsonReply, upstream, type Step } from '../upstream.ts';
import { errorBody, events } from '../wire.ts';

const hour = 3_600_000;

/** A clock that is the machine's date, as an application may have given one; it is moved when the upstream is asked. */
function movedClock(): Clock & { by: number } {
  return {
    by: 0,
    now() {
      return Date.now() + this.by;
    },
    after(delayMs, callback) {
      const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 2 ** 31 - 1));
      return () => clearTimeout(timer);
    },
  };
}

const moves: Readonly<Record<string, number>> = { 'back an hour': -hour, 'forward an hour': hour, 'back a day': -24 * hour };
const soon = { 'retry-after-ms': '20' };

function moved(name: string, by: number, situation: (move: () => void) => Partial<Situation>): Situation {
  let clock = movedClock();
  return {
    name: `${name}, the clock is set ${Object.keys(moves).find((key) => moves[key] === by)}`,
    upstream: () => upstream(),
    hold: () => ({ clock: (clock = movedClock()), retry: { baseMs: 20, throttledBaseMs: 20, capMs: 100 } }),
    ...situation(() => (clock.by = by)),
  };
}

const block = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until;) Math.sqrt(ms);
};

export const clocks: Subject = {
  title: 'Clocks',
  situations: [
    ...Object.values(moves).flatMap((by) => [
      moved('while an answer is waited for', by, (move) => ({
        upstream: () =>
          upstream((seen) => {
            move();
            const { steps, ...reply } = healthy(seen);
            return { ...reply, framing: 'chunked', steps: [...steps.slice(0, 1), { pause: 100 }, ...steps.slice(1)] };
          }),
      })),
      moved('in a stream', by, (move) => ({
        surfaces: ['stream', 'helper'],
        upstream: () =>
          upstream(() => {
            setTimeout(move, 60);
            return eventReply(events().flatMap((event): Step[] => [event, { pause: 20 }]));
          }),
      })),
      moved('between two attempts', by, (move) => ({
        upstream: () =>
          upstream((seen) => {
            if (seen.number > 1) return healthy(seen);
            move();
            return jsonReply(errorBody('overloaded_error'), 529, soon);
          }),
      })),
      moved('after a 429 for 1 s', by, (move) => ({
        upstream: () =>
          upstream((seen) =>
            seen.number === 1
              ? jsonReply(errorBody('rate_limit_error'), 429, { 'retry-after': '1', 'x-should-retry': 'false' })
              : healthy(seen),
          ),
        before: async ({ client }) => {
          await client.messages.create(request, { maxRetries: 0 }).catch(() => {});
          move();
        },
      })),
    ]),
    {
      name: 'the loop is blocked for a second while an answer comes',
      speed: 1,
      upstream: () =>
        upstream((seen) => {
          const { steps, ...reply } = healthy(seen);
          return { ...reply, framing: 'chunked', steps: [...steps.slice(0, 1), { pause: 50 }, ...steps.slice(1)] };
        }),
      call: async (world) => {
        const { ask } = await import('../observe.ts');
        const answer = ask(world);
        setTimeout(() => block(300), 30);
        return answer;
      },
    },
  ],
};
