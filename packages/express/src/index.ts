// The public face of `@holdfast/express`.

export { getHoldfast, type HoldfastContext } from './context.ts';
export { errorHandler, type ErrorHandlerOptions } from './error-handler.ts';
export { health } from './health.ts';
export { messagesProxy } from './messages-proxy.ts';
export { holdfastExpress, type HoldfastExpress, type HoldfastExpressOptions } from './middleware.ts';
export { sendStream } from './send-stream.ts';
export { gracefulShutdown } from './shutdown.ts';
