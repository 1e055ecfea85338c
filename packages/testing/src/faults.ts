// What can be made to go wrong, as plain data: scripts, control endpoints and command lines can all say it.

export interface Fault {
  /** Refuse with this status instead of answering. */
  readonly status?: number;
  readonly errorType?: string;
  readonly errorCode?: string;
  readonly message?: string;
  /** Headers added to the reply. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body of the reply, instead of what would be sent. */
  readonly body?: 'empty' | 'html' | 'error-envelope' | 'truncated' | 'pings';
  /** No reply: the connection is reset before or within the headers, or nothing is ever sent. */
  readonly connection?: 'reset' | 'reset-in-headers' | 'stall';
  /** End the body here. Counted in bytes, in events, or in characters of the answer. */
  readonly cut?: {
    readonly afterBytes?: number;
    readonly afterEvents?: number;
    readonly afterText?: number;
    readonly how: 'reset' | 'end' | 'stall';
  };
  /** An `error` event inside the stream, after so many events. */
  readonly streamError?: { readonly type: string; readonly message?: string; readonly afterEvents?: number; readonly afterText?: number };
  /** How the body is cut into writes. Default: one per event. */
  readonly chunking?: 'whole' | 'event' | number;
  /** Line ends as CRLF. */
  readonly crlf?: boolean;
  /** Events and fields nobody knows yet, between the others. */
  readonly unknownEvents?: boolean;
  /** An event of this many bytes in the middle. */
  readonly hugeFrameBytes?: number;
  /** Milliseconds before the headers, and between writes. */
  readonly delayMs?: number;
  readonly delayPerEventMs?: number;
  /** Answer with a redirect to this URL. */
  readonly redirect?: string;
}

/** A refusal with Anthropic's error body. The type follows from the status if it is not given. */
export const status = (code: number, more: Omit<Fault, 'status'> = {}): Fault => ({ status: code, ...more });

/** Ends the body: `cut({ afterText: 200, how: 'reset' })`. */
export const cut = (where: NonNullable<Fault['cut']>): Fault => ({ cut: where });

/** An `error` event inside the stream: `streamError('overloaded_error', { afterText: 200 })`. */
export const streamError = (type: string, where: Omit<NonNullable<Fault['streamError']>, 'type'> = {}): Fault => ({
  streamError: { type, ...where },
});

/** The error type that belongs to a status. */
export function errorTypeOf(code: number): string {
  const types: Record<number, string> = {
    400: 'invalid_request_error',
    401: 'authentication_error',
    402: 'billing_error',
    403: 'permission_error',
    404: 'not_found_error',
    409: 'conflict_error',
    413: 'request_too_large',
    429: 'rate_limit_error',
    504: 'timeout_error',
    529: 'overloaded_error',
  };
  return types[code] ?? (code >= 500 ? 'api_error' : 'invalid_request_error');
}

const limits: Record<string, string> = {
  'anthropic-ratelimit-requests-limit': '4000',
  'anthropic-ratelimit-requests-remaining': '0',
  'anthropic-ratelimit-requests-reset': '2026-11-24T12:00:00Z',
  'anthropic-ratelimit-tokens-limit': '400000',
  'anthropic-ratelimit-tokens-remaining': '0',
  'anthropic-ratelimit-tokens-reset': '2026-11-24T12:00:00Z',
};

