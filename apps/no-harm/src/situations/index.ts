// Every subject of the table, in the order in which it is printed.

import type { Subject } from '../situation.ts';
import { adapters } from './adapters.ts';
import { callbacks } from './callbacks.ts';
import { clocks } from './clocks.ts';
import { credentials } from './credentials.ts';
import { faultsByName } from './faults.ts';
import { fetchImplementations } from './fetch-implementations.ts';
import { histories } from './history.ts';
import { jsonBodies } from './json-bodies.ts';
import { neighbours } from './neighbours.ts';
import { oddStreams } from './odd-streams.ts';
import { otherRoutes } from './other-routes.ts';
import { processes } from './processes.ts';
import { recoveries } from './recoveries.ts';
import { retryAfter } from './retry-after.ts';
import { sseSpelling } from './sse-spelling.ts';
import { statuses } from './status.ts';
import { streamCuts } from './stream-cuts.ts';
import { timeouts } from './timeouts.ts';

export const subjects: readonly Subject[] = [
  faultsByName,
  statuses,
  retryAfter,
  streamCuts,
  sseSpelling,
  oddStreams,
  jsonBodies,
  timeouts,
  otherRoutes,
  neighbours,
  credentials,
  histories,
  callbacks,
  clocks,
  fetchImplementations,
  recoveries,
  adapters,
  processes,
];
