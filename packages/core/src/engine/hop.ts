// One attempt's way: a target, the circuit's permission, its limits, and what is reported back when it ends.

import { limitsFor } from '../policy/limits.ts';
import type { Permit } from '../policy/breaker.ts';
import type { Observed } from '../policy/route-state.ts';
import { isCloud } from '../policy/target.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { Settings } from '../settings.ts';
import type { Plan } from './router.ts';

export interface Hop {
  readonly target: string;
  /** The model as the target names it. */
  readonly model: string | null;
  readonly why: string;
  /** What the target's own request had to leave out. */
  readonly leftOut: readonly string[];
  /** The request differs from the caller's by our adaptation: its refusal may be our fault. */
  readonly adapted: boolean;
  readonly isPrimary: boolean;
  /** Milliseconds. */
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
  /** A stream began to answer. `settle` follows when it ends. */
  answering(observed: Observed): void;
  /** Settles the circuit, health and hints, once. */
  settle(verdict: Verdict, observed?: Observed): void;
}

export interface HopInput {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly permit: Permit | null;
  readonly why: string;
  readonly call: {
    readonly route: 'messages' | 'count_tokens' | 'other';
    readonly stream: boolean;
    readonly model: string | null;
    readonly deadlineAt: number;
    readonly options: { readonly timeout?: number | undefined };
  };
  /** Another model was asked for than the caller named. */
  readonly otherModel: boolean;
  /** Whether somebody else can answer if this target does not. */
  readonly elsewhere: () => boolean;
  /** The longest limit that an attempt of this call has passed, milliseconds. */
  readonly passedMs: number;
  readonly startedAt: number;
}

export function openHop({ settings, plan, permit, why, call, otherModel, elsewhere, passedMs, startedAt }: HopInput): Hop {
  const { options, clock, random } = settings;
  const { facts, client, adapted, state, asking } = plan;
  const limits = limitsFor({
    route: call.route,
    stream: call.stream,
    sdkTimeoutMs: call.options.timeout,
    elsewhere,
    remainingMs: call.deadlineAt - startedAt,
    observed: options.limits?.adaptive === false || call.route === 'other' ? undefined : state.samples(asking),
    passedMs,
    firstByteMs: options.limits?.firstByteMs,
    idleMs: options.limits?.idleMs,
    cloud: isCloud(facts.kind),
  });
  /** What the beginning of a stream earned its circuit. */
  let earned: number | null = null;
  let settled = false;
  return {
    target: facts.name,
    model: adapted?.model ?? call.model,
    why,
    leftOut: adapted?.dropped ?? [],
    adapted: adapted !== null && (client !== null || otherModel),
    isPrimary: client === null,
    ...limits,
    answering(observed) {
      if (earned === null && !settled) earned = state.answering(asking, permit, observed, clock.now());
    },
    settle(verdict, observed) {
      if (settled) return;
      settled = true;
      const now = clock.now();
      state.settle(asking, verdict, { permit, earned, tookMs: now - startedAt, observed }, now, random);
    },
  };
}
