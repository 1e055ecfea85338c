// The public face of @holdfast/nestjs.

export { HoldfastApp } from './app.ts';
export { claudeEvents } from './events.ts';
export { HoldfastExceptionFilter } from './exception-filter.ts';
export { HoldfastHealth, type HoldfastIndicatorResult } from './health.ts';
export { HoldfastInterceptor } from './interceptor.ts';
export { HoldfastModule } from './module.ts';
export type {
  HoldfastAppOptions,
  HoldfastAsyncOptions,
  HoldfastFilterOptions,
  HoldfastModuleOptions,
  HoldfastOptionsFactory,
  HoldfastRegistration,
} from './options.ts';
export { claudeResponse, sendStream } from './streams.ts';
export { getClaudeToken, getHoldfastToken, InjectClaude, InjectHoldfast } from './tokens.ts';
