// Whether this process lives, may be sent traffic, and answers in full.

/** What Holdfast's controls, or anything else that knows its state, tell about themselves. */
export interface HealthSource {
  /** `degraded`: answers, though by a fallback or with a circuit open. `down`: no target may be asked. Further members are details. */
  health(): { readonly status: HealthStatus };
}

export type HealthStatus = 'ok' | 'degraded' | 'down';

/** One source, or several by name. */
export type HealthSources = HealthSource | Readonly<Record<string, HealthSource>>;

/**
 * `live`: restart me if this fails; it never does while the process can answer. `ready`: send me traffic.
 * `status`: for people and dashboards; same judgement as `ready`.
 */
export type HealthProbe = 'live' | 'ready' | 'status';

export interface HealthReply {
  readonly status: 200 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly status: HealthStatus | 'draining';
    /** The state of each named source. */
    readonly claude?: Readonly<Record<string, HealthStatus>>;
    /** Only with `details`. */
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

export interface HealthOptions {
  /** The server is going down: not ready, whatever the sources say. Default: false. */
  readonly draining?: boolean | undefined;
  /** Shows what the sources tell about targets and circuits. For internal ports. Default: false. */
  readonly details?: boolean | undefined;
}

/**
 * The reply to a health probe. An upstream that is down makes the process not ready only when every source is down, and
 * never makes it dead: restarting it would not help. Degraded is 200, because traffic is still served.
 */
export function healthReply(probe: HealthProbe, sources: HealthSources, options: HealthOptions = {}): HealthReply {
  if (probe === 'live') return reply(200, { status: 'ok' });
  const named: Readonly<Record<string, HealthSource>> = isSource(sources) ? { default: sources } : sources;
  const states = Object.entries(named).map(([name, source]) => [name, ask(source)] as const);
  const status = options.draining ? 'draining' : worst(states.map(([, state]) => state.status));
  return reply(status === 'ok' || status === 'degraded' ? 200 : 503, {
    status,
    claude: Object.fromEntries(states.map(([name, state]) => [name, state.status])),
    ...(options.details ? { details: Object.fromEntries(states) } : {}),
  });
}

function reply(status: 200 | 503, body: HealthReply['body']): HealthReply {
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' }, body };
}

/** A source that cannot tell its state is no proof that nothing can be served, and must not fail the probe. */
function ask(source: HealthSource): ReturnType<HealthSource['health']> {
  try {
    return source.health();
  } catch {
    return { status: 'degraded' };
  }
}

function worst(states: readonly HealthStatus[]): HealthStatus {
  if (states.length > 0 && states.every((state) => state === 'down')) return 'down';
  return states.every((state) => state === 'ok') ? 'ok' : 'degraded';
}

function isSource(sources: HealthSources): sources is HealthSource {
  return typeof (sources as Partial<HealthSource>).health === 'function';
}
