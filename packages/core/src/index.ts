// The public face of @holdfast/core.

export { holdfast, type HealthReport, type Holdfast, type HoldfastMiddleware, type ResumeClient } from './holdfast.ts';
export type { SettingsDescription, TargetDescription } from './describe.ts';
export { HoldfastConfigError, type ConfigProblem } from './config-error.ts';
export type {
  CallOptions,
  ComputeAnswer,
  DegradeReason,
  Fallback,
  CircuitOptions,
  HoldfastOptions,
  LimitOptions,
  RetryOptions,
  StreamOptions,
  Target,
  TargetClient,
  TargetOptions,
} from './options.ts';
export type { Explanation, PartialAnswer } from './explain.ts';
export type { AnswerCacheOptions, AnswerStore } from './engine/cache.ts';
export { CheckpointStoreError, memoryCheckpoints, type CheckpointStore, type MemoryCheckpointOptions } from './engine/checkpoint-store.ts';
export { fileCheckpoints, type FileCheckpointOptions } from './engine/file-checkpoints.ts';
export type { TargetReport } from './policy/target-state.ts';
export type { HoldfastEvent, Listener, RefusalReason } from './telemetry/events.ts';
export type { EndKind, SurfaceReason } from './policy/endings.ts';
export { ledgerTotal, type Ledger, type LedgerAttempt, type TokenCount } from './telemetry/ledger.ts';
export { logListener, type Logger, type LogShape } from './telemetry/log.ts';
export { instruments } from './telemetry/metrics.ts';
export { newId, backgroundClock, systemClock, type Clock, type Random } from './time.ts';
export { callOptions, type RequestOptionsWithHoldfast } from './call-options.ts';