/** Failures by name: every way Claude is known to fail, with true bodies and headers. */
export const faults = {
  overloaded: status(529, { message: 'Overloaded' }),
  'rate-limited': status(429, {
    headers: { 'retry-after': '1', ...limits },
    message: 'This request would exceed the rate limit for your organization.',
  }),
  'rate-limited-a-day': status(429, {
    headers: { 'retry-after': '86400', ...limits },
    message: 'This request would exceed the rate limit for your organization.',
  }),
  'ramp-limit': status(429, {
    errorCode: 'ramp_limit_exceeded',
    headers: { 'retry-after': '2' },
    message: 'Usage is growing too quickly.',
  }),
  'spend-limit': status(429, { errorCode: 'enforced_spend_limit_reached', message: 'You have reached your monthly spend limit.' }),
  'contract-limit': status(429, { errorCode: 'contract_spend_limit_reached', message: 'The contract limit is reached.' }),
  'own-spend-limit': status(400, {
    message: 'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
  }),
  'gateway-spend-cap': status(429, { errorType: 'billing_error', headers: { 'x-should-retry': 'false' }, message: 'Spend cap reached.' }),
  'bad-request': status(400, { message: 'messages: at least one message is required' }),
  'bad-key': status(401, { message: 'invalid x-api-key' }),
  billing: status(402, { message: 'Your credit balance is too low to access the API.' }),
  forbidden: status(403, { message: 'Your API key does not have permission to use the specified resource.' }),
  'unknown-model': status(404, { message: 'model: claude-nonsense-9' }),
  'request-timeout': status(408, { errorType: 'timeout_error' }),
  conflict: status(409),
  'conflict-try-again': status(409, { headers: { 'x-should-retry': 'true' } }),
  'too-large': status(413, { message: 'Request exceeds the maximum size' }),
  'server-error': status(500, { message: 'Internal server error' }),
  'not-implemented': status(501),
  'bad-gateway': { status: 502, body: 'html' } as Fault,
  unavailable: status(503, { headers: { 'retry-after': '1' } }),
  'key-unreachable': status(503, { errorCode: 'cmek_key_unreachable' }),
  'gateway-timeout': status(504),
  'compaction-busy': status(529, { errorCode: 'compaction_unavailable' }),
  'thread-gone': status(404, { errorCode: 'thread_not_found' }),
  'thread-in-flight': status(400, { errorCode: 'thread_continue_in_flight' }),
  'key-disabled': status(400, { errorCode: 'cmek_key_disabled' }),
  reset: { connection: 'reset' } as Fault,
  'reset-in-headers': { connection: 'reset-in-headers' } as Fault,
  silent: { connection: 'stall' } as Fault,
  'empty-body': { body: 'empty' } as Fault,
  'html-page': { body: 'html' } as Fault,
  'error-in-ok': { body: 'error-envelope' } as Fault,
  truncated: { body: 'truncated' } as Fault,
  'pings-only': { body: 'pings' } as Fault,
  'error-first': streamError('overloaded_error', { afterEvents: 1 }),
  'overload-mid-stream': streamError('overloaded_error', { afterText: 200 }),
  'cut-mid-stream': cut({ afterText: 200, how: 'reset' }),
  'silent-end': cut({ afterText: 200, how: 'end' }),
  'stall-mid-stream': cut({ afterText: 200, how: 'stall' }),
  slow: { delayPerEventMs: 30 } as Fault,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** A fault by value or by name. */
export type FaultLike = Fault | FaultName;

const fields: ReadonlySet<string> = new Set([
  'status',
  'errorType',
  'errorCode',
  'message',
  'headers',
  'body',
  'connection',
  'cut',
  'streamError',
  'chunking',
  'crlf',
  'unknownEvents',
  'hugeFrameBytes',
  'delayMs',
  'delayPerEventMs',
  'redirect',
] satisfies readonly (keyof Fault)[]);

/**
 * The fault a name stands for; a fault as it is.
 *
 * @throws for a name or a field that does not exist, with those that do
 */
export function toFault(fault: FaultLike): Fault {
  if (typeof fault === 'string') {
    if (!Object.hasOwn(faults, fault)) throw new Error(`no fault is called "${fault}"; known: ${Object.keys(faults).join(', ')}`);
    return faults[fault];
  }
  if (typeof fault !== 'object' || fault === null) throw new Error(`a fault is a name or an object, not ${String(fault)}`);
  const unknown = Object.keys(fault).find((name) => !fields.has(name));
  if (unknown !== undefined) throw new Error(`a fault has no "${unknown}"; known: ${[...fields].join(', ')}`);
  return fault;
}
