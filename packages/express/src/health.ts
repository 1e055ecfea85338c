// Health routes for load balancers, orchestrators and people.

import { healthReply, replyToNode, type HealthOptions, type HealthProbe } from '@holdfast/core/http';
import type { RequestHandler } from 'express';
import type { HoldfastExpress } from './middleware.ts';

const probes: Readonly<Record<string, HealthProbe>> = { '/live': 'live', '/ready': 'ready', '/status': 'status', '/': 'status' };

/**
 * Answers `/live` (always 200), `/ready` (503 while going down, or when no target can be asked) and `/status` below the
 * path it is mounted on. Mount it before `holdfastExpress`, so that probes are answered while the server closes:
 * `app.use('/health', health(claude))`.
 */
export function health(claude: HoldfastExpress<unknown>, options: Omit<HealthOptions, 'draining'> = {}): RequestHandler {
  return (request, response, next) => {
    const probe = Object.hasOwn(probes, request.path) ? probes[request.path] : undefined;
    if (!probe || (request.method !== 'GET' && request.method !== 'HEAD')) {
      next();
      return;
    }
    replyToNode(response, healthReply(probe, claude.hold, { ...options, draining: claude.drain.state !== 'serving' }));
  };
}
