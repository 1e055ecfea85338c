// How calls end, as one table. For each kind of failure: what may stand in for the answer, and what a client is told. For each
// end that Holdfast itself makes: what the SDK is told as well. Everything that speaks of a failure reads it here:
// `explain`, problems over HTTP, the ladder, ledger and logs.

import type { FailureKind } from './verdict.ts';

/**
 * `speed`: the same model without fast mode. `model`: a fallback model. `cache`: an answer from before. `answer`: one the
 * application computes.
 */
export type Rung = 'speed' | 'model' | 'cache' | 'answer';

/**
 * The kinds of failure a client of your server may be told about: the `code` of the problem body. Fewer than
 * `FailureKind` has, because credentials, billing and model names are the server's business, not its client's.
 */
export type ProblemKind =
  | 'upstream-auth'
  | 'upstream-billing'
  | 'upstream-config'
  | 'invalid-request'
  | 'too-large'
  | 'rate-limited'
  | 'overloaded'
  | 'upstream-error'
  | 'timeout'
  | 'unreachable'
  | 'circuit-open'
  | 'shed'
  | 'stream-broken'
  | 'client-closed'
  | 'shutting-down'
  | 'internal-error';

/** Why Holdfast itself ended a call; the `errorCode` users see is `holdfast_` + this with underscores. */
export type SurfaceReason =
  | 'circuit-open'
  | 'deadline'
  | 'timeout'
  | 'aborted'
  | 'unreachable'
  | 'credentials'
  | 'bad-answer'
  | 'stream-broken'
  | 'no-target'
  | 'shutting-down';

export interface KindRow {
  /** The status that fits where the upstream told the failure without one, inside a stream or under 200. */
  readonly status: number;
  /** Anthropic's word for it, where the upstream had none. */
  readonly type: string;
  /** What can stand in for the answer. What the caller did wrong never degrades: it would be hidden, not helped. */
  readonly rungs: readonly Rung[];
  readonly problem: ProblemKind;
  /** What to do about it, one sentence, where nothing more is known than the kind. */
  readonly action: string;
}

/** Nothing can help, or nothing should. */
const none: readonly Rung[] = [];
/** Another model does not answer at an address that cannot be reached, nor an account that is locked. */
const outage: readonly Rung[] = ['cache', 'answer'];
const trouble: readonly Rung[] = ['model', ...outage];
/** Fast mode has capacity of its own. */
const congestion: readonly Rung[] = ['speed', ...trouble];

/** By what the verdict on an upstream's failure says. */
export const failureKinds: Readonly<Record<FailureKind, KindRow>> = {
  'invalid-request': {
    status: 400,
    type: 'invalid_request_error',
    rungs: none,
    problem: 'invalid-request',
    action: 'Fix the request: sending it again cannot help.',
  },
  'too-large': {
    status: 413,
    type: 'request_too_large',
    rungs: none,
    problem: 'too-large',
    action: 'Send less: the request is larger than the API or the model accepts.',
  },
  auth: {
    status: 401,
    type: 'authentication_error',
    rungs: outage,
    problem: 'upstream-auth',
    action: 'Check the API key or token of this target.',
  },
  credentials: {
    status: 503,
    type: 'authentication_error',
    rungs: outage,
    problem: 'upstream-auth',
    action: 'Log in again, or check the credential provider of this target.',
  },
  permission: {
    status: 403,
    type: 'permission_error',
    rungs: none,
    problem: 'upstream-auth',
    action: 'Check the permissions of this key or account.',
  },
  billing: {
    status: 402,
    type: 'billing_error',
    rungs: outage,
    problem: 'upstream-billing',
    action: 'Settle the billing or raise the spend limit of this account.',
  },
  'not-found': {
    status: 404,
    type: 'not_found_error',
    rungs: none,
    problem: 'upstream-config',
    action: 'Check the model id and the endpoint for this target.',
  },
  conflict: {
    status: 409,
    type: 'conflict_error',
    rungs: none,
    problem: 'invalid-request',
    action: 'Look at what the request conflicts with.',
  },
  'rate-limited': {
    status: 429,
    type: 'rate_limit_error',
    rungs: congestion,
    problem: 'rate-limited',
    action: 'Back off as long as retry-after says, or ask another target.',
  },
  overloaded: {
    status: 529,
    type: 'overloaded_error',
    rungs: congestion,
    problem: 'overloaded',
    action: 'Back off widely, and consider a fallback model or target.',
  },
  'upstream-error': {
    status: 500,
    type: 'api_error',
    rungs: trouble,
    problem: 'upstream-error',
    action: 'Try again later; if it persists, look at the upstream and the proxies in between.',
  },
  unreachable: {
    status: 503,
    type: 'api_error',
    rungs: outage,
    problem: 'unreachable',
    action: 'Check network, DNS and proxy between this process and the upstream.',
  },
  timeout: {
    status: 504,
    type: 'timeout_error',
    rungs: trouble,
    problem: 'timeout',
    action: 'Try again; for long answers stream, or raise the limit.',
  },
  'stream-broken': {
    status: 502,
    type: 'api_error',
    rungs: trouble,
    problem: 'stream-broken',
    action: 'Show the partial answer, or ask again from the start.',
  },
  'bad-answer': {
    status: 502,
    type: 'api_error',
    rungs: trouble,
    problem: 'upstream-error',
    action: 'Look at what cuts or replaces answers between here and the upstream.',
  },
  'thread-state': {
    status: 409,
    type: 'invalid_request_error',
    rungs: none,
    problem: 'invalid-request',
    action: 'Replay the conversation as a new thread.',
  },
  'account-state': {
    status: 403,
    type: 'permission_error',
    rungs: outage,
    problem: 'upstream-config',
    action: 'Look at the state of this account: its keys, its encryption, whether it is on hold.',
  },
  unsupported: {
    status: 501,
    type: 'invalid_request_error',
    rungs: none,
    problem: 'upstream-config',
    action: 'Do not ask this endpoint for it: it is not implemented.',
  },
  'local-error': {
    status: 500,
    type: 'api_error',
    rungs: none,
    problem: 'internal-error',
    action: 'Fix this program: its code, or the SDK, refused before anything was sent.',
  },
  aborted: { status: 499, type: 'api_error', rungs: none, problem: 'client-closed', action: 'Nothing: the caller left.' },
};

