// What users may set, with the defaults in one place, and the check that reports every mistake at once.

import type { Anthropic } from '@anthropic-ai/sdk';
import type { BackoffJitter } from './policy/backoff.ts';
import type { BreakerOptions } from './policy/breaker-options.ts';
import type { RetryBudgetOptions } from './policy/retry-budget.ts';
import type { Fence } from './policy/fence.ts';
import type { Rung } from './policy/endings.ts';
import type { SlowOptions } from './policy/pace.ts';
import type { TargetCapabilities } from './policy/target.ts';
import type { AnswerCacheOptions } from './engine/cache.ts';
import type { CheckpointStore } from './engine/checkpoint-store.ts';
import type { Listener } from './telemetry/events.ts';
import type { Logger } from './telemetry/log.ts';
import type { Clock, Random } from './time.ts';

/** An SDK client, of any platform package. Only its `request` method is used. */
export interface TargetClient {
  request(options: never): { asResponse(): Promise<Response> };
}

/** Facts about a place that answers, which decide when it may be asked. */
export interface TargetOptions {
  /** Its name in events, logs and metrics. Default for the client that carries the middleware: `'primary'`. */
  readonly name?: string;
  /** Where inference runs, in your own words, for the fence. Default: unknown, which a geo fence refuses. */
  readonly geo?: string;
  /** Who processes the data, for the fence. Default: derived from the kind of client (`anthropic`, `aws`, `google`, `microsoft`). */
  readonly processor?: string;
  /** Its share under `route: 'weighted'`. Default 1. */
  readonly weight?: number;
  /** Model ids here, by the id used in requests; `null` when the target does not offer the model. Default: unchanged. */
  readonly models?: Readonly<Record<string, string | null>> | ((model: string) => string | null);
  /** What this target can do where it differs from its kind. Default: as its kind. */
  readonly capabilities?: Partial<TargetCapabilities>;
}

/** A further place to ask: an SDK client with its own credentials. */
export interface Target extends TargetOptions {
  /** Its name in events, logs and metrics. Required. */
  readonly name: string;
  /** An SDK client with its own credentials. Required. */
  readonly client: TargetClient;
}

export interface RetryOptions {
  /** Requests for one call, the first included, while only one target may answer. Default 4, at most 10. */
  readonly attempts?: number;
  /** Shape of the delays. Default `'decorrelated'`, which measured best (`docs/decisions`). */
  readonly jitter?: BackoffJitter;
  /** Shortest delay, milliseconds. Default 500, as in the SDK. */
  readonly baseMs?: number;
  /** Shortest delay after 429 and 529, milliseconds. Default 1000. */
  readonly throttledBaseMs?: number;
  /** Longest delay of our own choosing, milliseconds. Default 8000, as in the SDK. */
  readonly capMs?: number;
  /** A longer `retry-after` is not slept: the call goes elsewhere or is answered at once. Milliseconds, default 60000. */
  readonly maxRetryAfterMs?: number;
}

export interface CircuitOptions extends BreakerOptions {
  /**
   * A call that finds the circuit open waits for it at most this long, milliseconds, if nothing else can answer it: no other
   * target, no fallback. 0: it fails at once. Default 5000.
   */
  readonly waitMs?: number | undefined;
}

export interface LimitOptions {
  /** Time for one logical call over all attempts, waits and resumes, milliseconds. Default: none, only the limits below. */
  readonly deadlineMs?: number;
  /** Time until an attempt's response headers, milliseconds. Default: from `max_tokens` and observed latency, below the SDK's own `timeout`. */
  readonly firstByteMs?: number;
  /** Time without a byte after which a stream is stalled, milliseconds. 0: never. Default 180000 (Anthropic's own clients), 300000 on clouds. */
  readonly idleMs?: number;
  /** Learn the limits from observed latency, within bounds. Default true. */
  readonly adaptive?: boolean;
  /** Send long non-streaming calls as streams and assemble the message, so that they outlive the platform's 300 s and can heal. Default false. */
  readonly streamLongCalls?: boolean;
}

export interface StreamOptions {
  /**
   * Continue a broken stream inside the stream. Default true. False: a stream is retried until its first content and then handed
   * on byte for byte; a break reaches the caller as an error.
   */
  readonly heal?: boolean;
  /** Continuation requests for one answer. Default 2, at most 5. */
  readonly resumes?: number;
  /** When tool calls reach the reader: with the whole `message`, each `block` when complete, or `live` as written. Default `message`. */
  readonly tools?: 'message' | 'block' | 'live';
  /** `auto`: thinking that nobody asked to see waits for its signature. `surface`: never begin anew after thinking was shown. Default `auto`. */
  readonly thinking?: 'auto' | 'surface';
  /** `hold`: keep structured output back until it is whole, so that a break can begin anew. Default `surface`. */
  readonly structuredOutput?: 'surface' | 'hold';
  /** How sure the seam must be before a continuation goes on. Default `strict`. */
  readonly seam?: 'strict' | 'lenient';
  /** Where unfinished answers are kept for another process. Default: nowhere. */
  readonly checkpoints?: CheckpointStore;
  /** Time between checkpoints of a running stream, milliseconds. Default 2000. Every break writes one too. */
  readonly checkpointEveryMs?: number;
  /** A checkpoint nobody came for is none after this time, milliseconds: the store is told to forget it. Default 86400000, a day. */
  readonly checkpointTtlMs?: number;
}

