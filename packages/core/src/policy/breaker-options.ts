// What users may set about a circuit, and the named sets.

export interface BreakerOptions {
  /**
   * Share of failures that is too much, 0 to 1. A failure spends one credit, a success earns what makes this share break
   * even; without credit the circuit opens. 1: failures open it by run alone. Default 0.5.
   */
  readonly failureRate?: number | undefined;
  /** The credit of a quiet client: it opens when so many more calls failed than `failureRate` allows. Default 5. */
  readonly minimumFailures?: number | undefined;
  /** The credit of a busy one is this time's worth of its calls, if that is more, milliseconds. Default 2000. */
  readonly evidenceMs?: number | undefined;
  /** How far back calls are counted to tell a busy client from a quiet one, milliseconds. Default 10000. */
  readonly windowMs?: number | undefined;
  /** Opens after so many failures in a row, whatever the rate. Default Infinity: not by their number alone. */
  readonly consecutiveFailures?: number | undefined;
  /** Opens after so many failures in a row, default 3, … */
  readonly sustainedFailures?: number | undefined;
  /** … if nothing has answered from the first of them on for this long, milliseconds. Default 2000. */
  readonly sustainedMs?: number | undefined;
  /** How long it stays open at least, milliseconds; doubles while probes fail. Default 1500. */
  readonly openMs?: number | undefined;
  /**
   * How long it stays open at most, milliseconds: for as long as nothing has answered, up to this. Default 6800: longer
   * protects less than it costs (`docs/decisions`).
   */
  readonly maxOpenMs?: number | undefined;
  /** It stays open no longer than so many calls usually take to come: the probes of a busy client weigh nothing. Default 8. */
  readonly callsPerProbe?: number | undefined;
  /** Share by which the open time is shortened at random, 0 to 1, so that clients do not probe together. Default 0.2. */
  readonly jitter?: number | undefined;
  /** Probes under way at a time while half-open. Default 1. */
  readonly probes?: number | undefined;
  /** Successful probes that close it. Default 3. */
  readonly successes?: number | undefined;
  /** A probe that has not reported after this time no longer holds its place, milliseconds; its answer still counts. Default 60000. */
  readonly leaseMs?: number | undefined;
  /** After closing, traffic grows from a quarter to all over this time, milliseconds. Default 1000. */
  readonly rampMs?: number | undefined;
}

/** Breaker options with nothing left open. */
export type BreakerSettings = { readonly [name in keyof BreakerOptions]-?: NonNullable<BreakerOptions[name]> };

const never = Infinity;

/** Named sets of options. */
export const breakerPresets: { readonly default: BreakerSettings; readonly classic: BreakerSettings } = {
  default: {
    failureRate: 0.5,
    minimumFailures: 5,
    evidenceMs: 2_000,
    windowMs: 10_000,
    consecutiveFailures: never,
    sustainedFailures: 3,
    sustainedMs: 2_000,
    openMs: 1_500,
    maxOpenMs: 6_800,
    callsPerProbe: 8,
    jitter: 0.2,
    probes: 1,
    successes: 3,
    leaseMs: 60_000,
    rampMs: 1_000,
  },
  /** The breaker of the textbooks: 5 failures in a row, 60 s, 2 successes. */
  classic: {
    failureRate: 1,
    minimumFailures: never,
    evidenceMs: 0,
    windowMs: 10_000,
    consecutiveFailures: 5,
    sustainedFailures: never,
    sustainedMs: never,
    openMs: 60_000,
    maxOpenMs: 60_000,
    callsPerProbe: never,
    jitter: 0,
    probes: 1,
    successes: 2,
    leaseMs: 60_000,
    rampMs: 0,
  },
};
