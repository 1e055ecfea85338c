// What a row of the table is made of: plain data, and small functions for what data cannot say.

import type Anthropic from '@anthropic-ai/sdk';
import type { ClientOptions } from '@anthropic-ai/sdk';
import type { Holdfast, HoldfastOptions } from '@holdfast/core';
import type { Rule } from './judge.ts';
import type { Observation } from './observation.ts';
import type { Seen, Upstream } from './upstream.ts';

export type Side = 'bare' | 'held';

/** How a program asks: `messages.create`, the raw events of a stream, or the SDK's stream helper. */
export type Surface = 'create' | 'stream' | 'helper';

/** Everything a row may use while it runs. Both sides get one of their own. */
export interface World {
  readonly side: Side;
  readonly surface: Surface;
  readonly upstream: Upstream;
  /** The client under test: bare, or with Holdfast. */
  readonly client: Anthropic;
  /** Another client of the same program, with the same Holdfast: another key, another timeout. */
  another(options: ClientOptions): Anthropic;
  /** Null on the bare side. */
  readonly hold: Holdfast | null;
  /** Ends what the row began, when the row is over. */
  readonly closes: (() => unknown)[];
  readonly signal: AbortSignal;
  /** Further options of the request. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export type Call = (world: World) => Promise<unknown>;

export interface Situation {
  readonly name: string;
  /** Default: `create` and `stream`. */
  readonly surfaces?: readonly Surface[];
  /** A server of its own for each side and surface. */
  readonly upstream: () => Upstream | Promise<Upstream>;
  /** Options of the SDK's client, the same for both sides. */
  readonly sdk?: ClientOptions | ((world: Pick<World, 'closes'>) => ClientOptions);
  /** Options of Holdfast: only where the situation is about one. */
  readonly hold?: HoldfastOptions | ((world: Pick<World, 'closes'>) => HoldfastOptions | Promise<HoldfastOptions>);
  /**
   * How much faster Holdfast's clock runs: its defaults stay what they are, and nobody waits for them. 1: real time, for rows
   * about the SDK's own time limits. Default 20.
   */
  readonly speed?: number;
  /** Milliseconds after which a call counts as hung. Default 8000. */
  readonly patienceMs?: number;
  /** Fields added to the request. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** What happens before the judged call. What it throws is nobody's business. */
  readonly before?: Call;
  /** Which requests are counted. Default: all from when the judged call began. */
  readonly counts?: (seen: Pick<Seen, 'path' | 'body'>) => boolean;
  /** Makes the judged call itself. Default: by surface. Returns a message. */
  readonly call?: Call;
  readonly rule?: Rule;
}

/** A row that observes something else than one call of a client: a framework's reply, a process. */
export interface Observed {
  readonly name: string;
  readonly surfaces?: readonly Surface[];
  readonly observe: (side: Side, surface: Surface, closes: (() => unknown)[]) => Promise<Partial<Observation>>;
  readonly patienceMs?: number;
  readonly rule?: Rule;
}

export interface Subject {
  readonly title: string;
  readonly situations: readonly (Situation | Observed)[];
}

export const isObserved = (row: Situation | Observed): row is Observed => 'observe' in row;