export interface Ending extends KindRow {
  /** No word of it may be "timeout" or "timed out": the SDK would take the error for one of its own and replace it. */
  readonly message: string;
  /** The same call may succeed later, without anybody doing anything. */
  readonly retryable: boolean;
  /** It stands for a failure of the upstream: where the verdict on that is known, its kind, advice and reason say more. */
  readonly ofUpstream: boolean;
}

/**
 * By the reason for which Holdfast itself ends a call. The status decides the SDK's class: 503 ServiceUnavailableError,
 * 504 GatewayTimeoutError, 499 ClientClosedRequestError, 502 InternalServerError. A new reason is its name above and a row here, and nothing else.
 */
export const endings: Readonly<Record<SurfaceReason, Ending>> = {
  'circuit-open': {
    status: 503,
    type: 'overloaded_error',
    message: 'The circuit for this target is open after repeated failures. Try again later or add a second target.',
    action: 'Wait until the circuit closes, or configure a second target.',
    retryable: true,
    rungs: congestion,
    problem: 'circuit-open',
    ofUpstream: false,
  },
  'no-target': {
    status: 503,
    type: 'api_error',
    message: 'No target is configured that may ever take this request. See the ledger and the events for each target’s reason.',
    action: 'Change the configuration: the fence, what targets can do, or the key of the only one asked leaves nobody to ask.',
    retryable: false,
    rungs: outage,
    problem: 'upstream-config',
    ofUpstream: true,
  },
  'shutting-down': {
    status: 503,
    type: 'api_error',
    message: 'This process is shutting down and takes no new calls.',
    action: 'Send the call to another instance.',
    retryable: true,
    rungs: none,
    problem: 'shutting-down',
    ofUpstream: false,
  },
  unreachable: {
    ...failureKinds.unreachable,
    message: 'The upstream could not be reached.',
    action: 'Check network, DNS and proxy between this process and the upstream.',
    retryable: true,
    ofUpstream: true,
  },
  credentials: {
    ...failureKinds.credentials,
    message: 'No credentials could be had for this target.',
    action: 'Log in again, or check the credential provider of this target.',
    retryable: false,
    ofUpstream: true,
  },
  'bad-answer': {
    ...failureKinds['bad-answer'],
    message: 'The upstream answered with something that is no complete message.',
    action: 'Something between here and the upstream cuts or replaces answers: look at proxies.',
    retryable: true,
    ofUpstream: true,
  },
  'stream-broken': {
    ...failureKinds['stream-broken'],
    message: 'The stream broke and could not be continued.',
    action: 'Show the partial answer, or ask again from the start.',
    retryable: true,
    ofUpstream: true,
  },
  deadline: {
    status: 504,
    type: 'timeout_error',
    message: 'The deadline of this call passed before an answer was complete.',
    action: 'Give the call more time, ask for fewer tokens, or stream it.',
    retryable: true,
    rungs: outage,
    problem: 'timeout',
    ofUpstream: false,
  },
  timeout: {
    ...failureKinds.timeout,
    message: 'The upstream did not begin to answer within the limit.',
    action: 'The upstream was silent: try again, or raise the limit for slow requests.',
    retryable: true,
    ofUpstream: true,
  },
  aborted: {
    ...failureKinds.aborted,
    message: 'The caller left before the answer was complete.',
    action: 'Nothing: the caller left.',
    retryable: false,
    ofUpstream: false,
  },
};

/** What a failed call is called in `explain`, ledger and logs. */
export type EndKind = FailureKind | SurfaceReason;

/** The `errorCode` users see for a reason. */
export const errorCodeOf = (reason: SurfaceReason): string => `holdfast_${reason.replaceAll('-', '_')}`;

const byErrorCode: ReadonlyMap<string | undefined, SurfaceReason> = new Map(
  (Object.keys(endings) as SurfaceReason[]).map((reason) => [errorCodeOf(reason), reason]),
);

/** The reason behind an `errorCode` of ours; undefined for every other. */
export const reasonOfCode = (code: string | undefined): SurfaceReason | undefined => byErrorCode.get(code);

/** True for an end of Holdfast's own making, which needs no failure of the upstream to be told. */
export const isSurfaceReason = (reason: string): reason is SurfaceReason => Object.hasOwn(endings, reason);

/** True for a kind that verdicts on failures of the upstream have. */
export const isFailureKind = (kind: unknown): kind is FailureKind => typeof kind === 'string' && Object.hasOwn(failureKinds, kind);

/** True for a word of `explain`'s. */
export const isEndKind = (kind: unknown): kind is EndKind => isFailureKind(kind) || (typeof kind === 'string' && isSurfaceReason(kind));

/** What may stand in for an answer that was not had for this. */
export const rungsThatCure = (cause: EndKind): readonly Rung[] => (isFailureKind(cause) ? failureKinds[cause].rungs : endings[cause].rungs);
