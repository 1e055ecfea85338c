// The public face of `@holdfast/core/http`: what an adapter for a web framework needs, and nothing else.

export { quietly } from '../telemetry/quietly.ts';
export { anthropicError, type AnthropicErrorBody, type AnthropicErrorOptions, type AnthropicReply } from './anthropic-error.ts';
export type { BeforeCall, ProxiedCall, ProxyDecision, ProxyRefusal } from './before-call.ts';
export { createDrain, type Drain, type DrainState } from './drain.ts';
export { isClaudeError } from '../wire/sdk-error.ts';
export { gracefulShutdown, type ClosableServer, type GracefulShutdown, type GracefulShutdownOptions } from './graceful-shutdown.ts';
export {
  healthReply,
  type HealthOptions,
  type HealthProbe,
  type HealthReply,
  type HealthSource,
  type HealthSources,
  type HealthStatus,
} from './health.ts';
export type { ProblemKind } from '../policy/endings.ts';
export { proxyMessages, refusedBody } from './messages-proxy.ts';
export { clientSignal, nodeScope, type NodeScopeOptions } from './node-scope.ts';
export {
  problem,
  problemOfCall,
  problemOfKind,
  type Problem,
  type ProblemBody,
  type ProblemOptions,
  type ProblemOverride,
} from './problem.ts';
export type { MessagesProxyOptions, ProxyCallOptions, ProxyClient } from './proxy-options.ts';
export type { RelayOutcome } from './pump.ts';
export type { RelayFormatName } from './relay-format.ts';
export type { ParsedRequest } from './read-json.ts';
export { relayToNode, type NodeResponse } from './relay-node.ts';
export type { RelayEvent, RelaySource } from './relay-source.ts';
export { relay, type RelayOptions, type RelayResult } from './relay.ts';
export { replyToNode, toResponse, type Reply } from './reply.ts';
export { currentScope, runInScope, type Scope, type ScopeOptions } from './scope.ts';
