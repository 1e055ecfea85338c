// Every policy on its own, for those who never install the middleware.

export { adapt, type AdaptInput, type Adapted } from './adapt.ts';
export { backoff, type Backoff, type BackoffInput, type BackoffJitter, type BackoffOptions } from './backoff.ts';
export { Breaker, type BreakerCaller, type BreakerStateName, type OnBreakerChange, type Permit, type Refusal } from './breaker.ts';
export { breakerPresets, type BreakerOptions, type BreakerSettings } from './breaker-options.ts';
export { CircuitBreaker, CircuitOpenError, type CircuitBreakerOptions } from '../engine/circuit-breaker.ts';
export { classify, type ClassifyContext } from './classify.ts';
export { connectionFacts } from './connection-facts.ts';
export { readErrorBody } from '../wire/error-body.ts';
export { fenceDenial, type Fence, type Place } from './fence.ts';
export { fitModel, type Fitted } from './fit-model.ts';
export { rungsFor, type LadderInput } from './ladder.ts';
export type { EndKind, Rung, SurfaceReason } from './endings.ts';
export { Samples } from './latency.ts';
export { limitsFor, type Limits, type LimitsInput } from './limits.ts';
export { modelFacts, type ModelFacts } from './models.ts';
export type { BadBody, ConnectionFacts, ErrorFacts, HeaderReader, Outcome, Sent, StreamBreak } from './outcome.ts';
export { Pace, paceOf, type SlowOptions } from './pace.ts';
export { RetryBudget, retryBudgetDefaults, type RetryBudgetOptions } from './retry-budget.ts';
export { rateLimits, refillHint, retryHint, shouldRetryHeader, type RateLimit, type RateLimits } from '../wire/retry-after.ts';
export { choose, type Candidate, type RouteChoice, type RouteInput } from './route.ts';
export { Journey, type JourneyFailure, type JourneyRules, type Look, type Step, type TargetView, type Trip } from './journey.ts';
export type { Asking, Observed, RouteChange, RouteState, RouteView } from './route-state.ts';
export { TargetState, type TargetReport, type TargetStateOptions } from './target-state.ts';
export { witness, type Testimony } from './witness.ts';
export { type TargetCapabilities, type TargetFacts, type TargetKind } from './target.ts';
export type { CountsAs, FailureKind, Retry, Scope, Verdict } from './verdict.ts';
