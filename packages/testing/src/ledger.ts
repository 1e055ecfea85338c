// What the fake server saw and billed, for assertions.

import type { Fault } from './faults.ts';
import type { Reported } from './reported.ts';
import type { Usage } from './wire.ts';

export interface RequestRecord {
  readonly number: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** Names the server, when several stand for several regions. */
  readonly target: string;
  /** The credential used, and the header that carried it. */
  readonly key: string | null;
  readonly keyHeader: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string | null;
  readonly stream: boolean;
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly fault: Fault | null;
  /** How the request continues an interrupted answer, if it does. */
  readonly continues: 'prefill' | 'user-turn' | null;
  status: number | null;
  /** What this request costs: what was generated, whether it arrived or not. Null for a refusal. */
  billed: Usage | null;
  /** What its bytes so far told about that, as far as a reader could take it in. */
  readonly reported: Reported | null;
  bytesSent: number;
  /** The client went away before the answer was whole. */
  clientLeft: boolean;
  finishedAt: number | null;
}