/** A message as the SDK types it. */
export type Message = Anthropic.Message;

export interface Fallback {
  /** A model id. Required. */
  readonly model: string;
  /**
   * Whether its answer is good enough to be given. It may take up to 30 s, within the deadline; to throw, to reject, or to take
   * longer is a no. Default: always. Not asked for streams.
   */
  readonly accept?: (message: Message) => boolean | Promise<boolean>;
}

/** Why an answer is needed from below the first rung. */
export interface DegradeReason {
  readonly kind: string;
  readonly reason: string;
  readonly callId: string;
}

/**
 * Computes an answer when nothing else can give one, in up to 30 s. Return null to let the call fail; what is no message, or is
 * no JSON, lets it fail too.
 */
export type ComputeAnswer = (request: Readonly<Record<string, unknown>>, why: DegradeReason) => Message | null | Promise<Message | null>;

export interface HoldfastOptions {
  /** What is known of the client that carries the middleware: the first target. Default: nothing. */
  readonly primary?: TargetOptions;
  /** Further targets, in order of preference. Default: none. */
  readonly targets?: readonly Target[];
  /** `ordered`: the first healthy one. `weighted`: spread by weight. Default `ordered`. */
  readonly route?: 'ordered' | 'weighted';
  /** Passing over targets that answer slowly by their own standards while others do not. `false`: time plays no part in routing. Default: on. */
  readonly slow?: SlowOptions | false;
  /** Where requests may go at all. Default: anywhere configured. */
  readonly fence?: Fence;
  /** Repetition. `false`: one request per target. Default: on. */
  readonly retry?: RetryOptions | false;
  /** The retry budget shared by all calls. `false`: none. Default: on. */
  readonly budget?: RetryBudgetOptions | false;
  /** The circuit breaker per target and model. `classic`: 5 failures, 60 s, 2 successes, and nobody waits. `false`: none. Default `default`. */
  readonly breaker?: 'default' | 'classic' | CircuitOptions | false;
  /** Time limits. */
  readonly limits?: LimitOptions;
  /** Streaming. `false`: as `heal: false`. Default: on. */
  readonly streams?: StreamOptions | false;
  /** Models to fall back to, in order. Default: none. */
  readonly fallbacks?: readonly (string | Fallback)[];
  /** Answers from before, when nobody answers now. Default: none. */
  readonly cache?: AnswerCacheOptions;
  /** The last rung. Default: none. */
  readonly answer?: ComputeAnswer;
  /** The lowest rung a call may be answered from. Default: every rung that is configured. */
  readonly degrade?: Rung | 'never';
  /** Ask ill targets, the first one apart, whether they are well again, every so many milliseconds. 0: never. Default 0. */
  readonly probeEveryMs?: number;
  /** One line per attempt and per call. Pass `console` or a pino logger. Default: none. */
  readonly logger?: Logger;
  /** Hears every event. Default: nobody. */
  readonly on?: Listener;
  /** Time, for tests and simulations. Default: the machine's. */
  readonly clock?: Clock;
  /** Chance, for tests and simulations. Default: the machine's. */
  readonly random?: Random;
}

/** Options of one call: `client.messages.create(body, { holdfast: { … } })`. */
export interface CallOptions {
  /** `false`: this call is left to the SDK alone. Default true. */
  readonly enabled?: boolean;
  /**
   * Your id for the logical call: in events, logs and the ledger, and the name of its checkpoint. Default: that of the scope, else a new
   * one. The scope's, which a client may have chosen, names no checkpoint.
   */
  readonly requestId?: string;
  /** Whose call it is. Cached answers and checkpoints are never shared between tenants. Default: nobody's. */
  readonly tenant?: string;
  /**
   * Whose key or token this call is made with. What becomes of a `caller`'s concerns nobody else: it opens no circuit, throttles
   * and locks out nothing for others, and its call is never answered at your expense: by another target, the cache or `answer`.
   * Default: `caller` when headers of this request bring a key or token, else `operator`.
   */
  readonly credential?: 'operator' | 'caller';
  /** Milliseconds from now for all attempts of this call. A scope's deadline holds if it is earlier. Default: the instance's. */
  readonly deadlineMs?: number;
  /**
   * Requests for this call while one target may answer. 1: ask once, and after that no other target, no fallback model and no
   * continuation: for calls that must not be billed twice. Default: the instance's.
   */
  readonly attempts?: number;
  /**
   * Calls with the same key go to the same target among equals, so that its prompt cache serves them: a conversation's id, at
   * most 2,048 characters count. Default: the beginning of the request, if it marks anything for the cache.
   */
  readonly stickyKey?: string;
  /** Narrows the fence of the instance. Default: no narrower. */
  readonly fence?: Fence;
  /** Narrows the degradation of the instance. Default: no narrower. */
  readonly degrade?: Rung | 'never';
  /** Overrides for this stream. Default: the instance's. */
  readonly streams?: Pick<StreamOptions, 'heal' | 'resumes' | 'tools' | 'thinking' | 'structuredOutput' | 'seam'> | false;
}
