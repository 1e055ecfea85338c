// Takes an Express server down without cutting answers off.

import {
  gracefulShutdown as shutDown,
  type ClosableServer,
  type GracefulShutdown,
  type GracefulShutdownOptions,
} from '@holdfast/core/http';
import type { HoldfastExpress } from './middleware.ts';

/**
 * On SIGTERM and SIGINT: not ready, then closed to new requests, then running streams end with an error the reader can see.
 *
 * @param server what `app.listen` returned
 */
export function gracefulShutdown(
  server: ClosableServer,
  claude: HoldfastExpress<unknown>,
  options: Omit<GracefulShutdownOptions, 'drain'> = {},
): GracefulShutdown {
  return shutDown(server, { ...options, drain: claude.drain });
}
