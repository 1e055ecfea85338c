// The public face of `@holdfast/core/http`: what an adapter for a web framework needs, and nothing else.

export { anthropicError, type AnthropicErrorBody, type AnthropicErrorOptions, type AnthropicReply } from './anthropic-error.ts';
export { isClaudeError } from './failure.ts';
export { healthReply, type HealthOptions, type HealthProbe, type HealthReply, type HealthSource, type HealthSources, type HealthStatus } from './health.ts';
export type { ProblemKind } from './kinds.ts';
export { problem, problemOfKind, type Problem, type ProblemBody, type ProblemOptions, type ProblemOverride } from './problem.ts';
export { currentScope, runInScope, type Scope, type ScopeOptions } from './scope.ts';
