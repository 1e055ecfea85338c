// A Claude API as queueing theory sees it: one line of work, a capacity that changes, and the ways it fails.

import { classify, type Outcome, type Verdict } from '@holdfast/core/policy';
import type { Random } from '@holdfast/core';

/** How an upstream behaves from one moment on. */
export interface Weather {
  /** Requests it can serve in a second. */
  readonly capacity: number;
  /** What it answers when its line is too long. */
  readonly refusal: 'overloaded' | 'rate-limited';
  /** `retry-after` of a 429, milliseconds. */
  readonly retryAfterMs: number;
  /** A request that would wait longer than this is refused, milliseconds. */
  readonly queueMs: number;
  /** Share of requests that fail whatever the load. */
  readonly faultShare: number;
  /** Share of streams that break in the middle. */
  readonly cutShare: number;
  /** Multiplies the time to the first content. */
  readonly slowness: number;
}

export interface Phase extends Weather {
  readonly fromMs: number;
}

/** What comes of one request. Reused: read it before the next request. */
export interface Fate {
  /** Null: it is answered. */
  verdict: Verdict | null;
  /** The refusal, or the first content, reaches the client. */
  at: number;
  /** The line has worked on it. */
  servedAt: number;
  /** The stream ends or breaks. */
  endsAt: number;
  /** Tokens the client gets. */
  tokens: number;
  /** Tokens that a break keeps from it; 0 for a whole answer. */
  missing: number;
}

/** Work that a refusal costs, in requests: somebody has to say no. */
const refusalWork = 0.02;
/** Until a refusal or a failure reaches the client, milliseconds. */
const refusalMs = 50;
/** Time a token takes, milliseconds. */
export const tokenMs = 15;

const none = { get: () => null };
const verdictOf = (outcome: Outcome): Verdict => classify(outcome);
const status = (code: number, type: string): Verdict => verdictOf({ type: 'response', status: code, headers: none, error: { type } });

/** The failures, judged by the production code. */
export const verdicts = {
  success: verdictOf({ type: 'response', status: 200, headers: none }),
  overloaded: status(529, 'overloaded_error'),
  faults: [
    status(529, 'overloaded_error'),
    status(500, 'api_error'),
    status(502, ''),
    verdictOf({ type: 'connection', cause: { name: 'TypeError', code: 'ECONNRESET', sent: 'maybe' } }),
  ],
  cut: verdictOf({ type: 'stream-break', problem: 'socket' }),
  tooSlow: verdictOf({ type: 'limit', limit: 'first-byte' }),
  deadline: verdictOf({ type: 'limit', limit: 'total' }),
};

const rateLimited = (retryAfterMs: number): Verdict =>
  verdictOf({
    type: 'response',
    status: 429,
    headers: { get: (name) => (name === 'retry-after' ? String(retryAfterMs / 1000) : null) },
    error: { type: 'rate_limit_error' },
  });

/** Time to the first content without a line, milliseconds: median 400, 99 % below 1.3 s. */
const firstContentMs = logNormal(400, 0.5);
/** Length of an answer, tokens: median 150, mean 190. */
const answerTokens = logNormal(150, 0.7);

export class Upstream {
  readonly #phases: readonly Phase[];
  readonly #random: Random;
  readonly #length: number;
  readonly #refusals: readonly Verdict[];
  readonly #fate: Fate = { verdict: null, at: 0, servedAt: 0, endsAt: 0, tokens: 0, missing: 0 };
  #phase = 0;
  /** Work in the line, in requests, as of `#at`. */
  #backlog = 0;
  #at = 0;

  /** `phases` begin at 0 and are in order. `length`: how many times as long answers are. */
  constructor(phases: readonly Phase[], random: Random, length = 1) {
    this.#phases = phases;
    this.#random = random;
    this.#length = length;
    this.#refusals = phases.map(({ refusal, retryAfterMs }) =>
      refusal === 'rate-limited' ? rateLimited(retryAfterMs) : verdicts.overloaded,
    );
  }

  /** Sends a request at `now`, which never goes back. `tokens`: how many are still to be written; 0 for an answer from the beginning. */
  send(now: number, tokens: number): Fate {
    this.#workUntil(now);
    const phase = this.#phases[this.#phase] as Phase;
    const random = this.#random;
    if (phase.faultShare > 0 && random() < phase.faultShare)
      return this.#fail(verdicts.faults[(random() * verdicts.faults.length) | 0] as Verdict, now);
    const servedAt = this.#finishOf(this.#backlog + 1);
    // Where there is no capacity no line forms, and nobody is there whom a refusal would cost anything.
    if (phase.capacity === 0) return this.#fail(this.#refusals[this.#phase] as Verdict, now);
    if (servedAt - now > phase.queueMs + 1000 / phase.capacity) {
      this.#backlog += refusalWork;
      return this.#fail(this.#refusals[this.#phase] as Verdict, now);
    }
    this.#backlog += 1;
    const fate = this.#fate;
    fate.verdict = null;
    fate.servedAt = servedAt;
    fate.at = servedAt + draw(firstContentMs, random) * phase.slowness;
    const wanted = tokens > 0 ? tokens : draw(answerTokens, random) * this.#length;
    fate.tokens = phase.cutShare > 0 && random() < phase.cutShare ? wanted * random() : wanted;
    fate.missing = wanted - fate.tokens;
    fate.endsAt = fate.at + fate.tokens * tokenMs;
    return fate;
  }

  #fail(verdict: Verdict, now: number): Fate {
    const fate = this.#fate;
    fate.verdict = verdict;
    fate.at = fate.servedAt = fate.endsAt = now + refusalMs;
    fate.tokens = 0;
    fate.missing = 0;
    return fate;
  }

  #workUntil(now: number): void {
    while (this.#phase + 1 < this.#phases.length && (this.#phases[this.#phase + 1] as Phase).fromMs <= now) {
      this.#work((this.#phases[this.#phase + 1] as Phase).fromMs);
      this.#phase += 1;
    }
    this.#work(now);
  }

  #work(until: number): void {
    const { capacity } = this.#phases[this.#phase] as Phase;
    this.#backlog = Math.max(0, this.#backlog - ((until - this.#at) * capacity) / 1000);
    this.#at = until;
  }

  /** When the line will have done `work`, given the capacities that are to come. */
  #finishOf(work: number): number {
    let at = this.#at;
    let left = work;
    for (let index = this.#phase; ; index += 1) {
      const { capacity } = this.#phases[index] as Phase;
      const until = this.#phases[index + 1]?.fromMs ?? Infinity;
      const done = capacity === 0 ? Infinity : at + (left * 1000) / capacity;
      if (done <= until || until === Infinity) return done;
      left -= ((until - at) * capacity) / 1000;
      at = until;
    }
  }
}

/** A thousand quantiles of a log-normal distribution: drawing one costs a table look-up. */
function logNormal(median: number, sigma: number): Float64Array {
  return Float64Array.from({ length: 1024 }, (_, index) => median * Math.exp(sigma * normalQuantile((index + 0.5) / 1024)));
}

const draw = (table: Float64Array, random: Random): number => table[(random() * table.length) | 0] as number;

/** The inverse of the normal distribution, by bisection of the logistic approximation of its tail: exact enough for a table. */
function normalQuantile(share: number): number {
  // https://en.wikipedia.org/wiki/Normal_distribution#Numerical_approximations_for_the_normal_CDF_and_normal_quantile_function
  const tail = Math.min(share, 1 - share);
  const t = Math.sqrt(-2 * Math.log(tail));
  const value = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
  return share < 0.5 ? -value : value;
}
