// Structured logs for the sample apps: one JSON line each, with pino.

import { pino, type Logger } from 'pino';

/** `LOG_LEVEL` decides how much is said; default `info`. */
export const logger: Logger = pino({ level: process.env['LOG_LEVEL'] ?? 'info' });
