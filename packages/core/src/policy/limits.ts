// How long an attempt may take: until its headers, between two bytes, and in all.

export interface LimitsInput {
  readonly stream: boolean;
  /** `max_tokens` of the request, null if unknown. */
  readonly maxTokens: number | null;
  /** The SDK's own `timeout` for this call, milliseconds. Its timer must not fire inside our loop: it poisons the request's signal for good. */
  readonly sdkTimeoutMs: number;
  /** Milliseconds until the deadline; Infinity without one. */
  readonly remainingMs: number;
  /** Observed time to the first content, 99 % quantile, milliseconds; undefined if unknown or not to be used. */
  readonly observedFirstContentMs: number | undefined;
  /** Observed time per output token of whole answers, 90 % quantile, milliseconds. */
  readonly observedTokenMs: number | undefined;
  /** Set by the user, milliseconds. */
  readonly firstByteMs: number | undefined;
  readonly idleMs: number | undefined;
  /** The upstream is reached through a cloud platform. */
  readonly cloud: boolean;
}

export interface Limits {
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

/** Our limit must end an attempt before the SDK's timer does. */
const ofSdkTimeout = 0.9;
/** Headers of a stream come early; Anthropic's own clients wait one to two minutes for them. */
const streamHeaders = { usual: 90_000, least: 10_000, most: 120_000 };
/** A whole answer: half a minute and a slow 20 tokens a second, until something better is known. */
const wholeAnswer = { startMs: 30_000, tokenMs: 50, least: 60_000 };
/** https://code.claude.com/docs/en/network-config: 180 s of silence directly, 300 s through other platforms. */
const silence = { direct: 180_000, cloud: 300_000 };

/** The limits of one attempt, from what was asked, what was observed and what is left of the deadline. */
export function limitsFor(input: LimitsInput): Limits {
  const ceilingMs = input.sdkTimeoutMs * ofSdkTimeout;
  const wanted = input.firstByteMs ?? (input.stream ? streamHeadersMs(input) : wholeAnswerMs(input));
  return {
    firstByteMs: Math.max(1, Math.min(wanted, ceilingMs)),
    idleMs: input.idleMs ?? (input.cloud ? silence.cloud : silence.direct),
    totalMs: input.remainingMs,
  };
}

function streamHeadersMs({ observedFirstContentMs }: LimitsInput): number {
  if (observedFirstContentMs === undefined) return streamHeaders.usual;
  return clamp(observedFirstContentMs * 4, streamHeaders.least, streamHeaders.most);
}

/** The headers of a whole answer come when it is written. */
function wholeAnswerMs({ maxTokens, observedTokenMs }: LimitsInput): number {
  const tokenMs = observedTokenMs === undefined ? wholeAnswer.tokenMs : clamp(observedTokenMs * 2, 5, 200);
  return Math.max(wholeAnswer.least, wholeAnswer.startMs + (maxTokens ?? 4096) * tokenMs);
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
