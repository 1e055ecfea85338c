// How long an attempt may take: until its headers, between two bytes, and in all. A healthy slow answer is not cut.

import type { Samples } from './latency.ts';

export interface LimitsInput {
  /** `other` routes get the caller's timeout and nothing else. */
  readonly route: 'messages' | 'count_tokens' | 'other';
  readonly stream: boolean;
  /** The SDK's `timeout` for this call, milliseconds; undefined: its default. */
  readonly sdkTimeoutMs: number | undefined;
  /** Whether somebody else can answer if this target does not in time. Asked only where it matters. */
  readonly elsewhere: () => boolean;
  /** Milliseconds until the deadline; Infinity without one. */
  readonly remainingMs: number;
  /** How long requests like this one took lately; undefined: not to be used. */
  readonly observed: Samples | undefined;
  /** The longest limit that an attempt of this call has passed already, milliseconds; 0: none. */
  readonly passedMs: number;
  /** Set by the user, milliseconds. */
  readonly firstByteMs: number | undefined;
  readonly idleMs: number | undefined;
  /** The upstream is reached through a cloud platform. */
  readonly cloud: boolean;
}

export interface Limits {
  /** Infinity: the SDK's own timer, or the deadline, is all there is. */
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

/** What the SDK takes for `timeout` where nobody gives one. Any other value is the caller's own, and is respected. */
export const sdkDefaultTimeoutMs = 600_000;
/** With somebody else to ask, our limit must end an attempt before the SDK's timer does: that one ends the whole call. */
const ofSdkTimeout = 0.9;
/** https://code.claude.com/docs/en/network-config: after 180 s of silence directly, 300 s through other platforms, nothing will come. */
const silence = { direct: 180_000, cloud: 300_000 };
/** No limit that was learned is shorter. */
const least = { stream: 30_000, whole: 60_000 };

/** The limits of one attempt, from what was asked, what was observed and what is left of the deadline. */
export function limitsFor(input: LimitsInput): Limits {
  const { sdkTimeoutMs = sdkDefaultTimeoutMs, elsewhere } = input;
  const wantedMs = input.route === 'other' ? Infinity : (input.firstByteMs ?? ownLimitMs(input));
  const ceilingMs = sdkTimeoutMs * ofSdkTimeout;
  return {
    firstByteMs: Math.max(1, wantedMs > ceilingMs && elsewhere() ? ceilingMs : wantedMs),
    idleMs: input.route === 'other' ? 0 : (input.idleMs ?? silenceMs(input)),
    totalMs: input.remainingMs,
  };
}

/** How long a silence is waited out where the user has set nothing, milliseconds. */
export const silenceMs = ({ cloud }: Pick<LimitsInput, 'cloud'>): number => (cloud ? silence.cloud : silence.direct);

/** Where the user has set none. Who was cut once gets twice the time: the second answer may be as slow as the first. */
function ownLimitMs(input: LimitsInput): number {
  const { stream, sdkTimeoutMs = sdkDefaultTimeoutMs, observed, passedMs } = input;
  if (sdkTimeoutMs !== sdkDefaultTimeoutMs) return Infinity;
  const mostMs = stream ? silenceMs(input) : Infinity;
  const tailMs = observed && rarestMs(observed);
  const limitMs = tailMs === undefined ? mostMs : Math.min(mostMs, Math.max(stream ? least.stream : least.whole, tailMs));
  return Math.max(limitMs, 2 * passedMs);
}

/** Fewer answers say nothing about so rare a one. */
const enoughAnswers = 64;
/** How many standard deviations the slowest of 64 lies above the median at least, almost always, and the slowest of 10,000. */
const deviations = { ofSlowest: 1.4, ofRarest: 3.72 };

/**
 * A time that fewer than one in 10,000 healthy answers exceed: the spread between the median and the slowest answer that was
 * seen, carried on as far as a log-normal tail goes, and twice that. Undefined until enough answers are known.
 */
export function rarestMs(observed: Samples): number | undefined {
  if (observed.count < enoughAnswers) return undefined;
  const median = observed.quantile(0.5);
  const slowest = observed.quantile(1);
  if (median === undefined || slowest === undefined) return undefined;
  const spread = Math.max(slowest, 1) / Math.max(median, 1);
  return 2 * Math.max(median, 1) * spread ** (deviations.ofRarest / deviations.ofSlowest);
}
